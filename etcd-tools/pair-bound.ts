// How far one member's store is proven to be ahead of another's. Pure.
import { largest, smallest } from './bigints.ts';

/** Revisions and, where the proof rests on them, raft indexes that were seen. */
export interface Sighting {
  readonly revision: bigint;
  readonly index: bigint;
}

/**
 * At one and the same entry of the log, the store of `ahead` has at least `atLeast` revisions more
 * than that of `behind`. Healthy members have none more: zero and negative numbers prove nothing,
 * and tell how large a difference could have hidden.
 */
export interface PairBound {
  readonly ahead: bigint;
  readonly behind: bigint;
  readonly atLeast: bigint;
  /** What it was proven with: `barrier` asks nothing of the indexes. */
  readonly test: 'barrier' | 'index';
  /** `ahead` showed this revision when this index, or an earlier one, was its last. */
  readonly aheadSaw: Sighting;
  /** `behind` showed no more than this revision, after it had applied this index. */
  readonly behindSaw: Sighting;
}

/** Of ordered pairs of members. */
export class PairMap<T> {
  readonly #byAhead = new Map<bigint, Map<bigint, T>>();

  get(ahead: bigint, behind: bigint): T | undefined {
    return this.#byAhead.get(ahead)?.get(behind);
  }

  set(ahead: bigint, behind: bigint, value: T): void {
    const row = this.#byAhead.get(ahead) ?? new Map<bigint, T>();
    row.set(behind, value);
    this.#byAhead.set(ahead, row);
  }

  /** True when `id` is the first of any pair. */
  has(id: bigint): boolean {
    return this.#byAhead.has(id);
  }

  *entries(): Generator<readonly [bigint, bigint, T]> {
    for (const [ahead, row] of this.#byAhead) {
      for (const [behind, value] of row) yield [ahead, behind, value];
    }
  }
}

/** Of each ordered pair the largest; of equals the first given. */
export function tightest(bounds: readonly PairBound[]): PairMap<PairBound> {
  const best = new PairMap<PairBound>();
  for (const bound of bounds) {
    const known = best.get(bound.ahead, bound.behind);
    if (known === undefined || bound.atLeast > known.atLeast) {
      best.set(bound.ahead, bound.behind, bound);
    }
  }
  return best;
}

/** The most by which `ahead` can be ahead: the other way round it is a bound from below. */
export function atMost(
  bounds: PairMap<PairBound>,
  ahead: bigint,
  behind: bigint,
): bigint | undefined {
  const reverse = bounds.get(behind, ahead);
  return reverse === undefined ? undefined : -reverse.atLeast;
}

/**
 * The smallest difference between any two of `ids` that these bounds were certain to show, 1 at
 * best; undefined where two of them could not be compared, and where there are no two.
 */
export function resolutionOf(
  bounds: PairMap<PairBound>,
  ids: readonly bigint[],
): bigint | undefined {
  const pairs = ids.flatMap((one, position) =>
    ids.slice(position + 1).map((other) => pairResolution(bounds, one, other)),
  );
  const known = pairs.filter((pair) => pair !== undefined);
  if (pairs.length === 0 || known.length < pairs.length) return undefined;
  return largest([1n, ...known]);
}

function pairResolution(
  bounds: PairMap<PairBound>,
  one: bigint,
  other: bigint,
): bigint | undefined {
  const forth = bounds.get(one, other)?.atLeast;
  const back = bounds.get(other, one)?.atLeast;
  if (forth === undefined || back === undefined) return undefined;
  // A difference that was found hides nothing.
  if (forth > 0n || back > 0n) return 1n;
  return 1n - smallest([forth, back]);
}
