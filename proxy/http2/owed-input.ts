/**
 * Since when the peer owes us the rest of the same thing: a frame, a header block, the preface. One
 * byte now and then does not begin it anew, so slow headers are seen for what they are; DATA has its
 * own deadline, because a large body is always in the middle of a frame.
 */
export class OwedInput {
  sinceMs: number | undefined;
  private unit: string | undefined;

  /** @param unit names what is unfinished, differently each time; undefined when nothing is */
  note(unit: string | undefined, nowMs: number): void {
    if (unit === this.unit) return;
    this.unit = unit;
    this.sinceMs = unit === undefined ? undefined : nowMs;
  }
}
