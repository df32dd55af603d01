// Test B: compares stores at a place in the log instead of a moment, out of Status answers alone, so
// that it also judges learners and members whose keys we may not read. Pure.
import { largest } from './bigints.ts';
import type { PairBound, Sighting } from './pair-bound.ts';
import { comparable, type SteadyMember } from './round.ts';

/*
 * Let f(i) be the revision of a healthy store after entry i. It never falls, and one entry raises
 * it by one at most (storeTxnWrite.End in etcd's storage/mvcc/kvstore_txn.go).
 *
 * Status reads the revision, then the committed index, then the applied index (Status in
 * api/v3rpc/maintenance.go, the same in 3.4 to 3.7). So, of one answer (revision, committed,
 * applied) and the next one of the same member:
 * - revision <= f(committed): an entry is announced as committed before it is applied
 *   (updateCommittedIndex before applyc in raft.go). The applied index would be closer, and wrong
 *   after a snapshot: the store is then new, and the applied index old until the next entry.
 * - f(applied) <= revision of the next answer: an entry is in the store before it counts as
 *   applied (setAppliedIndex in server.go).
 * Of two healthy members therefore
 *   revision of x <= f(committed of x) <= f(applied of y) + max(0, committed of x - applied of y)
 *                 <= next revision of y + max(0, committed of x - applied of y).
 */

/** For every ordered pair, out of all answers of both the ones that show the most. */
export function indexAlignedTest(members: readonly SteadyMember[]): PairBound[] {
  const facts = members.map((member) => ({
    member,
    atMost: member.statuses.map(({ header, raftIndex }) => ({
      revision: header.revision,
      index: raftIndex,
    })),
    atLeast: afterApplied(member),
  }));
  return facts.flatMap((ahead) =>
    facts
      .filter((behind) => comparable(ahead.member, behind.member))
      .flatMap((behind) => {
        const best = furthestApart(ahead.atMost, behind.atLeast);
        if (best === undefined) return [];
        const [aheadSaw, behindSaw] = best;
        return [
          {
            ahead: ahead.member.id,
            behind: behind.member.id,
            atLeast: difference(aheadSaw, behindSaw),
            test: 'index' as const,
            aheadSaw,
            behindSaw,
          },
        ];
      }),
  );
}

/**
 * What each answer says about how far the store was in the one before it. It may be of another life
 * of the process: a member serves again only when an entry of its own is applied, which comes after
 * all that it had (ReadyNotify in etcd's embed/serve.go).
 */
export function afterApplied({ statuses }: SteadyMember): Sighting[] {
  return statuses.slice(1).map(({ header }, index) => ({
    revision: header.revision,
    index: statuses[index]?.raftAppliedIndex ?? 0n,
  }));
}

function furthestApart(
  ahead: readonly Sighting[],
  behind: readonly Sighting[],
): readonly [Sighting, Sighting] | undefined {
  let best: readonly [Sighting, Sighting] | undefined;
  for (const one of ahead) {
    for (const other of behind) {
      if (best === undefined || difference(one, other) > difference(...best)) best = [one, other];
    }
  }
  return best;
}

/** How much more `ahead` holds than the entries between the two can explain. */
export function difference(ahead: Sighting, behind: Sighting): bigint {
  return ahead.revision - behind.revision - largest([0n, ahead.index - behind.index]);
}
