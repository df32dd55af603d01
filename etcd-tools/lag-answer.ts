// What the rounds found, as a table, as JSON and as metrics. Pure.

import type { ExitCode } from '../common/exit-code.ts';
import { alarmsOf } from './cluster-view.ts';
import { formatId } from './endpoints.ts';
import { ETCD_EXIT, worstExit } from './exit-code.ts';
import { lagMetrics } from './lag-metrics.ts';
import type { WatchedRound } from './lag-watch.ts';
import type { MemberStatus, ReadAnswer } from './member-report.ts';
import type { Answer, Json } from './output.ts';
import { formatMs, proofLines, resolutionLine } from './proof-lines.ts';
import { endpointName, memberName } from './roster.ts';
import type { Trend } from './trend.ts';
import type { MemberState, MemberVerdict } from './verdict.ts';

const EXIT_OF_STATE: Readonly<Record<MemberState, ExitCode>> = {
  OK: ETCD_EXIT.ok,
  CATCHING_UP: ETCD_EXIT.warning,
  SLOW: ETCD_EXIT.warning,
  STUCK: ETCD_EXIT.warning,
  APPLY_OVERLOAD: ETCD_EXIT.warning,
  NEEDS_SNAPSHOT: ETCD_EXIT.warning,
  DIVERGED_BEHIND: ETCD_EXIT.diverged,
  DIVERGED_AHEAD: ETCD_EXIT.diverged,
  REV_REGRESSION: ETCD_EXIT.diverged,
  UNKNOWN: ETCD_EXIT.unknown,
};

/** The gravest of the members' states. */
export function lagExit({ verdict }: WatchedRound): ExitCode {
  return worstExit(verdict.members.map(({ state }) => EXIT_OF_STATE[state]));
}

const COLUMNS = [
  'member',
  'role',
  'state',
  'revision',
  'applied',
  'behind',
  'time',
  'eta',
  'read',
] as const;

/** One round in all forms. */
export function describeLag(watched: WatchedRound): Answer {
  const { verdict } = watched;
  return {
    blocks: [
      {
        title: '',
        columns: COLUMNS,
        rows: verdict.members.map((member) => tableRow(watched, member)),
      },
      { lines: allProofs(watched) },
      { lines: [resolutionLine(verdict)] },
    ],
    json: {
      rounds: verdict.round,
      tookMs: verdict.tookMs,
      leader: verdict.leaderId === undefined ? null : formatId(verdict.leaderId),
      resolution: verdict.resolution ?? null,
      bestResolution: verdict.bestResolution ?? null,
      undecided: verdict.undecided,
      members: verdict.members.map((member) => jsonMember(watched, member)),
    },
    metrics: lagMetrics(watched),
  };
}

/** Why the members have their states, each line once. */
export function allProofs({ verdict, roster }: WatchedRound): string[] {
  const nameOf = (id: bigint): string => memberName(roster, id);
  return [
    ...new Set(
      verdict.members.flatMap((member) =>
        proofLines(member, endpointName(roster, member.endpoint, member.id), nameOf),
      ),
    ),
  ];
}

function tableRow({ verdict, roster }: WatchedRound, member: MemberVerdict): string[] {
  const { answer, trend, lag, id, endpoint, state } = member;
  const name = endpointName(roster, endpoint, id);
  const { last } = answer;
  if (last === undefined) return [name, '', state];
  const read = answer.barrier;
  return [
    name,
    roleOf(member, verdict.leaderId),
    state,
    String(last.header.revision),
    String(last.raftAppliedIndex),
    String(trend?.behind ?? lag?.entries.atLeast ?? ''),
    trend?.behindMs === undefined || trend.behind === 0n ? '' : formatMs(trend.behindMs),
    state === 'CATCHING_UP' && trend?.etaMs !== undefined ? formatMs(trend.etaMs) : '',
    read === undefined ? '' : formatMs(read.receivedAtMs - read.sentAtMs),
  ];
}

export function roleOf({ answer, id }: MemberVerdict, leaderId: bigint | undefined): string {
  if (answer.last?.isLearner === true) return 'learner';
  return id !== undefined && id === leaderId ? 'leader' : 'follower';
}

function jsonMember({ verdict, roster }: WatchedRound, member: MemberVerdict): Json {
  const { id, endpoint, state, answer, lag, trend, silence, reason } = member;
  const name = endpointName(roster, endpoint, id);
  return {
    name,
    endpoint,
    id: id === undefined ? null : formatId(id),
    state,
    reason: reason ?? null,
    proof: proofLines(member, name, (other) => memberName(roster, other)),
    difference: jsonDifference(member),
    error: silence === undefined ? null : { code: silence.code, text: silence.text },
    role: answer.last === undefined ? null : roleOf(member, verdict.leaderId),
    status: answer.last === undefined ? null : jsonStatus(answer.last),
    read: answer.barrier === undefined ? null : jsonRead(answer.barrier),
    lag: lag === undefined ? null : jsonLag(lag),
    trend: trend === undefined ? null : jsonTrend(trend),
  };
}

/** Null where nothing is held against the member. */
function jsonDifference({ blame, suspicion }: MemberVerdict): Json {
  const held = blame ?? suspicion;
  if (held === undefined) return null;
  const { direction, atLeast, atMost, against, ambiguous, best } = held;
  return {
    direction,
    atLeast,
    atMost: atMost ?? null,
    against: against.map(formatId),
    ambiguous,
    confirmed: blame !== undefined,
    test: best.test,
  };
}

function jsonStatus(status: MemberStatus): Json {
  return {
    version: status.version,
    revision: status.header.revision,
    raftTerm: status.raftTerm,
    raftIndex: status.raftIndex,
    raftAppliedIndex: status.raftAppliedIndex,
    leader: formatId(status.leaderId),
    isLearner: status.isLearner,
    alarms: alarmsOf(status),
  };
}

function jsonRead({ revision, permissionDenied, sentAtMs, receivedAtMs }: ReadAnswer): Json {
  return { revision, permissionDenied, tookMs: receivedAtMs - sentAtMs };
}

function jsonTrend({ behind, behindMs, etaMs, stillMs, applyGap }: Trend): Json {
  return {
    behindEntries: behind,
    behindMs: behindMs ?? null,
    etaMs: etaMs ?? null,
    stillMs,
    applyGap,
  };
}

function jsonLag({
  entries,
  replication,
  apply,
  revisions,
}: NonNullable<MemberVerdict['lag']>): Json {
  const interval = ({ atLeast, atMost }: typeof entries): Json => ({
    atLeast,
    atMost: atMost ?? null,
  });
  return {
    entries: interval(entries),
    replication: interval(replication),
    apply,
    revisions: interval(revisions),
  };
}
