// `health`: one look at every member. Alarms are read from Status, which the member answers alone:
// `alarm list` is a raft entry of its own (etcd issue 14382).
import {
  alarmsOf,
  answering,
  type ClusterView,
  leaderId,
  type MemberView,
  nameOf,
  type Outcome,
  viewCluster,
} from './cluster-view.ts';
import type { Command } from './command.ts';
import { formatId } from './endpoints.ts';
import { ETCD_EXIT, worstExit } from './exit-code.ts';
import { type Finding, findTroubles } from './health-findings.ts';
import { type MemberReads, type ReadTimes, readMember } from './member-reads.ts';
import { type Answer, formatBytes, type Json } from './output.ts';

export const health: Command = {
  name: 'health',
  summary: 'members, leader, alarms, versions, sizes and read latency, in one look',
  example: 'health --endpoints https://10.0.0.1:2379,https://10.0.0.2:2379 --cacert ca.crt',
  options: [],
  async run({ members, print }) {
    const view = await viewCluster(members);
    const reads = new Map(
      await Promise.all(
        view.members.map(async (member) => [member, await readMember(member)] as const),
      ),
    );
    const findings = findTroubles(view, reads);
    print(describeHealth(view, reads, findings));
    return worstExit(findings.map(({ unknown }) => ETCD_EXIT[unknown ? 'unknown' : 'warning']));
  },
};

const COLUMNS = [
  'member',
  'id',
  'endpoint',
  'version',
  'role',
  'term',
  'revision',
  'db',
  'in use',
  'quota',
  'linearizable',
  'serializable',
  'alarms',
];

function describeHealth(
  view: ClusterView,
  reads: ReadonlyMap<MemberView, MemberReads>,
  findings: readonly Finding[],
): Answer {
  const leader = leaderId(answering(view).map(({ status }) => status));
  return {
    blocks: [
      {
        title: '',
        columns: COLUMNS,
        rows: view.members.map((member) => tableRow(view, member, leader, reads.get(member))),
      },
      {
        lines:
          findings.length === 0
            ? ['all is well']
            : findings.map(({ unknown, text }) => `${unknown ? 'unknown' : 'warning'}: ${text}`),
      },
    ],
    json: {
      leader: leader === undefined ? null : formatId(leader),
      members: view.members.map((member) => jsonMember(view, member, reads.get(member))),
      findings: findings.map(({ id, unknown, text }) => ({
        id,
        severity: unknown ? 'unknown' : 'warning',
        text,
      })),
    },
    metrics: healthMetrics(view, reads, findings),
  };
}

function tableRow(
  view: ClusterView,
  member: MemberView,
  leader: bigint | undefined,
  reads: MemberReads | undefined,
): string[] {
  const name = nameOf(view, member);
  // Why stands below the table.
  if (!member.status.ok) return [name, '', member.endpoint, 'no answer'];
  const status = member.status.value;
  return [
    name,
    formatId(status.header.memberId),
    member.endpoint,
    status.version,
    roleOf(status.isLearner, status.header.memberId === leader),
    String(status.raftTerm),
    String(status.header.revision),
    formatBytes(status.dbSizeBytes),
    `${percent(status.dbSizeInUseBytes, status.dbSizeBytes)} %`,
    status.dbSizeQuotaBytes === 0n ? '' : formatBytes(status.dbSizeQuotaBytes),
    formatTimes(reads?.linearizable),
    formatTimes(reads?.serializable),
    alarmsOf(status).join(' '),
  ];
}

function roleOf(isLearner: boolean, leads: boolean): string {
  if (isLearner) return 'learner';
  return leads ? 'leader' : 'follower';
}

function percent(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 100n) / whole);
}

function formatTimes(times: Outcome<ReadTimes> | undefined): string {
  if (times === undefined) return '';
  return times.ok ? `${times.value.medianMs.toFixed(1)} ms` : times.error.code;
}

function jsonMember(view: ClusterView, member: MemberView, reads: MemberReads | undefined): Json {
  const { endpoint, status } = member;
  const name = nameOf(view, member);
  if (!status.ok) {
    return {
      name,
      endpoint,
      reachable: false,
      error: status.error.code,
      text: status.error.message,
    };
  }
  const { value } = status;
  return {
    name,
    endpoint,
    reachable: true,
    id: formatId(value.header.memberId),
    clusterId: formatId(value.header.clusterId),
    version: value.version,
    leader: formatId(value.leaderId),
    isLearner: value.isLearner,
    raftTerm: value.raftTerm,
    raftIndex: value.raftIndex,
    raftAppliedIndex: value.raftAppliedIndex,
    revision: value.header.revision,
    dbSizeBytes: value.dbSizeBytes,
    dbSizeInUseBytes: value.dbSizeInUseBytes,
    // Not reported before 3.6.
    dbSizeQuotaBytes: value.dbSizeQuotaBytes === 0n ? null : value.dbSizeQuotaBytes,
    storageVersion: value.storageVersion === '' ? null : value.storageVersion,
    alarms: alarmsOf(value),
    linearizableRead: jsonTimes(reads?.linearizable),
    serializableRead: jsonTimes(reads?.serializable),
  };
}

function jsonTimes(times: Outcome<ReadTimes> | undefined): Json {
  if (times === undefined) return null;
  if (!times.ok) return { error: times.error.code };
  return { medianMs: times.value.medianMs, maxMs: times.value.maxMs };
}

function healthMetrics(
  view: ClusterView,
  reads: ReadonlyMap<MemberView, MemberReads>,
  findings: readonly Finding[],
): Answer['metrics'] {
  const labels = (member: MemberView) => ({
    member: nameOf(view, member),
    endpoint: member.endpoint,
  });
  const read = (kind: keyof MemberReads) =>
    view.members.flatMap((member) => {
      const times = reads.get(member)?.[kind];
      return times?.ok
        ? [{ labels: { ...labels(member), read: kind }, value: times.value.medianMs / 1000 }]
        : [];
    });
  const ofStatus = answering(view);
  return [
    {
      name: 'evenkeel_etcd_member_up',
      help: 'Whether the member answered.',
      samples: view.members.map((member) => ({
        labels: labels(member),
        value: member.status.ok ? 1 : 0,
      })),
    },
    {
      name: 'evenkeel_etcd_member_db_size_bytes',
      help: "Size of the member's database file.",
      samples: ofStatus.map(({ member, status }) => ({
        labels: labels(member),
        value: status.dbSizeBytes,
      })),
    },
    {
      name: 'evenkeel_etcd_member_db_in_use_bytes',
      help: 'What of the database file holds data.',
      samples: ofStatus.map(({ member, status }) => ({
        labels: labels(member),
        value: status.dbSizeInUseBytes,
      })),
    },
    {
      name: 'evenkeel_etcd_member_alarm',
      help: 'Alarms that are raised, as the member reports them.',
      samples: ofStatus.flatMap(({ member, status }) =>
        alarmsOf(status).map((alarm) => ({ labels: { ...labels(member), alarm }, value: 1 })),
      ),
    },
    {
      name: 'evenkeel_etcd_member_read_seconds',
      help: 'Median latency of a read at the member.',
      samples: [...read('linearizable'), ...read('serializable')],
    },
    {
      name: 'evenkeel_etcd_findings',
      help: 'How many things are not as they ought to be.',
      samples: [{ labels: {}, value: findings.length }],
    },
  ];
}
