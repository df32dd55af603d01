// `gate`: may this member be stopped now? And, when it runs the target: is it back well?
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import { applyRules, describeItems, exitOfItems, openItems } from './check-item.ts';
import { CHECK_OPTIONS, readGatherOptions } from './check-options.ts';
import { answering, nameOf, viewCluster } from './cluster-view.ts';
import type { Command, CommandContext } from './command.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { readDurationMs, requireVersion } from './flag-values.ts';
import { BACK_RULES, type GateFacts, gateMode, STOP_RULES } from './gate-rules.ts';
import { gatherFacts } from './gather-facts.ts';
import { findMember, requireMemberFlag } from './member-argument.ts';
import { formatVersion } from './version.ts';

// A peer counts as active when it has been connected for so long (HealthInterval in etcd's
// server/etcdserver/server.go); before, etcd itself would refuse changes of members.
const OBSERVE_MS = 5000;
const RETRY_MS = 1000;

export const gate: Command = {
  name: 'gate',
  summary: 'may this member be stopped now, or is it back well?',
  example: 'gate --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --member m1 --to 3.6.14',
  options: [
    { name: 'member', value: 'NAME', help: 'a name, an id or a client URL' },
    ...CHECK_OPTIONS,
    { name: 'wait', value: 'TIME', help: 'asks again until the gate opens, for this long' },
  ],
  run: runGate,
};

async function runGate(context: CommandContext): Promise<ExitCode> {
  const { flags, say, signal } = context;
  const memberText = requireMemberFlag(flags);
  const target = requireVersion(flags, 'to');
  const options = readGatherOptions(flags, target, OBSERVE_MS);
  const deadlineMs = performance.now() + readDurationMs(flags, 'wait', 0);
  await findEarly(context, memberText);
  for (;;) {
    const facts = await gatherFacts(context, options);
    const subject = findMember(facts.view, memberText);
    const gateFacts: GateFacts = { ...facts, subject };
    const mode = gateMode(gateFacts);
    const items = applyRules(mode === 'stop' ? STOP_RULES : BACK_RULES, gateFacts);
    const exit = exitOfItems(items);
    if (isFinal(exit, deadlineMs)) {
      context.print(describeItems(headingOf(gateFacts, mode), items));
      return exit;
    }
    say(`not yet: ${openItems(items).join(', ')}`);
    await delay(RETRY_MS, undefined, { signal });
  }
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

/** Waiting does not mend a member that has diverged. */
function isFinal(exit: ExitCode, deadlineMs: number): boolean {
  return exit === ETCD_EXIT.ok || exit === ETCD_EXIT.diverged || performance.now() >= deadlineMs;
}

function headingOf({ view, subject, target }: GateFacts, mode: 'stop' | 'back'): string {
  const name = nameOf(view, subject);
  return mode === 'stop'
    ? `may ${name} be stopped, to become ${formatVersion(target)}?`
    : `is ${name} back well, with ${formatVersion(target)}?`;
}
