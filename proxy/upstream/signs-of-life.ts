/**
 * Silence after which a connection with streams is asked whether it is alive (PING); after which it
 * is suspected, if it has not answered; and after which it is given up. A watch that is carried
 * loses nothing by a false suspicion, so it may come early.
 */
export interface SilencePolicy {
  readonly pingAfterMs: number;
  readonly suspectAfterMs: number;
  readonly deadAfterMs: number;
}

/** A connection as far as its silence goes. */
export interface Quiet {
  readonly openStreams: number;
  readonly lastReadAtMs: number;
}

/** What to do about a connection now; `waiting` and `suspect` after a PING without an answer. */
export type Verdict = 'alive' | 'ask' | 'waiting' | 'suspect' | 'dead';

/**
 * Tells connections that say nothing from those that are gone. Silence by itself proves nothing: a
 * connection may have had nothing to do for an hour, and has its first request a moment ago. So
 * only the time counts for which it has owed the answer to a PING.
 */
export class SignsOfLife {
  private readonly policy: SilencePolicy;
  private readonly askedAtMs = new WeakMap<Quiet, number>();

  constructor(policy: SilencePolicy) {
    this.policy = policy;
  }

  /**
   * To be called steadily; after the verdict `ask` the caller sends a PING.
   * @param awakeSinceMs silence before then was our own; see StallGuard
   */
  judge(connection: Quiet, nowMs: number, awakeSinceMs: number): Verdict {
    const { pingAfterMs, suspectAfterMs, deadAfterMs } = this.policy;
    const heardAtMs = Math.max(connection.lastReadAtMs, awakeSinceMs);
    const askedAtMs = this.askedAtMs.get(connection);
    if (connection.openStreams === 0 || nowMs - heardAtMs <= pingAfterMs) {
      if (askedAtMs !== undefined) this.askedAtMs.delete(connection);
      return 'alive';
    }
    if (askedAtMs === undefined || askedAtMs < heardAtMs) {
      this.askedAtMs.set(connection, nowMs);
      return 'ask';
    }
    const owedMs = nowMs - askedAtMs;
    if (owedMs > deadAfterMs - pingAfterMs) return 'dead';
    return owedMs > suspectAfterMs - pingAfterMs ? 'suspect' : 'waiting';
  }
}
