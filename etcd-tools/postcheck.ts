// `postcheck`: is the upgrade complete, and did nothing get lost?
import type { ExitCode } from '../common/exit-code.ts';
import { applyRules, describeItems, exitOfItems } from './check-item.ts';
import { CHECK_OPTIONS, readGatherOptions, WAIT_OPTION } from './check-options.ts';
import type { Command, CommandContext } from './command.ts';
import { readCount, readDurationMs, requireVersion } from './flag-values.ts';
import { countData, gatherFacts } from './gather-facts.ts';
import { POSTCHECK_RULES } from './postcheck-rules.ts';
import { untilPassed } from './until-passed.ts';
import { formatVersion } from './version.ts';

const OBSERVE_MS = 5000;

export const postcheck: Command = {
  name: 'postcheck',
  summary: 'is the upgrade complete, and is everything still there?',
  example: 'postcheck --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --to 3.6.14 --hash',
  options: [
    ...CHECK_OPTIONS,
    WAIT_OPTION,
    { name: 'min-revision', value: 'N', help: 'the revision that preflight has told' },
    { name: 'min-keys', value: 'N', help: 'the number of keys that preflight has told' },
  ],
  run: runPostcheck,
};

async function runPostcheck(context: CommandContext): Promise<ExitCode> {
  const { flags, print } = context;
  const target = requireVersion(flags, 'to');
  const options = readGatherOptions(flags, target, OBSERVE_MS);
  const before = { revision: readCount(flags, 'min-revision'), keys: readCount(flags, 'min-keys') };
  const waitMs = readDurationMs(flags, WAIT_OPTION.name, 0);
  const { items, numbers } = await untilPassed(waitMs, context, async () => {
    const facts = await gatherFacts(context, options);
    const found = await countData(facts);
    const all = { ...facts, revision: found.revision, keys: found.keys ?? undefined, before };
    return { items: applyRules(POSTCHECK_RULES, all), numbers: found };
  });
  print(describeItems(`postcheck of ${formatVersion(target)}`, items, numbers));
  return exitOfItems(items);
}
