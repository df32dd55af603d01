/** What decides a pick; all of it is passed in, so that a pick can be replayed. */
export interface Candidate {
  /** May be picked at all: its health check passes and it is not ejected. */
  readonly available: boolean;
  /** Requests in flight, or open watches: whichever is being balanced. */
  readonly load: number;
  /** Load that is not real, for what the endpoint has done wrong lately. */
  readonly penalty: number;
  /** How long the endpoint has been available, in milliseconds. */
  readonly availableForMs: number;
}

/** A fresh endpoint begins with this share of an equal part. */
const SLOW_START_FLOOR = 0.1;

/** An endpoint's share during slow start, from SLOW_START_FLOOR to 1, linear in time. */
export function slowStartWeight(availableForMs: number, slowStartMs: number): number {
  if (availableForMs >= slowStartMs) return 1;
  return SLOW_START_FLOOR + (1 - SLOW_START_FLOOR) * (availableForMs / slowStartMs);
}

/**
 * The candidate with the least load for its weight, or -1. All are looked at: there are two to nine,
 * and a full scan is exact where the choice of two at random is only near (research: Envoy's
 * LEAST_REQUEST). Ties are broken by turn, so that equal endpoints share evenly at low load.
 *
 * @param tried indexes that this request has been sent to already
 * @param turn any counter that grows by one with each pick
 */
export function pick(
  candidates: readonly Candidate[],
  tried: readonly number[],
  turn: number,
  slowStartMs: number,
): number {
  // Slow start is relative: with every endpoint fresh, nobody holds back.
  let oldestMs = 0;
  for (const candidate of candidates) {
    if (candidate.available) oldestMs = Math.max(oldestMs, candidate.availableForMs);
  }
  const rampMs = Math.min(slowStartMs, oldestMs);
  let best = -1;
  let bestScore = Number.POSITIVE_INFINITY;
  for (let step = 0; step < candidates.length; step++) {
    const index = (turn + step) % candidates.length;
    const candidate = candidates[index];
    if (candidate === undefined || !candidate.available || tried.includes(index)) continue;
    const weight = rampMs === 0 ? 1 : slowStartWeight(candidate.availableForMs, rampMs);
    const score = (candidate.load + candidate.penalty + 1) / weight;
    if (score < bestScore) {
      best = index;
      bestScore = score;
    }
  }
  return best;
}
