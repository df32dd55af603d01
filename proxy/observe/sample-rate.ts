const WINDOW_MS = 1000;

/**
 * Chooses some of many, so many a second at most, each as likely as any other: the first of each
 * second, or of each burst, would be those that waited least. The distance between two is by chance,
 * or watches that take turns in the same order would be told apart by their place in it.
 */
export class SampleRate {
  private readonly maxPerSecond: number;
  private readonly random: () => number;
  private startedAtMs = Number.NEGATIVE_INFINITY;
  private seen = 0;
  private taken = 0;
  /** One of so many, by how many there were in the last second. */
  private every = 1;
  private untilNext = 0;

  constructor(maxPerSecond: number, random: () => number = Math.random) {
    this.maxPerSecond = maxPerSecond;
    this.random = random;
  }

  /** Whether this one is chosen. */
  take(nowMs: number): boolean {
    if (nowMs - this.startedAtMs >= WINDOW_MS) this.turn(nowMs);
    this.seen += 1;
    if (this.untilNext > 0) {
      this.untilNext -= 1;
      return false;
    }
    // From 0 to twice the mean.
    this.untilNext = Math.floor(this.random() * (2 * this.every - 1));
    if (this.taken >= this.maxPerSecond) return false;
    this.taken += 1;
    return true;
  }

  private turn(nowMs: number): void {
    // What was more than a second ago says nothing of the next one.
    const isRecent = nowMs - this.startedAtMs < 2 * WINDOW_MS;
    this.every = isRecent ? Math.max(1, Math.ceil(this.seen / this.maxPerSecond)) : 1;
    if (!isRecent) this.untilNext = 0;
    this.startedAtMs = nowMs;
    this.seen = 0;
    this.taken = 0;
  }
}
