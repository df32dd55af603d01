// What has to hold of the cluster before and between the steps of an upgrade. Pure.
import { type Finding, failed, note, passed, type Rule, unknown } from './check-item.ts';
import {
  alarmsOf,
  answering,
  type ClusterView,
  leaderId,
  listKey,
  nameOf,
} from './cluster-view.ts';
import { formatId } from './endpoints.ts';
import { describeVerdict } from './hash.ts';
import { isCaughtUp, isDiverged } from './lag-report.ts';
import { formatBytes } from './output.ts';
import type { UpgradeFacts } from './upgrade-facts.ts';

const QUOTA_NOTE_PERCENT = 80n;
const QUOTA_FAIL_PERCENT = 90n;
// Of --quota-backend-bytes when it is not set (DefaultQuotaBytes in etcd's storage/quota.go).
const DEFAULT_QUOTA_BYTES = 2n * 1024n ** 3n;

export const CLUSTER_RULES: readonly Rule<UpgradeFacts>[] = [
  { id: 'members-answer', title: 'every member answers', check: membersAnswer },
  { id: 'lists-agree', title: 'all have the same list of members', check: listsAgree },
  { id: 'members-started', title: 'every member of the list has started', check: membersStarted },
  { id: 'no-learner', title: 'no member is a learner', check: noLearner },
  { id: 'voters', title: 'the cluster stands the loss of one member', check: voters },
  { id: 'one-leader', title: 'all follow one leader', check: oneLeader },
  { id: 'leader-stable', title: 'the leader stays', check: leaderStable },
  { id: 'reads', title: 'every member serves a linearizable read', check: reads },
  { id: 'no-alarm', title: 'no alarm is raised', check: noAlarm },
  { id: 'lag', title: 'no member is behind or has diverged', check: lag },
  { id: 'hash', title: 'all hold the same keys', check: sameKeys },
  { id: 'quota', title: 'the database is below its quota', check: quota },
];

function membersAnswer({ view }: UpgradeFacts): Finding {
  const silent = view.members.flatMap(({ status }) => (status.ok ? [] : [status.error.message]));
  if (silent.length > 0) {
    const all = silent.length === view.members.length;
    return (all ? unknown : failed)(silent.join('; '));
  }
  const known = new Set(answering(view).map(({ status }) => status.header.memberId));
  const missing = view.listed.filter(({ id }) => !known.has(id));
  if (missing.length > 0) {
    const names = missing.map(({ id, name, clientUrls }) =>
      [name || formatId(id), ...clientUrls].join(' '),
    );
    return failed(
      `not among --endpoints: ${names.join(', ')}; add them, and if nobody runs there it is a ` +
        'member that was removed and has come back (etcd issue 20967)',
    );
  }
  if (view.listed.length === 0) return unknown('no member gave its list of members');
  return passed(`${known.size} of ${view.listed.length}`);
}

function listsAgree({ view }: UpgradeFacts): Finding {
  const lists = answering(view).flatMap(({ member }) =>
    member.list.ok ? [{ member, key: listKey(member.list.value) }] : [],
  );
  // A learner serves no such call, and has an item of its own.
  const refused = answering(view).flatMap(({ member, status }) =>
    member.list.ok || status.isLearner ? [] : [member.list.error.message],
  );
  const groups = [...Map.groupBy(lists, ({ key }) => key).values()];
  if (groups.length > 1) {
    const parts = groups.map((group) =>
      group.map(({ member }) => nameOf(view, member)).join(' and '),
    );
    return failed(`${parts.join(' against ')}: a change of members has not reached all`);
  }
  if (refused.length > 0 || lists.length === 0) {
    return unknown(refused.join('; ') || 'no member gave its list');
  }
  return passed(`${lists.length} lists of ${view.listed.length} members`);
}

function membersStarted({ view }: UpgradeFacts): Finding {
  const waiting = view.listed.filter(({ name, clientUrls }) => !name || clientUrls.length === 0);
  if (waiting.length === 0) return passed(`${view.listed.length} have a name and a client URL`);
  const ids = waiting.map(({ id, peerUrls }) => `${formatId(id)} at ${peerUrls.join(' ')}`);
  return failed(`${ids.join(', ')}: added and never started; start it, or remove it`);
}

function noLearner({ view }: UpgradeFacts): Finding {
  const learners = [
    ...view.listed.filter(({ isLearner }) => isLearner).map(({ id, name }) => name || formatId(id)),
    ...answering(view)
      .filter(({ status }) => status.isLearner)
      .map(({ member }) => nameOf(view, member)),
  ];
  if (learners.length === 0) return passed('all are voters');
  const names = [...new Set(learners)].join(', ');
  return failed(`${names}: promote it, or remove it; members are not changed during an upgrade`);
}

function voters({ view }: UpgradeFacts): Finding {
  const count = view.listed.filter(({ isLearner }) => !isLearner).length;
  if (count === 0) return unknown('no member gave its list of members');
  if (count < 3) return note(`${count} voters: every restart is an outage`);
  if (count % 2 === 0) return note(`${count} voters stand no more losses than ${count - 1}`);
  return passed(`${count} voters`);
}

function oneLeader({ view }: UpgradeFacts): Finding {
  const all = answering(view);
  const without = all.filter(({ status }) => status.leaderId === 0n);
  if (all.length === 0) return unknown('no member answered');
  if (without.length > 0) {
    const names = without.map(({ member }) => nameOf(view, member)).join(', ');
    return failed(`${names}: no leader; a majority of the members must run and reach each other`);
  }
  const leader = leaderId(all.map(({ status }) => status));
  const views = new Set(all.map(({ status }) => `${status.leaderId} ${status.raftTerm}`));
  if (leader === undefined || views.size > 1) {
    const parts = all.map(
      ({ member, status }) =>
        `${nameOf(view, member)} follows ${formatId(status.leaderId)} of term ${status.raftTerm}`,
    );
    return failed(parts.join(', '));
  }
  return passed(`${leaderName(view, leader)} of term ${all[0]?.status.raftTerm}`);
}

/** By name where it is known. */
export function leaderName(view: ClusterView, id: bigint): string {
  return view.listed.find((listed) => listed.id === id)?.name || formatId(id);
}

function leaderStable({ observed }: UpgradeFacts): Finding {
  const seconds = (observed.forMs / 1000).toFixed(observed.forMs < 10_000 ? 1 : 0);
  if (observed.leaders.length === 0) return unknown('no leader was seen');
  if (observed.leaders.length > 1) {
    const terms = observed.leaders.map(
      ({ term, leaderId: id }) => `${formatId(id)} of term ${term}`,
    );
    return failed(`within ${seconds} s: ${terms.join(', then ')}; wait until it stays`);
  }
  return passed(`the same for ${seconds} s`);
}

function reads({ view, reads: answers }: UpgradeFacts): Finding {
  const problems = answering(view).flatMap(({ member, status }) => {
    const read = answers.get(member);
    // A learner refuses it, and has an item of its own.
    return read === undefined || read.ok || status.isLearner ? [] : [read.error.message];
  });
  if (problems.length > 0) return failed(problems.join('; '));
  const slowest = Math.max(
    ...[...answers.values()].flatMap((read) =>
      read.ok ? [read.value.receivedAtMs - read.value.sentAtMs] : [],
    ),
  );
  if (!Number.isFinite(slowest)) return unknown('no member answered');
  return passed(`the slowest took ${slowest.toFixed(1)} ms`);
}

function noAlarm({ view }: UpgradeFacts): Finding {
  const alarms = answering(view).flatMap(({ member, status }) =>
    alarmsOf(status).map((alarm) => ({ alarm, name: nameOf(view, member) })),
  );
  if (answering(view).length === 0) return unknown('no member answered');
  if (alarms.length === 0) return passed('none');
  const kinds = new Set(alarms.map(({ alarm }) => alarm));
  const commands = [
    ...(kinds.has('NOSPACE')
      ? [
          'etcdctl compact REVISION',
          'etcdctl defrag  # one member at a time',
          'etcdctl alarm disarm',
        ]
      : []),
    ...(kinds.has('CORRUPT') ? ['evenkeel-etcd hash', 'evenkeel-etcd repair-plan'] : []),
  ];
  return failed(
    `${[...kinds].join(', ')} is raised; clear its cause, and then the alarm`,
    commands,
  );
}

function lag({ lag: { rounds, verdicts } }: UpgradeFacts): Finding {
  const diverged = verdicts.filter(isDiverged);
  if (diverged.length > 0) {
    const text = diverged.map((verdict) => verdict.text).join('; ');
    return {
      ...failed(`${text}; restarts may spread what is wrong, so repair it first`, [
        'evenkeel-etcd repair-plan',
      ]),
      diverged: true,
    };
  }
  const behind = verdicts.filter((verdict) => !isCaughtUp(verdict));
  if (behind.length > 0) {
    const parts = behind.map(({ state, text }) => `${state}: ${text}`);
    const blind = behind.every(({ state }) => state === 'UNKNOWN');
    return (blind ? unknown : failed)(parts.join('; '));
  }
  if (verdicts.length === 0) return unknown('no member answered');
  return passed(`${verdicts.length} members in ${rounds} rounds`);
}

function sameKeys({ hash }: UpgradeFacts): Finding | undefined {
  if (hash === undefined) return undefined;
  const text = describeVerdict(hash);
  switch (hash.verdict?.kind) {
    case 'diverged':
    case 'ambiguous':
      return { ...failed(text, ['evenkeel-etcd repair-plan']), diverged: true };
    case 'equal':
      return hash.problems.length === 0 ? passed(text) : unknown(hash.problems.join('; '));
    default:
      return unknown([text, ...hash.problems].join('; '));
  }
}

function quota({ view, quotaBytes }: UpgradeFacts): Finding {
  const findings = answering(view).map(({ member, status }) => {
    const reported = status.dbSizeQuotaBytes > 0n ? status.dbSizeQuotaBytes : quotaBytes;
    const limit = reported ?? DEFAULT_QUOTA_BYTES;
    const percent = (status.dbSizeBytes * 100n) / limit;
    const what = `${nameOf(view, member)}: ${formatBytes(status.dbSizeBytes)} of ${formatBytes(limit)}`;
    return { percent, what, assumed: reported === undefined };
  });
  const full = findings.toSorted((a, b) => (a.percent < b.percent ? 1 : -1))[0];
  if (full === undefined) return unknown('no member answered');
  const { percent, what, assumed } = full;
  const text = `${what}, ${percent} %`;
  if (assumed && percent >= QUOTA_NOTE_PERCENT) {
    return unknown(`${text} of the default; the quota is not told before 3.6: give --quota`);
  }
  if (percent >= QUOTA_FAIL_PERCENT) return failed(`${text}; compact and defragment first`);
  if (percent >= QUOTA_NOTE_PERCENT) return note(text);
  return passed(assumed ? `${text} of the default quota, where it is not set lower` : text);
}
