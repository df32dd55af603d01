// What is to happen to a cluster, out of a seed: the same seed is the same schedule. Pure.

/** In the order in which seeds choose; a new one goes to the end. */
const KINDS = [
  'kill',
  'stop',
  'freeze',
  'cut',
  'move-leader',
  'defragment',
  'compact',
  'load',
] as const;

export type FaultKind = (typeof KINDS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Which member, by its place in the cluster; it may be the leader. */
  readonly victim: number;
  /** For how long the victim is down, frozen or cut off. */
  readonly holdMs: number;
  /** From its end to the next. */
  readonly pauseMs: number;
  /** From then on, where the kind is `load`. */
  readonly putsPerSecond: number;
}

export interface FaultSchedule {
  readonly seed: number;
  /** Of etcd. */
  readonly version: string;
  readonly faults: readonly PlannedFault[];
  /** What is done to the cluster at the end, that must be found: etcd issue 18667. */
  readonly divergence: { readonly victim: number; readonly revisions: number };
}

// The newest of the lines that etcd issue 18667 was not mended in.
const VERSIONS = ['3.5.33', '3.6.14'] as const;
const MAX_HOLD_MS = 3500;
const PAUSE_MS = [300, 1500] as const;
const LOADS = [0, 100, 500, 1000] as const;
const MAX_DIVERGENCE = 40;
// Beyond hold and pause: a member that starts, an election, a defragmentation.
const OVERHEAD_MS = 1200;

/** Enough faults for about `durationMs`, one after the other: two at once could end the quorum. */
export function planFaults(seed: number, durationMs: number, members: number): FaultSchedule {
  const random = randomFrom(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const version = VERSIONS[below(VERSIONS.length)] ?? VERSIONS[0];
  const divergence = { victim: below(members), revisions: 1 + below(MAX_DIVERGENCE) };
  const faults: PlannedFault[] = [];
  for (let leftMs = durationMs; leftMs > 0; ) {
    const fault = {
      kind: KINDS[below(KINDS.length)] ?? 'kill',
      victim: below(members),
      // Short ones are more frequent: they end around elections and the patience of clients.
      holdMs: Math.round(MAX_HOLD_MS * random() ** 2),
      pauseMs: PAUSE_MS[0] + below(PAUSE_MS[1] - PAUSE_MS[0]),
      putsPerSecond: LOADS[below(LOADS.length)] ?? 0,
    };
    faults.push(fault);
    leftMs -= fault.holdMs + fault.pauseMs + OVERHEAD_MS;
  }
  return { seed, version, faults, divergence };
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
