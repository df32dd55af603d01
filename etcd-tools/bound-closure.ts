// What follows about pairs of members from what is known about others. Pure.
import { type PairBound, PairMap } from './pair-bound.ts';

/** By how much one member is ahead of another, at least. */
export function lowerBounds(bounds: PairMap<PairBound>): PairMap<bigint> {
  const lower = new PairMap<bigint>();
  for (const [ahead, behind, { atLeast }] of bounds.entries()) lower.set(ahead, behind, atLeast);
  return lower;
}

/**
 * Bounds add up along a chain: whoever is 500 behind a member that is at most 3 behind a third one
 * is 497 behind that one. So one good pair is enough to know the others under load. Undefined when
 * the bounds contradict each other: the differences have moved between them.
 */
export function closeBounds(
  ids: readonly bigint[],
  direct: PairMap<bigint>,
): PairMap<bigint> | undefined {
  const closed = new PairMap<bigint>();
  for (const [ahead, behind, lower] of direct.entries()) closed.set(ahead, behind, lower);
  for (const middle of ids) {
    for (const ahead of ids) raiseRow(closed, { ahead, middle, ids });
  }
  // Nobody is ahead of itself.
  return ids.some((id) => (closed.get(id, id) ?? 0n) > 0n) ? undefined : closed;
}

/** Keeps the larger one. */
export function raise(bounds: PairMap<bigint>, ahead: bigint, behind: bigint, lower: bigint): void {
  const known = bounds.get(ahead, behind);
  if (known === undefined || lower > known) bounds.set(ahead, behind, lower);
}

function raiseRow(
  bounds: PairMap<bigint>,
  of: { readonly ahead: bigint; readonly middle: bigint; readonly ids: readonly bigint[] },
): void {
  const left = bounds.get(of.ahead, of.middle);
  if (left === undefined) return;
  for (const behind of of.ids) {
    const right = bounds.get(of.middle, behind);
    if (right !== undefined) raise(bounds, of.ahead, behind, left + right);
  }
}
