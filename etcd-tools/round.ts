// One round of questions to all members, as data: what `survey.ts` gathers and the verdicts read.
import type { MemberErrorCode, MemberStatus, ReadAnswer } from './member-report.ts';

/** Why there is no answer. */
export interface Silence {
  readonly code: MemberErrorCode;
  readonly text: string;
}

/** What one endpoint answered in one round. */
export interface MemberRound {
  readonly endpoint: string;
  /** Every answered Status in the order of asking; each was sent after the one before had come. */
  readonly statuses: readonly MemberStatus[];
  /** S0: of those taken before any barrier read was sent. */
  readonly first: MemberStatus | undefined;
  /** S1: of those taken after all barrier reads. */
  readonly last: MemberStatus | undefined;
  /** The linearizable read, sent when the S0 of all members had come. */
  readonly barrier: ReadAnswer | undefined;
  /** Of the first Status that was not answered. */
  readonly silence: Silence | undefined;
  /** Undefined also where none was asked for, as of a learner. */
  readonly barrierSilence: Silence | undefined;
}

/** One round over all members. */
export interface Round {
  /** From 1. */
  readonly number: number;
  readonly members: readonly MemberRound[];
  readonly startedAtMs: number;
  readonly tookMs: number;
}

/** A member that can be compared with others: nothing about it changed while it was asked. */
export interface SteadyMember {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly leaderId: bigint;
  readonly raftTerm: bigint;
  readonly statuses: readonly MemberStatus[];
  readonly first: MemberStatus;
  readonly last: MemberStatus;
  readonly barrier: ReadAnswer | undefined;
}

/**
 * Undefined where the answers are not of one member with one leader, or all of them without one:
 * - around a change of leader, releases before 3.5.28 and 3.6.9 may answer a linearizable read out
 *   of the past (etcd issue 20418);
 * - an index that goes back is a balancer before several members, or a restored backup.
 */
export function steadyMember(member: MemberRound): SteadyMember | undefined {
  const { statuses, first, last, barrier } = member;
  if (first === undefined || last === undefined) return undefined;
  const steady = statuses.every((status, index) => {
    const before = statuses[index - 1] ?? status;
    return (
      status.header.memberId === first.header.memberId &&
      status.header.clusterId === first.header.clusterId &&
      status.leaderId === first.leaderId &&
      status.raftTerm === first.raftTerm &&
      status.raftAppliedIndex >= before.raftAppliedIndex &&
      status.raftIndex >= before.raftIndex &&
      status.header.revision >= before.header.revision
    );
  });
  if (!steady) return undefined;
  const { memberId: id, clusterId } = first.header;
  const { leaderId, raftTerm } = first;
  return { id, clusterId, leaderId, raftTerm, statuses, first, last, barrier };
}

/** Members of one cluster that follow the same leader. */
export function comparable(a: SteadyMember, b: SteadyMember): boolean {
  return (
    a.id !== b.id &&
    a.clusterId === b.clusterId &&
    a.leaderId === b.leaderId &&
    a.raftTerm === b.raftTerm
  );
}

/** Those of a round that can be compared, each member once. */
export function steadyMembers({ members }: Round): SteadyMember[] {
  const byId = new Map<bigint, SteadyMember>();
  for (const member of members) {
    const steady = steadyMember(member);
    if (steady !== undefined && !byId.has(steady.id)) byId.set(steady.id, steady);
  }
  return [...byId.values()];
}
