// Which member of a pair that differs is the wrong one: the one that a majority of the voters
// contradicts. Pure.
import { closeBounds, lowerBounds, raise } from './bound-closure.ts';
import type { Evidence } from './evidence.ts';
import type { PairBound, PairMap } from './pair-bound.ts';

/** What is held against one member. */
export interface Blame {
  readonly id: bigint;
  /** Its store compared with those that contradict it. */
  readonly direction: 'ahead' | 'behind';
  readonly atLeast: bigint;
  readonly atMost: bigint | undefined;
  /** Those who contradict it. */
  readonly against: readonly bigint[];
  /** No majority says which of them is right. */
  readonly ambiguous: boolean;
  /** Another voter was asked that may yet say it, and could not be told from either of the two. */
  readonly open: boolean;
  /** The proof to show. */
  readonly best: PairBound;
}

/** Who takes part, besides those in the evidence. */
export interface Electorate {
  /** Voters that were compared. */
  readonly voters: ReadonlySet<bigint>;
  /** All voters of the cluster, those that did not answer too. */
  readonly voterCount: number;
}

/**
 * Like etcd's own checker from 3.6 (PR 14828), nobody is named on one other's word. Each side of a
 * pair that no majority judges is blamed as ambiguous.
 */
export function attribute(
  evidence: readonly Evidence[],
  bounds: PairMap<PairBound>,
  { voters, voterCount }: Electorate,
): Blame[] {
  const ids = new Set([...voters, ...evidence.flatMap(({ ahead, behind }) => [ahead, behind])]);
  const closed = closure([...ids], evidence, bounds);
  const differ = (a: bigint, b: bigint): boolean =>
    (closed.get(a, b) ?? 0n) > 0n || (closed.get(b, a) ?? 0n) > 0n;
  const contradictors = (id: bigint): bigint[] =>
    agreeing(
      [...voters].filter((voter) => voter !== id && differ(voter, id)),
      differ,
    );
  const wrong = new Map(
    [...ids]
      .map((id) => [id, contradictors(id)] as const)
      .filter(([, against]) => against.length * 2 > voterCount),
  );
  const blames = new Map<bigint, Blame>();
  for (const [id, against] of wrong) {
    const blame = blameOf(id, against, { evidence, closed, ambiguous: false, open: false });
    if (blame !== undefined) blames.set(id, blame);
  }
  for (const { ahead, behind } of evidence) {
    if (wrong.has(ahead) || wrong.has(behind)) continue;
    const open = [...voters].some(
      (voter) =>
        voter !== ahead && voter !== behind && !differ(voter, ahead) && !differ(voter, behind),
    );
    for (const [id, other] of [
      [ahead, behind],
      [behind, ahead],
    ] as const) {
      const blame = blameOf(id, [other], { evidence, closed, ambiguous: true, open });
      if (blame !== undefined && !blames.has(id)) blames.set(id, blame);
    }
  }
  return [...blames.values()];
}

/** A largest part of `ids`, more or less, in which nobody contradicts anybody. */
function agreeing(ids: readonly bigint[], differ: (a: bigint, b: bigint) => boolean): bigint[] {
  const quarrels = (id: bigint): number => ids.filter((other) => differ(id, other)).length;
  const chosen: bigint[] = [];
  for (const id of ids.toSorted((a, b) => quarrels(a) - quarrels(b))) {
    if (!chosen.some((other) => differ(id, other))) chosen.push(id);
  }
  return chosen;
}

function blameOf(
  id: bigint,
  against: readonly bigint[],
  from: {
    readonly evidence: readonly Evidence[];
    readonly closed: PairMap<bigint>;
    readonly ambiguous: boolean;
    readonly open: boolean;
  },
): Blame | undefined {
  const { evidence, closed, ambiguous, open } = from;
  const proofs = evidence.filter(
    ({ ahead, behind }) =>
      (ahead === id && against.includes(behind)) || (behind === id && against.includes(ahead)),
  );
  // A bound that follows from others names nobody: somebody must have shown the numbers.
  const [proof] = proofs.toSorted((a, b) => (a.best.atLeast < b.best.atLeast ? 1 : -1));
  if (proof === undefined) return undefined;
  const direction = proof.ahead === id ? 'ahead' : 'behind';
  const most = (a: bigint, b: bigint): bigint | undefined => {
    const reverse = closed.get(b, a);
    return reverse === undefined ? undefined : -reverse;
  };
  const uppers = against
    .map((other) => (direction === 'ahead' ? most(id, other) : most(other, id)))
    .filter((upper) => upper !== undefined);
  const lowers = proofs.map(({ atLeast }) => atLeast).toSorted((a, b) => (a < b ? 1 : -1));
  return {
    id,
    direction,
    atLeast: lowers[0] ?? proof.atLeast,
    atMost: uppers.toSorted((a, b) => (a < b ? -1 : 1))[0],
    against,
    ambiguous,
    open,
    best: proof.best,
  };
}

/** All bounds that are known or follow, in numbers; the more of them, the more members are told. */
function closure(
  ids: readonly bigint[],
  evidence: readonly Evidence[],
  bounds: PairMap<PairBound>,
): PairMap<bigint> {
  const direct = lowerBounds(bounds);
  for (const { ahead, behind, atLeast, atMost: upper } of evidence) {
    raise(direct, ahead, behind, atLeast);
    if (upper !== undefined) raise(direct, behind, ahead, -upper);
  }
  // The differences moved between the answers, and only what was seen counts.
  return closeBounds(ids, direct) ?? direct;
}
