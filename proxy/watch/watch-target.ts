/** An endpoint as a watch that looks for a new place sees it. */
export interface PlaceCandidate {
  readonly available: boolean;
  readonly watches: number;
  /** When it became available, on the door's clock, in milliseconds. */
  readonly availableSinceMs: number;
}

/**
 * Where a watch should go on now, or -1. An endpoint that was ready before the last event arrived
 * has listed its objects at or before that event, so it surely has the history from there on; one
 * that became ready later may answer 410 Expired although nothing was missed. Among the sure ones
 * the one with the fewest watches of those that may be given one now, else the one that has been up
 * longest: if it may not now, the watch waits for it.
 *
 * @param mayNow by index: what the pace allows at this moment
 * @param lastEventAtMs when the watch's last resourceVersion arrived
 */
export function choosePlace(
  candidates: readonly PlaceCandidate[],
  mayNow: readonly boolean[],
  lastEventAtMs: number,
): number {
  let emptiest = -1;
  let oldest = -1;
  let someSure = false;
  for (const [index, one] of candidates.entries()) {
    if (!one.available) continue;
    if (one.availableSinceMs > lastEventAtMs) {
      const other = candidates[oldest];
      if (other === undefined || one.availableSinceMs < other.availableSinceMs) oldest = index;
      continue;
    }
    someSure = true;
    const other = candidates[emptiest];
    const emptier = other === undefined || one.watches < other.watches;
    if (emptier && mayNow[index] === true) emptiest = index;
  }
  if (someSure) return emptiest;
  return mayNow[oldest] === true ? oldest : -1;
}
