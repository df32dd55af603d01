// `repair-plan`: how a member that has diverged is made whole again. It reads, and tells; every step
// is for a person to take.
import type { ExitCode } from '../common/exit-code.ts';
import { answering, leaderId, type MemberView, nameOf, viewCluster } from './cluster-view.ts';
import type { Command, CommandContext } from './command.ts';
import { formatId } from './endpoints.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { readText } from './flag-values.ts';
import { isDiverged, type LagVerdict } from './lag-report.ts';
import { measureLag } from './lag-rounds.ts';
import { findMember } from './member-argument.ts';
import type { Answer } from './output.ts';
import { planRepair, type RepairPlan, type Subject } from './repair-steps.ts';

const LAG_ROUNDS = 5;

export const repairPlan: Command = {
  name: 'repair-plan',
  summary: 'how to repair a member that has diverged, step by step; does nothing itself',
  example: 'repair-plan --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --member m2',
  options: [{ name: 'member', value: 'NAME', help: 'the member, instead of looking for it' }],
  run: runRepairPlan,
};

async function runRepairPlan(context: CommandContext): Promise<ExitCode> {
  const { members, flags, print, timeoutMs, signal } = context;
  const view = await viewCluster(members);
  const { verdicts } = await measureLag(view, { rounds: LAG_ROUNDS, timeoutMs, signal });
  const named = readText(flags, 'member');
  const diverged = verdicts.filter(isDiverged);
  const chosen =
    named === undefined
      ? view.members.filter((member) => diverged.some((verdict) => isOf(verdict, member)))
      : [findMember(view, named)];
  const leader = leaderId(answering(view).map(({ status }) => status));
  const subjects = chosen.map((member) => toSubject(view, member, leader, diverged));
  const others = answering(view)
    .filter(({ member }) => !chosen.includes(member))
    .map(({ member, status }) => ({
      name: nameOf(view, member),
      id: formatId(status.header.memberId),
      endpoint: member.endpoint,
      leads: status.header.memberId === leader,
    }));
  const plan = planRepair({
    subjects,
    others,
    voters: view.listed.filter(({ isLearner }) => !isLearner).length,
  });
  const blind = verdicts.filter(({ state }) => state === 'UNKNOWN').map(({ text }) => text);
  const silent = view.members.flatMap(({ status }) => (status.ok ? [] : [status.error.message]));
  print(describeRepair(plan, [...new Set([...silent, ...blind])]));
  if (diverged.length > 0) return ETCD_EXIT.diverged;
  if (silent.length > 0 || blind.length > 0) return ETCD_EXIT.unknown;
  return subjects.length > 0 ? ETCD_EXIT.warning : ETCD_EXIT.ok;
}

function isOf({ memberId }: LagVerdict, { status }: MemberView): boolean {
  return status.ok && status.value.header.memberId === memberId;
}

function toSubject(
  view: Awaited<ReturnType<typeof viewCluster>>,
  member: MemberView,
  leader: bigint | undefined,
  diverged: readonly LagVerdict[],
): Subject {
  const id = member.status.ok ? member.status.value.header.memberId : undefined;
  const listed = view.listed.find((one) =>
    id === undefined ? one.clientUrls.includes(member.endpoint) : one.id === id,
  );
  return {
    name: nameOf(view, member),
    id: formatId(id ?? listed?.id ?? 0n),
    endpoint: member.endpoint,
    peerUrls: listed?.peerUrls ?? [],
    leads: id !== undefined && id === leader,
    proof: diverged.find((verdict) => isOf(verdict, member))?.text,
  };
}

function describeRepair(
  { heading, endpoints, warnings, steps }: RepairPlan,
  unknown: readonly string[],
): Answer {
  return {
    blocks: [
      { lines: [heading, ...(steps.length === 0 ? [] : ['', `ENDPOINTS=${endpoints}`])] },
      { lines: warnings.map((warning) => `! ${warning}`) },
      {
        lines: steps.flatMap(({ text, command, where }, index) => [
          `${`${index + 1}.`.padStart(4)} ${where === 'here' ? '' : `on ${where}: `}${text}`,
          ...(command === undefined ? [] : [`       ${command}`]),
        ]),
      },
      { lines: unknown.map((line) => `unknown: ${line}`) },
    ],
    json: {
      heading,
      endpoints,
      warnings,
      steps: steps.map(({ text, command, where }) => ({ text, command: command ?? null, where })),
      unknown,
    },
    metrics: [],
  };
}
