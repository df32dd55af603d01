/**
 * Ends a response whose client takes nothing (a slow read): what waits for it is memory of ours, and
 * the sender behind it is held up. A watch without news waits for nobody, so it has all the time.
 */
export class StallTimer {
  readonly #limitMs: number;
  readonly #onStall: (detail: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;
  #moved = false;

  constructor(limitMs: number, onStall: (detail: string) => void) {
    this.#limitMs = limitMs;
    this.#onStall = onStall;
  }

  /** @param change 1 for a piece that is to be written, -1 for one that has been */
  waiting(change: 1 | -1): void {
    this.#waiting += change;
    if (change < 0) this.#moved = true;
    // One timer for many pieces: it looks whether anything moved, so it waits at most twice as long.
    else this.#timer ??= setTimeout(() => this.#look(), this.#limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    // Nothing that is written later starts it again.
    this.#waiting = Number.NEGATIVE_INFINITY;
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#waiting <= 0) return;
    if (this.#moved) this.#timer = setTimeout(() => this.#look(), this.#limitMs);
    else this.#onStall(`nothing was taken for ${this.#limitMs / 1000} s`);
    this.#moved = false;
  }
}
