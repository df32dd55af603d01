// The live picture of `lag --watch`: redrawn in place on a terminal, a line for each round elsewhere.

import type { Terminal } from './command.ts';
import { allProofs, describeLag } from './lag-answer.ts';
import type { WatchedRound } from './lag-watch.ts';
import { formatAnswer } from './output.ts';
import { formatMs } from './proof-lines.ts';
import { endpointName } from './roster.ts';

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const NO_ANSWER = '·';
const SPARK_ROUNDS = 40;
const DEFAULT_COLUMNS = 80;

/** Shows one round after the other. */
export interface LagDisplay {
  show(watched: WatchedRound): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

/** For a terminal: a table with the entries behind of the last rounds. */
export class LiveTable implements LagDisplay {
  readonly #terminal: Terminal;
  readonly #behind = new Map<string, (bigint | undefined)[]>();
  #drawnLines = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(watched: WatchedRound): void {
    const lines = this.#lines(watched);
    // Up to where the last picture began, and all below is cleared: what stood on the terminal
    // before stays. The cursor is hidden, or it would dance over the table.
    const up = this.#drawnLines === 0 ? '\u001b[?25l' : `\u001b[${this.#drawnLines}A\r\u001b[J`;
    this.#terminal.write(`${up}${lines.join('\n')}\n`);
    this.#drawnLines = lines.length;
  }

  end(): void {
    if (this.#drawnLines > 0) this.#terminal.write('\u001b[?25h');
  }

  #lines(watched: WatchedRound): string[] {
    const { verdict, roster } = watched;
    const took = formatMs(verdict.tookMs);
    const sparks = verdict.members.map((member) => {
      const name = endpointName(roster, member.endpoint, member.id);
      const kept = [...(this.#behind.get(member.endpoint) ?? []), member.trend?.behind].slice(
        -SPARK_ROUNDS,
      );
      this.#behind.set(member.endpoint, kept);
      return [name, sparkline(kept)] as const;
    });
    const width = Math.max(...sparks.map(([name]) => name.length));
    return [
      `round ${verdict.round}, ${took}; Ctrl-C ends`,
      ...formatAnswer(describeLag(watched), 'table').trimEnd().split('\n'),
      '',
      'entries behind, round by round:',
      ...sparks.map(([name, spark]) => `${name.padEnd(width)}  ${spark}`),
    ].map((line) => this.#fit(line));
  }

  /** A line that the terminal breaks would be two to move up over. */
  #fit(line: string): string {
    // Some terminals say that they have none.
    const columns = this.#terminal.columns || DEFAULT_COLUMNS;
    return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
  }
}

/** For files and pipes: a line for each round, and the proofs when they change. */
export class PlainLines implements LagDisplay {
  readonly #terminal: Terminal;
  #shown = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(watched: WatchedRound): void {
    const { verdict, roster } = watched;
    const members = verdict.members.map((member) => {
      const behind = member.trend === undefined ? '' : ` ${member.trend.behind} behind`;
      return `${endpointName(roster, member.endpoint, member.id)} ${member.state}${behind}`;
    });
    const resolution = verdict.resolution ?? 'unknown';
    const took = formatMs(verdict.tookMs);
    this.#terminal.write(
      `round ${verdict.round}: ${members.join(', ')}; resolution ${resolution}, ${took}\n`,
    );
    const proofs = allProofs(watched);
    const text = proofs.map((line) => `  ${line}\n`).join('');
    if (text === this.#shown) return;
    this.#shown = text;
    this.#terminal.write(text);
  }

  end(): void {
    // Every line is whole.
  }
}

/** Bars relative to the largest; a dot where there was no answer. */
export function sparkline(values: readonly (bigint | undefined)[]): string {
  const known = values.filter((value) => value !== undefined);
  const top = Number(known.toSorted((a, b) => (a < b ? 1 : -1))[0] ?? 0n);
  return values
    .map((value) => {
      if (value === undefined) return NO_ANSWER;
      const step = top === 0 ? 0 : Math.ceil((Number(value) / top) * (BARS.length - 1));
      return BARS[step] ?? NO_ANSWER;
    })
    .join('');
}
