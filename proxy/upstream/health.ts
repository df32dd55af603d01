export interface HealthPolicy {
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
}

/** What the checks so far say of an endpoint. Unknown endpoints are not ready. */
export interface HealthState {
  readonly ready: boolean;
  /** Results in a row that contradict `ready`. */
  readonly contrary: number;
  /** False until the first result: then one success is enough, so that a start is quick. */
  readonly known: boolean;
}

export const unknownHealth: HealthState = { ready: false, contrary: 0, known: false };

export function afterCheck(state: HealthState, passed: boolean, policy: HealthPolicy): HealthState {
  if (!state.known) return { ready: passed, contrary: 0, known: true };
  if (passed === state.ready) return state.contrary === 0 ? state : { ...state, contrary: 0 };
  const contrary = state.contrary + 1;
  const needed = state.ready ? policy.unhealthyAfter : policy.healthyAfter;
  if (contrary < needed) return { ...state, contrary };
  return { ready: passed, contrary: 0, known: true };
}

/** A refused or reset connection says more than a missed check: out at once. */
export function afterRefusal(state: HealthState): HealthState {
  return state.ready || !state.known ? { ready: false, contrary: 0, known: true } : state;
}
