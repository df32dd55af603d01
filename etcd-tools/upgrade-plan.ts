// `upgrade-plan`: every step from what runs now to a target, as a list to be gone through.
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import { answering, leaderId, nameOf, viewCluster } from './cluster-view.ts';
import type { Command, CommandContext } from './command.ts';
import { formatId } from './endpoints.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { requireVersion } from './flag-values.ts';
import type { Answer } from './output.ts';
import { type Hop, type PlannedMember, type PlanStep, planHops } from './plan-hops.ts';
import { formatVersion, parseVersion, type Version } from './version.ts';

export const upgradePlan: Command = {
  name: 'upgrade-plan',
  summary: 'prints every step to a version, for the cluster as it is',
  example: 'upgrade-plan --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --to 3.7.3',
  options: [{ name: 'to', value: 'VERSION', help: 'the version to arrive at' }],
  run: runUpgradePlan,
};

async function runUpgradePlan(context: CommandContext): Promise<ExitCode> {
  const target = requireVersion(context.flags, 'to');
  const view = await viewCluster(context.members);
  const leader = leaderId(answering(view).map(({ status }) => status));
  const silent = view.members.flatMap(({ status }) => (status.ok ? [] : [status.error.message]));
  const members = answering(view).flatMap(({ member, status }): PlannedMember[] => {
    const version = parseVersion(status.version);
    if (version === undefined) return [];
    const { memberId } = status.header;
    return [
      {
        name: nameOf(view, member),
        id: formatId(memberId),
        endpoint: member.endpoint,
        version,
        leads: memberId === leader,
        dbSizeBytes: status.dbSizeBytes,
      },
    ];
  });
  if (members.length < view.listed.length || members.length === 0) {
    // The order of members, and whether a quorum is left, depend on all of them.
    const missing = silent.length > 0 ? silent : ['--endpoints: not all members are among them'];
    throw new CommandError(missing.join('; '), { exitCode: ETCD_EXIT.unknown });
  }
  const plan = planHops(members, target, await context.isAuthOn());
  context.print(describePlan(members, target, plan));
  return 'refused' in plan ? ETCD_EXIT.warning : ETCD_EXIT.ok;
}

function describePlan(
  members: readonly PlannedMember[],
  target: Version,
  plan: ReturnType<typeof planHops>,
): Answer {
  const found = members.map(
    ({ name, version, leads }) => `${name} ${formatVersion(version)}${leads ? ' (leader)' : ''}`,
  );
  const endpoints = members.map(({ endpoint }) => endpoint).join(',');
  const heading = `from ${found.join(', ')} to ${formatVersion(target)}`;
  const hops = 'refused' in plan ? [] : plan;
  const refused = 'refused' in plan ? plan.refused : undefined;
  return {
    blocks: [
      { lines: [heading, ...(hops.length === 0 ? [] : ['', `ENDPOINTS=${endpoints}`, ADD_FLAGS])] },
      ...(refused === undefined ? hops.map((hop) => ({ lines: hopLines(hop) })) : []),
      { lines: conclusion(refused, hops) },
    ],
    json: {
      heading,
      endpoints,
      refused: refused ?? null,
      hops: hops.map(({ kind, to, steps }) => ({
        kind,
        to: formatVersion(to),
        steps: steps.map(({ text, command, where, waitForPass }) => ({
          text,
          command: command ?? null,
          where,
          waitForPass,
        })),
      })),
    },
    metrics: [
      {
        name: 'evenkeel_etcd_upgrade_steps',
        help: 'Steps to the target.',
        samples: hops.map(({ to, steps }) => ({
          labels: { to: formatVersion(to) },
          value: steps.length,
        })),
      },
    ],
  };
}

const ADD_FLAGS =
  'Every command also takes the TLS and user flags that this one was given. 0 is the only exit code to go on with.';

function conclusion(refused: string | undefined, hops: readonly Hop[]): string[] {
  if (refused !== undefined) return [`no plan: ${refused}`];
  if (hops.length === 0) return ['nothing to do'];
  return [
    'While versions are mixed: no defragmentation, no change of members, no new features, no restore.',
    'A gate that stays shut ends the plan: until the last member of a hop is replaced, the way back is to put the old binary back, member by member.',
  ];
}

function hopLines({ kind, to, steps }: Hop): string[] {
  return [
    `${kind} to ${formatVersion(to)}`,
    ...steps.flatMap((step, index) => stepLines(step, index)),
  ];
}

function stepLines({ text, command, where }: PlanStep, index: number): string[] {
  const number = `${index + 1}.`.padStart(4);
  const place = where === 'here' ? '' : `on ${where}: `;
  return [`${number} ${place}${text}`, ...(command === undefined ? [] : [`       ${command}`])];
}
