// Test A: whatever revision anybody shows before a linearizable read belongs to a committed entry,
// and who answers the read has applied that entry. Pure.
import type { PairBound } from './pair-bound.ts';
import { comparable, type SteadyMember } from './round.ts';

/**
 * For every ordered pair whose second member answered the read. A healthy `behind` can never read
 * less than `ahead` had shown, however slow either is and however much is written: the leader's
 * committed index is asked for after `ahead` had answered, and waited for (linearizableReadLoop in
 * etcd's server/etcdserver/v3_server.go). The revisions alone count, no index and no clock.
 */
export function barrierTest(members: readonly SteadyMember[]): PairBound[] {
  return members.flatMap((behind) => {
    const { barrier } = behind;
    if (barrier === undefined) return [];
    return members
      .filter((ahead) => comparable(ahead, behind))
      .flatMap((ahead) => earlierThan(ahead, barrier.sentAtMs, barrier.revision, behind.id));
  });
}

function earlierThan(
  ahead: SteadyMember,
  sentAtMs: number,
  barrierRevision: bigint,
  behind: bigint,
): PairBound[] {
  // The last one that came before the read went out has the largest revision of those.
  const shown = ahead.statuses.findLast(({ receivedAtMs }) => receivedAtMs <= sentAtMs);
  if (shown === undefined) return [];
  const { revision } = shown.header;
  return [
    {
      ahead: ahead.id,
      behind,
      atLeast: revision - barrierRevision,
      test: 'barrier',
      aheadSaw: { revision, index: shown.raftIndex },
      behindSaw: { revision: barrierRevision, index: shown.raftIndex },
    },
  ];
}
