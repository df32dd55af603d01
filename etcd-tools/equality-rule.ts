// What etcd-diagnosis makes of the same answers, to show beside our verdicts: any difference between
// two members is an inconsistency (compareHardInfo, compareSoftInfo and the loop around them in its
// plugins/epstatus). It asks one member after the other over new connections; answers taken at once
// are kinder to it.
import type { MemberStatus } from './member-report.ts';

/** One try: a Status of each endpoint, undefined where there was none. */
export type EqualityTry = readonly (MemberStatus | undefined)[];

/** It tries again after a second, and takes the last try's word. */
export const EQUALITY_TRIES = 3;

/** True when it would print an inconsistency after `tries`, of which it makes up to three. */
export function equalityAlarm(tries: readonly EqualityTry[]): boolean {
  for (const [made, answers] of tries.slice(0, EQUALITY_TRIES).entries()) {
    if (hardDifference(answers)) return true;
    if (!softDifference(answers)) return false;
    if (made === EQUALITY_TRIES - 1) return true;
  }
  // Fewer tries than it would make, and none that satisfied it.
  return tries.length > 0;
}

/** These end the tries at once: errors such as alarms, no answer, another version or cluster. */
function hardDifference([first, ...others]: EqualityTry): boolean {
  return (
    [first, ...others].some((status) => status !== undefined && status.errors.length > 0) ||
    others.some(
      (status) =>
        first === undefined ||
        status === undefined ||
        status.header.clusterId !== first.header.clusterId ||
        status.version !== first.version ||
        status.storageVersion !== first.storageVersion,
    )
  );
}

function softDifference([first, ...others]: EqualityTry): boolean {
  return others.some(
    (status) =>
      status?.header.revision !== first?.header.revision ||
      status?.raftTerm !== first?.raftTerm ||
      status?.raftIndex !== first?.raftIndex ||
      status?.raftAppliedIndex !== first?.raftAppliedIndex ||
      status?.leaderId !== first?.leaderId,
  );
}
