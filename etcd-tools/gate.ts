// `gate`: may this member be stopped now? And, when it runs the target: is it back well?
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import { applyRules, describeItems, exitOfItems } from './check-item.ts';
import { CHECK_OPTIONS, readGatherOptions, WAIT_OPTION } from './check-options.ts';
import { answering, nameOf, viewCluster } from './cluster-view.ts';
import type { Command, CommandContext } from './command.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { readDurationMs, requireVersion } from './flag-values.ts';
import { BACK_RULES, type GateFacts, type GateMode, gateMode, STOP_RULES } from './gate-rules.ts';
import { gatherFacts } from './gather-facts.ts';
import { findMember, requireMemberFlag } from './member-argument.ts';
import { untilPassed } from './until-passed.ts';
import { formatVersion } from './version.ts';

// A peer counts as active when it has been connected for so long (HealthInterval in etcd's
// server/etcdserver/server.go); before, etcd itself would refuse changes of members.
const OBSERVE_MS = 5000;

export const gate: Command = {
  name: 'gate',
  summary: 'may this member be stopped now, or is it back well?',
  example: 'gate --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --member m1 --to 3.6.14',
  options: [
    { name: 'member', value: 'NAME', help: 'a name, an id or a client URL' },
    ...CHECK_OPTIONS,
    WAIT_OPTION,
  ],
  run: runGate,
};

async function runGate(context: CommandContext): Promise<ExitCode> {
  const { flags } = context;
  const memberText = requireMemberFlag(flags);
  const options = readGatherOptions(flags, requireVersion(flags, 'to'), OBSERVE_MS);
  const waitMs = readDurationMs(flags, WAIT_OPTION.name, 0);
  await findEarly(context, memberText);
  const { heading, items } = await untilPassed(waitMs, context, async () => {
    const facts = await gatherFacts(context, options);
    const gateFacts = { ...facts, subject: findMember(facts.view, memberText) };
    const mode = gateMode(gateFacts);
    const rules = mode === 'stop' ? STOP_RULES : BACK_RULES;
    return { heading: headingOf(gateFacts, mode), items: applyRules(rules, gateFacts) };
  });
  context.print(describeItems(heading, items));
  return exitOfItems(items);
}

/** A wrong name is told at once, and not after the waiting. */
async function findEarly({ members }: CommandContext, memberText: string): Promise<void> {
  const view = await viewCluster(members);
  if (answering(view).length > 0) {
    findMember(view, memberText);
    return;
  }
  const problems = view.members.flatMap(({ status }) => (status.ok ? [] : [status.error.message]));
  throw new CommandError(problems.join('; '), { exitCode: ETCD_EXIT.unknown });
}

function headingOf({ view, subject, target }: GateFacts, mode: GateMode): string {
  const name = nameOf(view, subject);
  return mode === 'stop'
    ? `may ${name} be stopped, to become ${formatVersion(target)}?`
    : `is ${name} back well, with ${formatVersion(target)}?`;
}
