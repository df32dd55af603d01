import { ErrorCode } from '../http2/errors.ts';
import { type HeaderList, headerValue } from '../http2/header-list.ts';
import type { ResetReason } from '../http2/message-stream.ts';

/** What is known of a request when an attempt has failed. */
export interface Attempt {
  readonly method: string;
  /** Everything that was sent of the body is still at hand. */
  readonly bodyKept: boolean;
  readonly attempts: number;
  readonly maxAttempts: number;
}

/** Methods that change nothing (RFC 9110, section 9.2.1): sending one twice does no harm. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/**
 * May the request go to another endpoint? A request that was provably not processed may, whatever
 * its method; any other only when repeating it does no harm.
 */
export function mayReplay(attempt: Attempt, reason: Pick<ResetReason, 'unprocessed'>): boolean {
  if (!attempt.bodyKept || attempt.attempts >= attempt.maxAttempts) return false;
  return reason.unprocessed || isSafe(attempt.method);
}

/**
 * What to call a request that ended without an answer.
 *
 * `bad_request`: the endpoint would not read it, as Go's net/http refuses a malformed escape in the
 * path, or a field that may not be a trailer. No other endpoint would read it either, and it is no
 * failure of the endpoint: if it were, one client could have endpoints ejected.
 */
export function lossCode(method: string, reason: ResetReason): LossCode {
  // The code alone may also mean that the answer was malformed, which is the endpoint's failure.
  const reset = reason.detail.startsWith('RST_STREAM');
  if (reset && reason.code === ErrorCode.PROTOCOL_ERROR) return 'bad_request';
  if (reason.unprocessed) return 'upstream_unreachable';
  return isSafe(method) ? 'upstream_lost' : 'outcome_unknown';
}

export type LossCode = 'bad_request' | 'upstream_unreachable' | 'upstream_lost' | 'outcome_unknown';

/**
 * True for the 429 of an apiserver that is shutting down (pkg/server/filters/with_retry_after.go)
 * or over its plain in-flight limit: both are given before anything is processed. A 429 of
 * priority and fairness carries the flow schema that it belongs to, and another replica would
 * only be the next to be overrun.
 */
export function isUnprocessedAnswer(headers: HeaderList): boolean {
  if (headers[1] !== '429') return false;
  let retryAfter = false;
  for (let i = 2; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.startsWith('x-kubernetes-pf-')) return false;
    retryAfter ||= name === 'retry-after';
  }
  return retryAfter;
}

/**
 * True for "Too large resource version": the apiserver's watch cache has not come to the version
 * that a read names within three seconds (apiserver pkg/storage/errors.go
 * NewTooLargeResourceVersionError). The other 504 of an apiserver, of a request that took too long,
 * has no Retry-After.
 */
export function isTooFarAhead(headers: HeaderList): boolean {
  return headers[1] === '504' && headerValue(headers, 'retry-after') !== undefined;
}

/** What a client could not have caused: an endpoint that does this in a row is ill. */
export function isFailure(status: number): boolean {
  return status === 500 || status === 502 || status === 503;
}

export interface RetryBudgetPolicy {
  /** Retries that may be made per hundred requests. */
  readonly percent: number;
  /** Retries that may be made each second whatever the number of requests. */
  readonly minPerSecond: number;
}

/** The budget remembers ten seconds. */
const BUDGET_SECONDS = 10;

/**
 * Bounds retries to a share of the traffic: when every endpoint fails, retries would multiply the
 * load on what is left. A bucket that requests fill and retries empty.
 */
export class RetryBudget {
  private readonly policy: RetryBudgetPolicy;
  private readonly nowMs: () => number;
  private tokens: number;
  private filledAtMs: number;

  constructor(policy: RetryBudgetPolicy, nowMs: () => number) {
    this.policy = policy;
    this.nowMs = nowMs;
    this.tokens = policy.minPerSecond * BUDGET_SECONDS;
    this.filledAtMs = nowMs();
  }

  request(): void {
    this.tokens = Math.min(this.tokens + this.policy.percent / 100, this.most);
  }

  /** Takes one retry out of the budget, if there is one left. */
  take(): boolean {
    const nowMs = this.nowMs();
    const earned = ((nowMs - this.filledAtMs) / 1000) * this.policy.minPerSecond;
    this.filledAtMs = nowMs;
    const floor = Math.min(this.tokens + earned, this.policy.minPerSecond * BUDGET_SECONDS);
    this.tokens = Math.max(this.tokens, floor);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** A busy door may save up more than an idle one, but not without end. */
  private get most(): number {
    return this.policy.minPerSecond * BUDGET_SECONDS * 10;
  }
}
