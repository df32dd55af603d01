// Test C: how far a member that is sound may lag behind the leader, as an interval that is true
// whatever the calls took. Pure.
import { largest } from './bigints.ts';
import { leaderId } from './cluster-view.ts';
import type { MemberStatus } from './member-report.ts';
import type { MemberRound, Round } from './round.ts';

/** `atMost` is undefined when nobody answered after the member. */
export interface Interval {
  readonly atLeast: bigint;
  readonly atMost: bigint | undefined;
}

/** How far a member was behind when it answered. */
export interface BoundedLag {
  /** When the member's answer came. */
  readonly atMs: number;
  readonly leaderId: bigint;
  readonly raftTerm: bigint;
  /** Committed by the leader and not applied by the member. */
  readonly entries: Interval;
  /** Of those, what the member does not know as committed yet. */
  readonly replication: Interval;
  /** Known as committed by the member, and not applied yet. */
  readonly apply: bigint;
  /** How many revisions a serializable read at the member may be too old. */
  readonly revisions: Interval;
  /** The member's. */
  readonly committedIndex: bigint;
  readonly appliedIndex: bigint;
}

/** Who leads a round: undefined with the reason where that changed or is not agreed on. */
export type RoundLeader =
  | { readonly id: bigint; readonly raftTerm: bigint }
  | { readonly none: string };

/** The leader of the whole round, if it was one and the same all through it. */
export function roundLeader({ members }: Round): RoundLeader {
  const answers = members.filter(({ statuses }) => statuses.length > 0);
  const opening = leaderId(answers.flatMap(({ statuses }) => statuses.slice(0, 1)));
  const closing = leaderId(answers.flatMap(({ statuses }) => statuses.slice(-1)));
  if (opening === undefined || closing === undefined) {
    return { none: answers.length === 0 ? 'nobody answered' : 'there is no leader' };
  }
  if (opening !== closing) return { none: 'the leader changed during the round' };
  const terms = answers.flatMap(({ statuses }) => statuses.map(({ raftTerm }) => raftTerm));
  return { id: opening, raftTerm: largest(terms) };
}

/** Undefined when the member gave no answer, or there is no one leader to hold it against. */
export function boundedLag(member: MemberRound, round: Round): BoundedLag | undefined {
  const leader = roundLeader(round);
  const status = member.first;
  if ('none' in leader || status === undefined) return undefined;
  const others = round.members.flatMap(({ statuses }) => statuses);
  // What anybody knew as committed is committed, and the member itself is anybody.
  const before = others.filter(({ receivedAtMs }) => receivedAtMs <= status.sentAtMs);
  const after = others.filter(({ sentAtMs }) => sentAtMs >= status.receivedAtMs);
  const leaderAfter = earliest(after.filter(({ header }) => header.memberId === leader.id));
  const committedBefore = largest([...before.map(({ raftIndex }) => raftIndex), status.raftIndex]);
  const interval = (own: bigint): Interval => ({
    atLeast: largest([0n, committedBefore - own]),
    atMost: leaderAfter && largest([0n, leaderAfter.raftIndex - own]),
  });
  return {
    atMs: status.receivedAtMs,
    leaderId: leader.id,
    raftTerm: leader.raftTerm,
    entries: interval(status.raftAppliedIndex),
    replication: interval(status.raftIndex),
    apply: largest([0n, status.raftIndex - status.raftAppliedIndex]),
    revisions: revisionLag(status, before, round, leader.id),
    committedIndex: status.raftIndex,
    appliedIndex: status.raftAppliedIndex,
  };
}

/**
 * The leader may itself apply slowly (etcd issue 11884), so its Status is no bound from above; what
 * it reads behind its own barrier is.
 */
function revisionLag(
  status: MemberStatus,
  before: readonly MemberStatus[],
  { members }: Round,
  leader: bigint,
): Interval {
  const shown = before.filter(({ header }) => header.memberId === leader);
  const own = status.header.revision;
  const barrier = members.find(({ first }) => first?.header.memberId === leader)?.barrier;
  return {
    atLeast: largest([0n, largest(shown.map(({ header }) => header.revision)) - own]),
    atMost: barrier && largest([0n, barrier.revision - own]),
  };
}

function earliest(statuses: readonly MemberStatus[]): MemberStatus | undefined {
  return statuses.toSorted((a, b) => a.sentAtMs - b.sentAtMs)[0];
}
