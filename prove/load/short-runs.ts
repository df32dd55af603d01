// Every suite of evenkeel-load as its users start it, short, on a control plane of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingBinaries, ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { runProgram } from '../../tools/run-program.ts';
import { holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';

const PROGRAM = 'loadtests/main.ts';
const FLOOR = '0 errors, 0 dropped, rate within 1 %';
const QUICK_SECONDS = '6';

/** What of a result's lines is looked at. */
interface Line {
  readonly type: string;
  readonly name?: string;
  readonly value?: number;
  readonly observations?: number;
  readonly validity?: {
    readonly droppedIterations: number;
    readonly offeredRatio: number;
    readonly problems: readonly string[];
  };
}

export async function measureShortRuns(context: ScenarioContext): Promise<Row[]> {
  const { part } = context.options;
  const suites = readdirSync(join(ROOT_DIRECTORY, 'loadtests/suites'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .filter((suite) => part === undefined || suite === part)
    .sort();
  const missing = missingBinaries(['k6', 'etcd', 'kube-apiserver']);
  if (missing.length > 0) {
    const reason = `no ${missing.join(', ')} in .tools/bin`;
    return suites.map((suite) => notRun(suite, FLOOR, reason));
  }
  const rows: Row[] = [];
  for (const suite of suites) rows.push(await measureSuite(suite, context));
  return rows;
}

async function measureSuite(
  suite: string,
  { directory, signal, say, options }: ScenarioContext,
): Promise<Row> {
  say(suite);
  const file = join(directory, `${suite}.ndjson`);
  const { exitCode, lines } = await runProgram({
    // Through env, because what is killed leaves its temporary folder in there, for us to remove.
    command: 'env',
    args: [
      ...[`TMPDIR=${directory}`, process.execPath, PROGRAM],
      ...['run', suite, '--local', '--replicas', '3', '--door', '-o', file],
      ...(options.quick === true ? ['--warmup', QUICK_SECONDS, '--duration', QUICK_SECONDS] : []),
    ],
    signal,
  });
  signal.throwIfAborted();
  // 3 is a run that does not count: the figures say more than the code.
  if (exitCode !== 0 && exitCode !== 3) {
    return holds(suite, FLOOR, lines.at(-1) ?? 'it said nothing', false);
  }
  const result = readFileSync(file, 'utf8').trimEnd().split('\n');
  return rowOf(
    suite,
    result.map((line) => JSON.parse(line) as Line),
  );
}

function rowOf(suite: string, lines: readonly Line[]): Row {
  const validity = lines.find(({ type }) => type === 'end')?.validity;
  if (validity === undefined) return holds(suite, FLOOR, 'the result has no end', false);
  const { droppedIterations: dropped, offeredRatio, problems } = validity;
  const [count, errors] = lines
    .filter(({ type, name = '' }) => type === 'metric' && name.startsWith('errors{'))
    .reduce(
      ([sum, failed], { value = 0, observations = 0 }) => [
        sum + observations,
        failed + Math.round(value * observations),
      ],
      [0, 0],
    );
  const rate = `${(100 * offeredRatio).toFixed(1)} % of the rate`;
  const figures = [`${errors} errors of ${count}`, `${dropped} dropped`, rate, ...problems];
  // Problems come of the same limits, one iteration at the edge of a short run allowed for.
  const good = count > 0 && errors === 0 && dropped === 0 && problems.length === 0;
  return holds(suite, FLOOR, figures.join(', '), good);
}
