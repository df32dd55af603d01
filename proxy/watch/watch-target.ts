/** An endpoint as a watch that looks for a new place sees it. */
export interface PlaceCandidate {
  readonly available: boolean;
  readonly watches: number;
  /** When it became available, on the door's clock, in milliseconds. */
  readonly availableSinceMs: number;
}

/**
 * Where a watch should go on, or -1. An endpoint that was ready before the last event arrived has
 * listed its objects at or before that event, so it surely has the history from there on; one that
 * became ready later may answer 410 Expired although nothing was missed. Among the sure ones the
 * one with the fewest watches, else the one that has been up longest.
 *
 * @param tried indexes of endpoints that have said no
 * @param lastEventAtMs when the watch's last resourceVersion arrived
 */
export function choosePlace(
  candidates: readonly PlaceCandidate[],
  tried: readonly number[],
  lastEventAtMs: number,
): number {
  let best = -1;
  for (const [index, candidate] of candidates.entries()) {
    if (!candidate.available || tried.includes(index)) continue;
    const other = candidates[best];
    if (other === undefined || isBetter(candidate, other, lastEventAtMs)) best = index;
  }
  return best;
}

function isBetter(one: PlaceCandidate, other: PlaceCandidate, lastEventAtMs: number): boolean {
  const oneSure = one.availableSinceMs <= lastEventAtMs;
  const otherSure = other.availableSinceMs <= lastEventAtMs;
  if (oneSure !== otherSure) return oneSure;
  if (oneSure) return one.watches < other.watches;
  return one.availableSinceMs < other.availableSinceMs;
}
