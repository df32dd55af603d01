/** Of client-go's tools/cache/reflector.go: 800 ms, doubled up to 30 s, each up to twice as long. */
const FIRST_MS = 800;
const LONGEST_MS = 30_000;
const FACTOR = 2;
/** After so long without a failure the server counts as healthy again. */
const RESET_MS = 120_000;

/** How long a reflector waits before it lists or watches again. */
export class ReflectorBackOff {
  #nextMs = FIRST_MS;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  /** @param random from 0 up to 1 */
  next(nowMs: number, random: number): number {
    if (nowMs - this.#lastAtMs > RESET_MS) this.#nextMs = FIRST_MS;
    this.#lastAtMs = nowMs;
    const baseMs = this.#nextMs;
    this.#nextMs = Math.min(LONGEST_MS, baseMs * FACTOR);
    return baseMs * (1 + random);
  }
}
