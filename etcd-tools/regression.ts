// A member whose store goes back behind what it has shown itself (etcd issues 17780 and 14370, and
// a restored backup): the tests A and B, of a member against its own past. Pure.
import { afterApplied, difference } from './index-aligned-test.ts';
import type { Sighting } from './pair-bound.ts';
import type { SteadyMember } from './round.ts';

/** The furthest that a member has shown, and what speaks of a step back. */
export interface Past {
  readonly shown: Sighting;
  /** Rounds in a row in which it was less. */
  readonly rounds: number;
  readonly by: bigint;
  /** What it holds now. */
  readonly now: bigint;
}

/** True from the second round on. */
export function hasRegressed({ rounds }: Past): boolean {
  return rounds >= 2;
}

/** Adds a round of one member. */
export function foldPast(past: Past | undefined, member: SteadyMember): Past {
  const { header, raftIndex } = member.last;
  const present = { revision: header.revision, index: raftIndex };
  if (past === undefined) return { shown: present, rounds: 0, by: 0n, now: present.revision };
  const by = lostSince(past.shown, member);
  if (by > 0n) return { ...past, rounds: past.rounds + 1, by, now: present.revision };
  const shown = present.revision >= past.shown.revision ? present : past.shown;
  return { shown, rounds: 0, by: 0n, now: present.revision };
}

/**
 * What a member showed was committed, so that a linearizable read of its own brings at least as
 * much ever after. Without such a read the indexes must show it.
 */
function lostSince(shown: Sighting, member: SteadyMember): bigint {
  const { barrier } = member;
  if (barrier !== undefined) return shown.revision - barrier.revision;
  const losses = afterApplied(member).map((sighting) => difference(shown, sighting));
  return losses.toSorted((a, b) => (a < b ? 1 : -1))[0] ?? 0n;
}
