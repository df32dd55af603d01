// Where the demo is shown: a frame that redraws on a terminal, lines elsewhere.
import type { DemoReport } from './report.ts';
import { renderTable, TABLE_COLUMNS, TABLE_LINES } from './table.ts';
import { PLAIN_STYLE, TERMINAL_STYLE } from './text-style.ts';
import { phaseLine, renderVerdict } from './verdict.ts';

/** What a screen needs of process.stdout; tests pass their own. */
export interface ScreenOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE = '\u001b[K';

/** Must be closed, or a terminal is left without a cursor. */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #redraws: boolean;
  #drawnLines = 0;

  constructor(output: ScreenOutput) {
    this.#output = output;
    const { isTTY = false, columns = 0, rows = 0 } = output;
    // A frame that wraps or scrolls cannot be drawn over.
    this.#redraws = isTTY && columns >= TABLE_COLUMNS && rows > TABLE_LINES;
    if (this.#redraws) output.write(HIDE_CURSOR);
  }

  /** What is being started. */
  note(line: string): void {
    this.#output.write(`${line}\n`);
  }

  /** The state now. */
  update(report: DemoReport): void {
    if (!this.#redraws) return;
    const lines = renderTable(report, TERMINAL_STYLE);
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : '';
    this.#output.write(`${up}\r${lines.map((line) => `${line}${CLEAR_LINE}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }

  /** A phase is over. */
  phaseEnded(report: DemoReport): void {
    if (this.#redraws) this.update(report);
    else this.note(phaseLine(report));
  }

  finish(report: DemoReport): void {
    if (this.#redraws) this.update(report);
    else for (const line of ['', ...renderTable(report, PLAIN_STYLE)]) this.note(line);
    for (const line of ['', ...renderVerdict(report)]) this.note(line);
  }

  close(): void {
    if (this.#redraws) this.#output.write(SHOW_CURSOR);
  }
}
