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

/** A fresh endpoint begins with this share of the picks that it would win. */
const SLOW_START_FLOOR = 0.1;
/** Endpoints that became available within this time of each other are of one age. */
const SAME_AGE_MS = 3000;
/** Multiples of it, modulo 1, spread evenly however many are taken (the golden ratio). */
const EVEN_SPREAD = 0.618_033_988_749_895;

/** An endpoint's share during slow start, from SLOW_START_FLOOR to 1, linear in time. */
export function slowStartWeight(availableForMs: number, slowStartMs: number): number {
  if (availableForMs >= slowStartMs) return 1;
  return SLOW_START_FLOOR + (1 - SLOW_START_FLOOR) * (availableForMs / slowStartMs);
}

/**
 * The candidate with the least load, or -1. All are looked at: there are two to nine, and a full
 * scan is exact where the choice of two at random is only near (Envoy's LEAST_REQUEST). Ties are
 * broken by turn, so that equal endpoints share evenly at low load. An endpoint in slow start is
 * passed over in a share of the turns: to scale its load instead would give it nothing at all
 * while load is low, since the older ones would win every tie.
 *
 * @param tried indexes that this request has been sent to already
 * @param turn any counter that grows by one with each pick
 * @param band loads that differ by no more than this count as equal: one request more or less is
 *   chance, and to follow it would give most requests to whoever answers a little faster
 */
export function pick(
  candidates: readonly Candidate[],
  tried: readonly number[],
  turn: number,
  slowStartMs: number,
  band = 0,
): number {
  const eligible: number[] = [];
  for (const [index, { available }] of candidates.entries()) {
    if (available && !tried.includes(index)) eligible.push(index);
  }
  const rampMs = rampFor(candidates, slowStartMs);
  if (rampMs === 0) return lightest(candidates, eligible, turn, band);
  const draw = (turn * EVEN_SPREAD) % 1;
  const held = eligible.filter((index) => {
    return draw >= slowStartWeight(candidates[index]?.availableForMs ?? 0, rampMs);
  });
  const free = eligible.filter((index) => !held.includes(index));
  // A fresh endpoint is better than none.
  return lightest(candidates, free.length > 0 ? free : held, turn, band);
}

/** The first of the lightest by turn, or -1. */
function lightest(
  candidates: readonly Candidate[],
  indexes: readonly number[],
  turn: number,
  band: number,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (const index of indexes) least = Math.min(least, loadOf(candidates[index]));
  for (let step = 0; step < indexes.length; step++) {
    // Turns go round those that can be picked: over all of them, the one behind an absent endpoint
    // would win that endpoint's ties as well as its own.
    const index = indexes[(turn + step) % indexes.length] ?? -1;
    if (loadOf(candidates[index]) <= least + band) return index;
  }
  return -1;
}

function loadOf(candidate: Candidate | undefined): number {
  return candidate === undefined ? Number.POSITIVE_INFINITY : candidate.load + candidate.penalty;
}

/** Slow start is relative: when all endpoints are of one age, nobody holds back. */
function rampFor(candidates: readonly Candidate[], slowStartMs: number): number {
  let oldestMs = 0;
  for (const { available, availableForMs } of candidates) {
    if (available) oldestMs = Math.max(oldestMs, availableForMs);
  }
  return Math.max(0, Math.min(slowStartMs, oldestMs - SAME_AGE_MS));
}
