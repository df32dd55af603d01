// May this member be stopped now, and is it back well? Pure.
import { type Finding, failed, note, passed, type Rule, unknown } from './check-item.ts';
import { CLUSTER_RULES } from './cluster-rules.ts';
import { answering, leaderId, type MemberView, nameOf } from './cluster-view.ts';
import { formatId } from './endpoints.ts';
import { isCaughtUp } from './lag-report.ts';
import { runningMembers, type UpgradeFacts } from './upgrade-facts.ts';
import { compareVersions, formatVersion } from './version.ts';
import { VERSION_RULES } from './version-rules.ts';

export interface GateFacts extends UpgradeFacts {
  /** The member that is to be stopped, or has been started again. */
  readonly subject: MemberView;
}

export type GateMode = 'stop' | 'back';

/** A member that runs the target already can only be back. */
export function gateMode({ subject, target }: Pick<GateFacts, 'subject' | 'target'>): GateMode {
  return subject.status.ok && subject.status.value.version !== formatVersion(target)
    ? 'stop'
    : 'back';
}

const OF_STEP = [
  'path',
  'floor',
  'landing',
  'advisories',
  'auth',
  'downgrade',
  'storage',
  'cluster-version',
];
const OF_RETURN = ['path', 'downgrade', 'cluster-version'];

export const STOP_RULES: readonly Rule<GateFacts>[] = [
  { id: 'one-at-a-time', title: 'no other member is down or behind', check: oneAtATime },
  { id: 'majority', title: 'the others are a majority without it', check: majority },
  { id: 'leader-last', title: 'the leader comes last, when it leads no more', check: leaderLast },
  ...CLUSTER_RULES,
  ...VERSION_RULES.filter(({ id }) => OF_STEP.includes(id)),
];

export const BACK_RULES: readonly Rule<GateFacts>[] = [
  { id: 'back', title: 'it answers, with the target', check: back },
  ...CLUSTER_RULES,
  ...VERSION_RULES.filter(({ id }) => OF_RETURN.includes(id)),
];

function oneAtATime({ view, subject, lag }: GateFacts): Finding {
  const down = view.members.filter((member) => member !== subject && !member.status.ok);
  const behind = lag.verdicts.filter(
    (verdict) => !isCaughtUp(verdict) && verdict.memberId !== memberIdOf(subject),
  );
  const parts = [
    ...down.map((member) => `${nameOf(view, member)} does not answer`),
    ...behind
      .filter(({ name }) => !down.some((member) => nameOf(view, member) === name))
      .map(({ name, state }) => `${name} is ${state}`),
  ];
  if (parts.length > 0) {
    return failed(`two members at once: ${parts.join(', ')}; bring it back before the next one`);
  }
  return passed(`${view.members.length - 1} others are well`);
}

function majority({ view, subject, reads }: GateFacts): Finding {
  const voters = view.listed.filter(({ isLearner }) => !isLearner);
  if (voters.length === 0) return unknown('no member gave its list of members');
  const well = answering(view).filter(
    ({ member, status }) =>
      member !== subject &&
      !status.isLearner &&
      status.leaderId !== 0n &&
      reads.get(member)?.ok === true &&
      voters.some(({ id }) => id === status.header.memberId),
  );
  const needed = Math.floor(voters.length / 2) + 1;
  const what = `${well.length} of ${voters.length} voters would be left, ${needed} are needed`;
  if (voters.length === 1) return note('it is the only member: stopping it is an outage');
  if (well.length >= needed) return passed(what);
  // Two voters can never lose one; that is a property of the cluster and not of this moment.
  if (voters.length === 2 && well.length === 1) return note(`${what}: stopping it is an outage`);
  return failed(`${what}: writes would stop`);
}

/** As etcd's guides have it, "we recommend downgrading the leader last", and the same forwards. */
function leaderLast({ view, subject, target }: GateFacts): Finding {
  const leader = leaderId(answering(view).map(({ status }) => status));
  const name = nameOf(view, subject);
  if (leader === undefined) return unknown('no leader is known');
  if (memberIdOf(subject) !== leader) return passed(`${name} does not lead`);
  const others = runningMembers(view).filter(({ member }) => member !== subject);
  if (others.length === 0) return passed('it is the only member');
  const waiting = others.filter(({ version }) => compareVersions(version, target) !== 0);
  if (waiting.length > 0) {
    const names = waiting.map(({ member }) => nameOf(view, member)).join(', ');
    return failed(
      `${name} leads; first ${names}, which ${waiting.length > 1 ? 'are' : 'is'} not on ${formatVersion(target)} yet`,
    );
  }
  const heir = others[0];
  const id = formatId(heir?.status.header.memberId ?? 0n);
  const heirName = heir === undefined ? '' : nameOf(view, heir.member);
  return failed(`${name} leads; move the leader to ${heirName}, which is on the target`, [
    `etcdctl --endpoints=${subject.endpoint} move-leader ${id}`,
  ]);
}

function back({ view, subject, target }: GateFacts): Finding {
  const { status } = subject;
  if (!status.ok) return failed(status.error.message);
  const { version, header } = status.value;
  if (version !== formatVersion(target)) {
    return failed(`it runs ${version}, not ${formatVersion(target)}`);
  }
  const listed = view.listed.find(({ id }) => id === header.memberId);
  if (listed === undefined) {
    const id = formatId(header.memberId);
    return failed(`${id} is not in the list of members: was its data directory the right one?`);
  }
  return passed(`${listed.name} ${formatId(listed.id)} runs ${version}`);
}

/** Undefined for one that does not answer. */
export function memberIdOf({ status }: MemberView): bigint | undefined {
  return status.ok ? status.value.header.memberId : undefined;
}
