/** Events that may wait apart; behind them, waiting ones are taken together. */
const MAX_APART = 64;

/**
 * The events of one watch that have come and are not with the client's socket yet. Mostly there is
 * none when one comes, and it leaves at once: then nothing is allocated.
 */
export class EventLatencies {
  private endByte = 0;
  private sinceMs = 0;
  private count = 0;
  /** What comes behind the first: end, since when and how many, for each. */
  private rest: number[] | undefined;

  /** When the oldest event that waits came; undefined when none does. */
  get oldestMs(): number | undefined {
    return this.count === 0 ? undefined : this.sinceMs;
  }

  /** @param endByte where the event ends, in bytes of the whole body */
  add(endByte: number, firstByteAtMs: number): void {
    if (this.count === 0) {
      this.endByte = endByte;
      this.sinceMs = firstByteAtMs;
      this.count = 1;
      return;
    }
    this.rest ??= [];
    const { rest } = this;
    const last = rest.length - 3;
    if (rest.length < 3 * MAX_APART) {
      rest.push(endByte, firstByteAtMs, 1);
      return;
    }
    // Counted from the older one's first byte: too long at worst, and never too short.
    rest[last] = endByte;
    rest[last + 2] = (rest[last + 2] ?? 0) + 1;
  }

  /** Whether an event ends at or before this byte of the body. */
  hasUpTo(byte: number): boolean {
    return this.count > 0 && this.endByte <= byte;
  }

  /** Hands on when each event that ends at or before this byte has come. */
  takeUpTo(byte: number, observe: (sinceMs: number, count: number) => void): void {
    while (this.count > 0 && this.endByte <= byte) {
      observe(this.sinceMs, this.count);
      this.advance();
    }
  }

  private advance(): void {
    const { rest } = this;
    if (rest === undefined || rest.length === 0) {
      this.count = 0;
      this.rest = undefined;
      return;
    }
    const [endByte = 0, sinceMs = 0, count = 0] = rest;
    rest.splice(0, 3);
    this.endByte = endByte;
    this.sinceMs = sinceMs;
    this.count = count;
  }
}
