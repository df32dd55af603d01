import { ConnectionError, ErrorCode } from './errors.ts';

/** How many events of one kind a connection may cause at once, and then per second. */
export interface FloodLimit {
  readonly burst: number;
  readonly perSecond: number;
}

export interface FloodLimits {
  /**
   * Streams that the peer made end early: its own RST_STREAM (rapid reset, CVE-2023-44487) and
   * errors that it provoked us to answer with one (MadeYouReset, CVE-2025-8671). A client-go
   * process that shuts down cancels hundreds of watches at once, hence the burst.
   */
  readonly resets: FloodLimit;
  /**
   * Frames that carry no request and no data: PING, SETTINGS, PRIORITY, empty DATA, unknown, and
   * WINDOW_UPDATE beyond what the data that we send can call for.
   */
  readonly idleFrames: FloodLimit;
}

export const defaultFloodLimits: FloodLimits = {
  resets: { burst: 2000, perSecond: 200 },
  idleFrames: { burst: 2000, perSecond: 500 },
};

/** As many resets as one list over the limit counts for: its bytes cost us about so much more. */
const OVERSIZED_LIST_RESETS = 50;

/** A token bucket that starts full. */
class Bucket {
  private readonly limit: FloodLimit;
  private tokens: number;
  private filledAtMs: number;

  constructor(limit: FloodLimit, nowMs: number) {
    this.limit = limit;
    this.filledAtMs = nowMs;
    this.tokens = limit.burst;
  }

  /** The clock is only read when the bucket has run dry. */
  take(nowMs: () => number, count: number): boolean {
    if (this.tokens < count) this.refill(nowMs());
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }

  private refill(nowMs: number): void {
    const earned = ((nowMs - this.filledAtMs) / 1000) * this.limit.perSecond;
    this.tokens = Math.min(this.limit.burst, this.tokens + earned);
    this.filledAtMs = nowMs;
  }
}

/** Ends a connection that makes us work without asking for anything. */
export class FloodGuard {
  private readonly nowMs: () => number;
  private readonly resets: Bucket;
  private readonly idleFrames: Bucket;

  constructor(limits: FloodLimits, nowMs: () => number) {
    this.nowMs = nowMs;
    this.resets = new Bucket(limits.resets, nowMs());
    this.idleFrames = new Bucket(limits.idleFrames, nowMs());
  }

  reset(): void {
    if (!this.resets.take(this.nowMs, 1)) this.refuse('too many streams reset');
  }

  /** A header list over the limit: it has been read to its end, which no stream is worth. */
  oversizedList(): void {
    if (!this.resets.take(this.nowMs, OVERSIZED_LIST_RESETS)) {
      this.refuse('too many header lists over the limit');
    }
  }

  idleFrame(): void {
    if (!this.idleFrames.take(this.nowMs, 1)) this.refuse('too many frames without purpose');
  }

  private refuse(what: string): never {
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, what);
  }
}
