const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;
/** A worker that has lived this long was no part of a crash loop. */
const GOOD_LIFE_MS = 60_000;

/** How long to wait before a worker that has died is started again. */
export class RestartPace {
  private delayMs = FIRST_DELAY_MS;

  /** @param livedMs how long the worker that has died was there */
  next(livedMs: number): number {
    if (livedMs >= GOOD_LIFE_MS) this.delayMs = FIRST_DELAY_MS;
    const delayMs = this.delayMs;
    this.delayMs = Math.min(this.delayMs * 2, MAX_DELAY_MS);
    return delayMs;
  }
}
