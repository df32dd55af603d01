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

/** What is known of the PINGs of one connection. */
interface Answers {
  /** When the one was sent that has not been answered; undefined when none is owed. */
  askedAtMs: number | undefined;
  /** Round trips, smoothed, and how much they vary, as TCP reckons them; 0 before the first. */
  smoothedMs: number;
  variationMs: number;
}

/** RFC 6298, section 2: how much a new round trip counts, and how far from the mean is too far. */
const SMOOTHING = 1 / 8;
const VARIATION_SMOOTHING = 1 / 4;
const VARIATIONS = 4;
/** A connection that was frozen once must not be waited for three times as long when it is again. */
const MAX_PATIENCE = 2;

/**
 * Tells connections that say nothing from those that are gone. Silence by itself proves nothing: a
 * connection may have had nothing to do for an hour, and has its first request a moment ago. So
 * only the time counts for which it has owed the answer to a PING, and a connection that has been
 * slow to answer before is given as much time as it has needed.
 */
export class SignsOfLife {
  private readonly policy: SilencePolicy;
  private readonly answers = new WeakMap<Quiet, Answers>();

  constructor(policy: SilencePolicy) {
    this.policy = policy;
  }

  /** The connection has answered a PING. */
  answered(connection: Quiet, roundTripMs: number): void {
    const answers = this.answersOf(connection);
    if (answers.smoothedMs === 0) {
      answers.smoothedMs = roundTripMs;
      answers.variationMs = roundTripMs / 2;
      return;
    }
    const differenceMs = Math.abs(answers.smoothedMs - roundTripMs);
    answers.variationMs += VARIATION_SMOOTHING * (differenceMs - answers.variationMs);
    answers.smoothedMs += SMOOTHING * (roundTripMs - answers.smoothedMs);
  }

  /**
   * To be called steadily; after the verdict `ask` the caller sends a PING.
   * @param awakeSinceMs silence before then was our own; see StallGuard
   */
  judge(connection: Quiet, nowMs: number, awakeSinceMs: number): Verdict {
    const { pingAfterMs, suspectAfterMs, deadAfterMs } = this.policy;
    const heardAtMs = Math.max(connection.lastReadAtMs, awakeSinceMs);
    const answers = this.answersOf(connection);
    const { askedAtMs } = answers;
    if (connection.openStreams === 0 || nowMs - heardAtMs <= pingAfterMs) {
      answers.askedAtMs = undefined;
      return 'alive';
    }
    if (askedAtMs === undefined || askedAtMs < heardAtMs) {
      answers.askedAtMs = nowMs;
      return 'ask';
    }
    const owedMs = nowMs - askedAtMs;
    if (owedMs > deadAfterMs - pingAfterMs) return 'dead';
    const patienceMs = suspectAfterMs - pingAfterMs;
    const usualMs = answers.smoothedMs + VARIATIONS * answers.variationMs;
    const waitMs = Math.max(patienceMs, Math.min(usualMs, MAX_PATIENCE * patienceMs));
    return owedMs > waitMs ? 'suspect' : 'waiting';
  }

  private answersOf(connection: Quiet): Answers {
    const known = this.answers.get(connection);
    if (known !== undefined) return known;
    const fresh: Answers = { askedAtMs: undefined, smoothedMs: 0, variationMs: 0 };
    this.answers.set(connection, fresh);
    return fresh;
  }
}
