// What goes on beside k6 while a run is measured: the servers are asked for their figures, and things
// are done to them on purpose.
import { setTimeout as delay } from 'node:timers/promises';
import { runProgram } from '../../tools/run-program.ts';
import type { FaultName, Site } from '../local/site.ts';
import type { FaultLine } from '../result.ts';
import { type Scraper, scrapeUntil } from '../scrape/scraper.ts';
import type { PlannedFault } from './planned-fault.ts';
import type { Samples } from './samples.ts';

// As often as most Prometheus servers do: reading all of a kube-apiserver's figures is work for it.
const SCRAPE_INTERVAL_MS = 15_000;
// The last round comes so long before the end: what the suite takes down afterwards is not load.
const ROUND_MARGIN_MS = 500;

export interface MeasuredPhaseParts {
  readonly scraper: Scraper;
  readonly faults: readonly PlannedFault[];
  readonly site: Site | undefined;
  readonly samples: Pick<Samples, 'requests' | 'latencies'>;
  readonly measureSeconds: number;
  /** Of the run. */
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** For people. */
  readonly say: (line: string) => void;
}

export interface MeasuredPhaseOutcome {
  readonly faults: readonly FaultLine[];
  /** Faults that could not be done or undone. */
  readonly problems: readonly string[];
  /** Requests that were measured between the first and the last round of scrapes. */
  readonly requests: number;
}

export class MeasuredPhase {
  readonly #parts: MeasuredPhaseParts;
  readonly #over = new AbortController();
  readonly #lines: FaultLine[] = [];
  readonly #problems: string[] = [];
  #running: Promise<unknown> | undefined;
  #outcome: Promise<MeasuredPhaseOutcome> | undefined;
  #requests = 0;

  constructor(parts: MeasuredPhaseParts) {
    this.#parts = parts;
  }

  /** With the first sample that is measured; later calls do nothing. */
  begin(): void {
    if (this.#running !== undefined) return;
    const { faults } = this.#parts;
    this.#running = Promise.all([this.#scrape(), ...faults.map((fault) => this.#cause(fault))]);
  }

  /** When k6 has ended. Waits until all that was broken on purpose is whole again. */
  end(): Promise<MeasuredPhaseOutcome> {
    this.#outcome ??= this.#finish();
    return this.#outcome;
  }

  async #finish(): Promise<MeasuredPhaseOutcome> {
    this.#over.abort();
    if (this.#running === undefined) this.#problems.push('nothing was measured');
    await this.#running;
    const faults = this.#lines.sort((a, b) => a.atMs - b.atMs);
    return { faults, problems: this.#problems, requests: this.#requests };
  }

  async #scrape(): Promise<void> {
    const { scraper, measureSeconds, nowMs } = this.#parts;
    const before = this.#measured();
    const scraping = scrapeUntil(scraper, { intervalMs: SCRAPE_INTERVAL_MS, nowMs });
    await this.#until(measureSeconds * 1000 - ROUND_MARGIN_MS);
    this.#requests = this.#measured() - before;
    await scraping.stop();
  }

  async #cause({ afterMs, does }: PlannedFault): Promise<void> {
    const { nowMs, say } = this.#parts;
    const name = 'name' in does ? does.name : `command: ${does.command}`;
    if (!(await this.#until(afterMs))) {
      this.#problems.push(`${name}: the run was over before`);
      return;
    }
    const atMs = nowMs();
    say(`fault ${name}`);
    try {
      const target =
        'name' in does ? await this.#inflict(does.name) : await this.#run(does.command);
      say(`fault ${name}: over`);
      this.#lines.push({ type: 'fault', name, atMs, endMs: nowMs(), target });
    } catch (error) {
      this.#lines.push({ type: 'fault', name, atMs });
      this.#problems.push(`${name}: ${(error as Error).message}`);
    }
  }

  #inflict(name: FaultName): Promise<string> {
    const { site } = this.#parts;
    if (site === undefined) throw new Error('there is no control plane of our own');
    return site.fault(name);
  }

  async #run(command: string): Promise<string> {
    const { signal } = this.#parts;
    const { exitCode, lines } = await runProgram({
      command: '/bin/sh',
      args: ['-c', command],
      signal,
    });
    if (exitCode === 0) return 'by command';
    throw new Error(`ended with ${exitCode}: ${lines.at(-1) ?? 'without a word'}`);
  }

  /** False when the run ends before. */
  #until(ms: number): Promise<boolean> {
    return delay(ms, true, { signal: this.#over.signal }).catch(() => false);
  }

  #measured(): number {
    let sum = 0;
    for (const { count } of this.#parts.samples.latencies().values()) sum += count;
    return sum;
  }
}
