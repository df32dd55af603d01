// What of a view of the cluster is not as it ought to be. Pure.
import {
  alarmsOf,
  answering,
  type ClusterView,
  leaderId,
  listKey,
  type MemberView,
  nameOf,
} from './cluster-view.ts';
import { findMissing, formatId } from './endpoints.ts';
import type { MemberReads } from './member-reads.ts';
import { formatBytes } from './output.ts';

/** One thing that is wrong, or that could not be found out. */
export interface Finding {
  readonly id: string;
  readonly unknown: boolean;
  readonly text: string;
}

// As etcd's own mixin and OpenShift have them.
const FRAGMENTED_MIN_BYTES = 100n * 1024n * 1024n;
const FRAGMENTED_PERCENT = 45n;
const QUOTA_WARNING_PERCENT = 80n;

/** In the order in which they are worth reading. */
export function findTroubles(
  view: ClusterView,
  reads: ReadonlyMap<MemberView, Pick<MemberReads, 'linearizable'>>,
): Finding[] {
  return [
    ...unreachable(view),
    ...missing(view),
    ...leadership(view),
    ...alarms(view),
    ...lists(view),
    ...sizes(view),
    ...barriers(view, reads),
    ...view.duplicates.map((endpoint) =>
      warning('duplicate-endpoint', `${endpoint} leads to a member that is there already`),
    ),
  ];
}

function warning(id: string, text: string): Finding {
  return { id, unknown: false, text };
}

function unreachable(view: ClusterView): Finding[] {
  return view.members.flatMap(({ status }) =>
    status.ok
      ? []
      : [{ id: `member-${status.error.code}`, unknown: true, text: status.error.message }],
  );
}

function missing(view: ClusterView): Finding[] {
  const known = new Set(answering(view).map(({ status }) => status.header.memberId));
  const asked = new Set(view.members.map(({ endpoint }) => endpoint));
  return findMissing(view.listed, known)
    .filter(({ endpoints }) => !endpoints.some(({ url }) => asked.has(url)))
    .map(({ member, endpoints }) => {
      const where = endpoints.map(({ url }) => url).join(' or ');
      const name = member.name === '' ? formatId(member.id) : member.name;
      const todo = where === '' ? 'it has never started' : `add ${where} to --endpoints`;
      return {
        id: 'member-not-asked',
        unknown: true,
        text: `member ${name} was not asked: ${todo}`,
      };
    });
}

function leadership(view: ClusterView): Finding[] {
  const statuses = answering(view).map(({ status }) => status);
  if (statuses.length === 0) return [];
  const without = answering(view).filter(({ status }) => status.leaderId === 0n);
  if (without.length > 0) {
    const names = without.map(({ member }) => nameOf(view, member)).join(', ');
    return [warning('no-leader', `${names}: no leader; is a majority of the members up?`)];
  }
  if (leaderId(statuses) !== undefined && new Set(statuses.map((s) => s.leaderId)).size === 1) {
    return [];
  }
  const votes = answering(view).map(
    ({ member, status }) =>
      `${nameOf(view, member)} follows ${formatId(status.leaderId)} of term ${status.raftTerm}`,
  );
  return [warning('leader-disagreement', `${votes.join(', ')}; look again in a second`)];
}

function alarms(view: ClusterView): Finding[] {
  const raised = new Set(answering(view).flatMap(({ status }) => alarmsOf(status)));
  return [...raised].map((alarm) => {
    const todo = ALARM_ADVICE[alarm] ?? 'see `etcdctl alarm list`';
    return warning(`alarm-${alarm.toLowerCase()}`, `alarm ${alarm} is raised: ${todo}`);
  });
}

const ALARM_ADVICE: Readonly<Partial<Record<string, string>>> = {
  NOSPACE:
    'the cluster takes no writes; compact, defragment each member, then `etcdctl alarm disarm`',
  CORRUPT: 'members differ; run `evenkeel-etcd hash`, and `evenkeel-etcd repair-plan`',
};

function lists(view: ClusterView): Finding[] {
  const groups = Map.groupBy(
    view.members.filter(({ list }) => list.ok),
    ({ list }) => (list.ok ? listKey(list.value) : ''),
  );
  if (groups.size <= 1) return [];
  const parts = [...groups.values()].map((same) =>
    same.map((member) => nameOf(view, member)).join(' and '),
  );
  return [warning('member-lists-differ', `different member lists: ${parts.join(', against ')}`)];
}

function sizes(view: ClusterView): Finding[] {
  return answering(view).flatMap(({ member, status }) => {
    const name = nameOf(view, member);
    const { dbSizeBytes: size, dbSizeInUseBytes: inUse, dbSizeQuotaBytes: quota } = status;
    const findings: Finding[] = [];
    if (status.isLearner) findings.push(warning('learner', `${name} is a learner`));
    if (quota > 0n && size * 100n >= quota * QUOTA_WARNING_PERCENT) {
      const text = `${name}: the database has ${formatBytes(size)} of a quota of ${formatBytes(quota)}`;
      findings.push(warning('quota', text));
    }
    const free = size - inUse;
    if (size >= FRAGMENTED_MIN_BYTES && free * 100n >= size * FRAGMENTED_PERCENT) {
      const text = `${name}: ${formatBytes(free)} of ${formatBytes(size)} are free; defragment it`;
      findings.push(warning('fragmented', text));
    }
    return findings;
  });
}

/** What has no quorum behind it answers Status all the same. */
function barriers(
  view: ClusterView,
  reads: ReadonlyMap<MemberView, Pick<MemberReads, 'linearizable'>>,
): Finding[] {
  return answering(view).flatMap(({ member, status }) => {
    const read = reads.get(member)?.linearizable;
    if (status.isLearner || read === undefined || read.ok) return [];
    return [{ id: 'no-linearizable-read', unknown: true, text: read.error.message }];
  });
}
