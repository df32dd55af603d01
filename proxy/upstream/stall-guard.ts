/**
 * Notices that this process has stood still: on a busy machine, or stopped. What has arrived in
 * the meantime is read only afterwards, so silence counts anew from then on; otherwise every
 * endpoint would look dead at once, and all watches would move for nothing.
 */
export class StallGuard {
  private readonly toleranceMs: number;
  private lastMs: number | undefined;
  private awakeSinceMs = Number.NEGATIVE_INFINITY;

  /** @param toleranceMs between two calls of `awakeSince`; more is a stall */
  constructor(toleranceMs: number) {
    this.toleranceMs = toleranceMs;
  }

  /** To be called steadily. Since when the calls have been coming in time. */
  awakeSince(nowMs: number): number {
    const late = this.lastMs !== undefined && nowMs - this.lastMs > this.toleranceMs;
    if (late) this.awakeSinceMs = nowMs;
    this.lastMs = nowMs;
    return this.awakeSinceMs;
  }
}
