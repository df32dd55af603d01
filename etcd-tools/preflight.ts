// `preflight`: may an upgrade, or the way back, begin?
import type { ExitCode } from '../common/exit-code.ts';
import { applyRules, describeItems, exitOfItems } from './check-item.ts';
import { CHECK_OPTIONS, readGatherOptions } from './check-options.ts';
import { CLUSTER_RULES } from './cluster-rules.ts';
import type { Command, CommandContext } from './command.ts';
import { requireVersion } from './flag-values.ts';
import { countData, gatherFacts } from './gather-facts.ts';
import { HOST_RULES } from './host-rules.ts';
import { formatVersion } from './version.ts';
import { VERSION_RULES } from './version-rules.ts';

const OBSERVE_MS = 30_000;

export const preflight: Command = {
  name: 'preflight',
  summary: 'may the upgrade to a version, or the way back, begin?',
  example:
    'preflight --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379,http://10.0.0.3:2379 --to 3.6.14',
  options: [
    ...CHECK_OPTIONS,
    { name: 'snapshot', value: 'FILE', help: 'what `snapshot` has saved; it is read and verified' },
  ],
  run: runPreflight,
};

async function runPreflight(context: CommandContext): Promise<ExitCode> {
  const target = requireVersion(context.flags, 'to');
  const options = readGatherOptions(context.flags, target, OBSERVE_MS);
  const facts = await gatherFacts(context, options);
  const items = applyRules([...CLUSTER_RULES, ...VERSION_RULES, ...HOST_RULES], facts);
  const numbers = await countData(facts);
  const heading = `preflight to ${formatVersion(target)}`;
  context.print(describeItems(heading, items, numbers));
  return exitOfItems(items);
}
