export interface RebalancePolicy {
  /** The most watches an endpoint may have, as a multiple of the mean. */
  readonly maxOverMean: number;
  /** Differences below this many watches are left alone. */
  readonly minDifference: number;
  /** Moves that are begun each second. */
  readonly movesPerSecond: number;
  /**
   * Nothing is evened out until every available endpoint has been available for so long, and nothing
   * is emptied that has not been away for so long: when all are too busy to answer their checks in
   * time, moving watches to and fro would only give them more to do.
   */
  readonly settleMs: number;
}

export interface PlaceLoad {
  readonly available: boolean;
  readonly watches: number;
  readonly availableForMs: number;
  /** 0 while it is available. */
  readonly unavailableForMs: number;
}

export interface PlannedSwap {
  readonly from: number;
  readonly to: number;
  /** A heavier watch would only change which endpoint has the most. */
  readonly maxRate: number;
}

/** What the watches of an endpoint bring may be this much more than the mean. */
const RATE_BAND = 1.5;
/** Less than this above the mean is not worth a move, whatever the mean is. */
const MIN_RATE_DIFFERENCE = 256 * 1024;

export interface PlannedMoves {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly reason: 'rebalance' | 'leaving';
}

/**
 * What to move now, once a second, so that no endpoint has much more than its share. An endpoint
 * that is not available any more but still serves its watches is emptied first. From the fullest
 * to the emptiest, one pair at a time, and never beyond the mean: the plan of the next second sees
 * what has become of this one.
 */
export function planMoves(loads: readonly PlaceLoad[], policy: RebalancePolicy): PlannedMoves[] {
  const available = loads.filter((load) => load.available);
  if (available.length === 0) return [];
  const to = indexOfBest(loads, (load) => (load.available ? -load.watches : undefined));
  const leaving = indexOfBest(loads, (load) => {
    const isLeaving = !load.available && load.unavailableForMs >= policy.settleMs;
    return isLeaving && load.watches > 0 ? load.watches : undefined;
  });
  if (leaving >= 0) {
    const count = Math.min(loads[leaving]?.watches ?? 0, policy.movesPerSecond);
    return [{ from: leaving, to, count, reason: 'leaving' }];
  }
  if (available.some((load) => load.availableForMs < policy.settleMs)) return [];
  const from = indexOfBest(loads, (load) => (load.available ? load.watches : undefined));
  const most = loads[from]?.watches ?? 0;
  const least = loads[to]?.watches ?? 0;
  const mean = available.reduce((sum, load) => sum + load.watches, 0) / available.length;
  if (most - least < policy.minDifference || most <= mean * policy.maxOverMean) return [];
  const count = Math.min(most - Math.ceil(mean), Math.floor(mean) - least, policy.movesPerSecond);
  return count > 0 ? [{ from, to, count, reason: 'rebalance' }] : [];
}

/**
 * Where watches are even but what they bring is not: a heavy one is to change places with a light
 * one, so that the numbers of watches stay as they are.
 *
 * @param rates bytes a second that the watches of each endpoint bring, all together
 */
export function planSwap(
  loads: readonly PlaceLoad[],
  rates: readonly number[],
  policy: RebalancePolicy,
): PlannedSwap | undefined {
  const indexes = [...loads.keys()].filter((index) => loads[index]?.available);
  if (indexes.some((index) => (loads[index]?.availableForMs ?? 0) < policy.settleMs)) {
    return undefined;
  }
  const rateAt = (index: number): number => rates[index] ?? 0;
  const [from = -1] = indexes.toSorted((one, other) => rateAt(other) - rateAt(one));
  const [to = -1] = indexes.toSorted((one, other) => rateAt(one) - rateAt(other));
  const mean = indexes.reduce((sum, index) => sum + rateAt(index), 0) / indexes.length;
  const above = rateAt(from) - mean;
  if (!(rateAt(from) > mean * RATE_BAND && above > MIN_RATE_DIFFERENCE)) return undefined;
  return { from, to, maxRate: (rateAt(from) - rateAt(to)) / 2 };
}

/** The index with the highest score; undefined scores are left out; -1 when all are. */
function indexOfBest(
  loads: readonly PlaceLoad[],
  score: (load: PlaceLoad) => number | undefined,
): number {
  let best = -1;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const [index, load] of loads.entries()) {
    const value = score(load);
    if (value === undefined || value <= bestScore) continue;
    best = index;
    bestScore = value;
  }
  return best;
}
