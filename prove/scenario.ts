import type { Row } from './row.ts';

/** What a person may ask for beside the name of a scenario. */
export interface ScenarioOptions {
  /** Only this part of it. */
  readonly part?: string;
  /** Of what is left to chance. */
  readonly seed?: number;
  /** How long what has no end of its own goes on. */
  readonly minutes?: number;
  /** With less patience, to see whether all of it works. */
  readonly quick?: boolean;
}

/** What a scenario is given by prove/main.ts. */
export interface ScenarioContext {
  /** An empty folder of its own, removed afterwards. */
  readonly directory: string;
  /** Aborted by Ctrl-C. What was handed to `onEnd` is then ended at once. */
  readonly signal: AbortSignal;
  /** Tells the person at the terminal what is going on. */
  readonly say: (line: string) => void;
  /**
   * Hands over something to be ended, last one first, when the scenario is over in whatever way.
   * Throws, after ending it, when the scenario has been aborted.
   */
  readonly onEnd: (end: () => Promise<void>) => Promise<void>;
  /** No others than those that the scenario takes. */
  readonly options: ScenarioOptions;
}

/** One acceptance scenario, in a file of its own under prove/scenarios. */
export interface Scenario {
  /** As in `npm run prove -- NAME`; also the name of its file and of its result. */
  readonly name: string;
  /** One line. */
  readonly title: string;
  /** Which options it takes; none by default. */
  readonly takes?: readonly (keyof ScenarioOptions)[];
  /** Throws only when it cannot go on: a figure that is too low is a row. */
  run(context: ScenarioContext): Promise<readonly Row[]>;
}
