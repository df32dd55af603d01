// What was proven about pairs of members over the rounds: suspected by the first, confirmed by
// another. Pure.
import { largest } from './bigints.ts';
import { atMost, type PairBound, PairMap } from './pair-bound.ts';
import type { SteadyMember } from './round.ts';

/** Where a member was when a difference was first seen. */
interface Mark {
  readonly applied: bigint;
  /** It knew of nothing more to apply, and neither did any other member. */
  readonly idle: boolean;
}

/** That one member's store is ahead of another's at the same entry. */
export interface Evidence {
  readonly ahead: bigint;
  readonly behind: bigint;
  readonly confirmed: boolean;
  readonly firstRound: number;
  readonly lastRound: number;
  readonly atLeast: bigint;
  /** Undefined where the two could not be compared the other way round. */
  readonly atMost: bigint | undefined;
  /** The proof that showed the most so far. */
  readonly best: PairBound;
  readonly marks: readonly [Mark, Mark];
}

// At one round per second two minutes. A suspicion that nothing has supported for so long was
// either one of the server bugs that the second round is for, or will be raised again.
const MAX_ROUNDS_UNCONFIRMED = 120;

/** Takes the bounds of one more round into account. */
export function foldEvidence(
  known: PairMap<Evidence>,
  round: number,
  bounds: PairMap<PairBound>,
  members: readonly SteadyMember[],
): PairMap<Evidence> {
  const byId = new Map(members.map((member) => [member.id, member]));
  const committed = largest(members.map(({ last }) => last.raftIndex));
  const next = new PairMap<Evidence>();
  for (const [ahead, behind, evidence] of known.entries()) {
    if (!outdated(evidence, round, atMost(bounds, ahead, behind))) {
      next.set(ahead, behind, evidence);
    }
  }
  for (const [ahead, behind, bound] of bounds.entries()) {
    const [one, other] = [byId.get(ahead), byId.get(behind)];
    if (bound.atLeast <= 0n || one === undefined || other === undefined) continue;
    const before = next.get(ahead, behind);
    const upper = atMost(bounds, ahead, behind);
    const marks = [markOf(one, committed), markOf(other, committed)] as const;
    next.set(
      ahead,
      behind,
      before === undefined
        ? firstEvidence(round, bound, upper, marks)
        : moreEvidence(before, round, bound, upper, independent(before, bound, marks)),
    );
  }
  return next;
}

/** The difference is not there any more, or a suspicion was left alone. */
function outdated(evidence: Evidence, round: number, upper: bigint | undefined): boolean {
  if (upper !== undefined && upper < evidence.atLeast) return true;
  return !evidence.confirmed && round - evidence.lastRound > MAX_ROUNDS_UNCONFIRMED;
}

function firstEvidence(
  round: number,
  bound: PairBound,
  upper: bigint | undefined,
  marks: readonly [Mark, Mark],
): Evidence {
  return {
    ahead: bound.ahead,
    behind: bound.behind,
    confirmed: false,
    firstRound: round,
    lastRound: round,
    atLeast: bound.atLeast,
    atMost: upper,
    best: bound,
    marks,
  };
}

function moreEvidence(
  before: Evidence,
  round: number,
  bound: PairBound,
  upper: bigint | undefined,
  independently: boolean,
): Evidence {
  const better = bound.atLeast > before.atLeast;
  // A difference that grows leaves the bounds of earlier rounds behind.
  const grown = before.atMost === undefined || before.atMost < bound.atLeast;
  const narrower = grown || (upper !== undefined && upper < before.atMost);
  return {
    ...before,
    confirmed: before.confirmed || independently,
    lastRound: round,
    atLeast: largest([before.atLeast, bound.atLeast]),
    atMost: narrower ? upper : before.atMost,
    best: better ? bound : before.best,
  };
}

/**
 * The second proof must not be the first one seen again. The barrier asks a read anew; indexes that
 * stand still while there is something to apply could be those of a member that was caught in a
 * restart or in the installation of a snapshot, and prove nothing new.
 */
function independent(
  { marks }: Evidence,
  { test }: PairBound,
  now: readonly [Mark, Mark],
): boolean {
  if (test === 'barrier') return true;
  return now.every(({ applied, idle }, index) => {
    const then = marks[index];
    return then !== undefined && (applied > then.applied || (idle && then.idle));
  });
}

function markOf({ last }: SteadyMember, committed: bigint): Mark {
  const { raftAppliedIndex: applied, raftIndex } = last;
  return { applied, idle: applied === raftIndex && raftIndex >= committed };
}
