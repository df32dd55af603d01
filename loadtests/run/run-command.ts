// `evenkeel-load run`: one suite against one cluster, and its result as NDJSON.
import { writeFile } from 'node:fs/promises';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { readKubeconfig } from '../kubeconfig.ts';
import { startLocalCluster } from '../local/local-cluster.ts';
import { formatResultLine } from '../result.ts';
import { requireOwnCluster } from './cluster.ts';
import type { Terminal } from './progress.ts';
import { parseRun, RUN_HELP, type RunArguments } from './run-arguments.ts';
import { checkRunnable, type RunOutcome, runSuite } from './run-suite.ts';

export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: Terminal;
}

export async function runRunCommand(
  argv: readonly string[],
  signal: AbortSignal,
  output: CommandOutput = process,
): Promise<ExitCode> {
  const run = parseRun(argv);
  if (run === 'help') {
    output.stdout.write(RUN_HELP);
    return EXIT_CODE.ok;
  }
  checkRunnable(run.plan);
  const { lines, validity } = await runWhere(run, signal, output.stderr);
  const text = lines.map(formatResultLine).join('');
  if (run.output === undefined) output.stdout.write(text);
  else await writeFile(run.output, text);
  for (const problem of validity.problems) output.stderr.write(`does not count: ${problem}\n`);
  return validity.problems.length === 0 ? EXIT_CODE.ok : EXIT_CODE.checkFailed;
}

async function runWhere(
  { plan, on }: RunArguments,
  signal: AbortSignal,
  stderr: Terminal,
): Promise<RunOutcome> {
  const context = { signal, stderr };
  if ('access' in on) {
    requireOwnCluster(on.access, on.owned);
    return await runSuite(plan, on, context);
  }
  const log = (line: string): void => void stderr.write(`${line}\n`);
  const site = await startLocalCluster({ ...on.local, signal, log });
  try {
    const access = readKubeconfig(site.kubeconfig);
    return await runSuite(plan, { access, name: on.name, site, scrape: [], etcd: [] }, context);
  } finally {
    await site.stop();
  }
}
