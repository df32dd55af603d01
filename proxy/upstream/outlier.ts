export interface OutlierPolicy {
  /** Failures in a row after which an endpoint is ejected. */
  readonly consecutiveFailures: number;
  /** The first ejection's length; each further one is longer by as much. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** Never more than this part of the endpoints at once, and never the last one. */
  readonly maxEjectedPercent: number;
}

/** How an endpoint has answered lately. */
export interface OutlierState {
  readonly failuresInARow: number;
  /** Ejections so far, minus what good conduct has earned back. */
  readonly ejections: number;
  readonly ejectedUntilMs: number;
}

export const noOutlier: OutlierState = { failuresInARow: 0, ejections: 0, ejectedUntilMs: 0 };

/** Whether one more endpoint may be taken out of `total`, `ejected` of which are out already. */
export function mayEject(policy: OutlierPolicy, total: number, ejected: number): boolean {
  if (ejected + 1 >= total) return false;
  return ((ejected + 1) / total) * 100 <= policy.maxEjectedPercent;
}

export function afterSuccess(state: OutlierState): OutlierState {
  return state.failuresInARow === 0 ? state : { ...state, failuresInARow: 0 };
}

/** @param mayEjectNow the answer of `mayEject` for this endpoint's set */
export function afterFailure(
  state: OutlierState,
  policy: OutlierPolicy,
  nowMs: number,
  mayEjectNow: boolean,
): OutlierState {
  const failuresInARow = state.failuresInARow + 1;
  const ejected = state.ejectedUntilMs > nowMs;
  if (failuresInARow < policy.consecutiveFailures || ejected || !mayEjectNow) {
    return { ...state, failuresInARow };
  }
  // One earlier ejection is forgotten for each full maximum spent without a new one.
  const quietMs = Math.max(0, nowMs - state.ejectedUntilMs);
  const forgotten = state.ejections === 0 ? 0 : Math.floor(quietMs / policy.maxEjectionMs);
  const ejections = Math.max(0, state.ejections - forgotten) + 1;
  const ejectionMs = Math.min(policy.baseEjectionMs * ejections, policy.maxEjectionMs);
  return { failuresInARow: 0, ejections, ejectedUntilMs: nowMs + ejectionMs };
}
