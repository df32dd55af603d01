// `evenkeel-load manifest`: a suite for machines that are not this one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { binaryPath } from '../../tools/binaries.ts';
import { type Expected, expectedIterations } from '../run/expected.ts';
import { LOAD_FLAGS, LOAD_HELP, parsePlan } from '../run/run-arguments.ts';
import { checkRunnable } from '../run/run-suite.ts';
import { suiteHash, suiteScript } from '../run/suite.ts';
import { type Bundle, bundleSuite } from './bundle.ts';
import { makeManifest } from './manifest.ts';

const IMAGE = 'grafana/k6:1.8.1';
const MOST_RUNNERS = 1000;

export const MANIFEST_HELP = `Writes what the k6-operator runs one suite with, on P machines: for kubectl apply.

  evenkeel-load manifest SUITE --parallelism P

  --parallelism P         runners, which share the rates of N nodes between them
  --namespace NAME        of the runners (default)
  --image NAME            of k6 (${IMAGE})
  -o, --output FILE       where to (standard output)

${LOAD_HELP}

Each runner makes the suite's standing objects for itself: there are P times as many of them.
Objects are made in the cluster that the runners are in, which must be nobody else's.

Example: evenkeel-load manifest spark-apps --parallelism 4 --nodes 5000 -o spark.json
         kubectl apply -f spark.json
         kubectl logs -f job/load-spark-apps-1 > 1.json    (and 2, 3, 4)
         evenkeel-load merge --manifest spark.json [1-4].json -o spark.ndjson
         kubectl delete -f spark.json

Exit codes: 0 written; 1 failed; 2 called wrongly.
`;

const FLAGS = {
  ...LOAD_FLAGS,
  parallelism: { type: 'string' },
  namespace: { type: 'string' },
  image: { type: 'string' },
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean', short: 'h' },
  debug: { type: 'boolean' },
} as const;

export async function runManifestCommand(
  argv: readonly string[],
  signal: AbortSignal,
  stdout: { write(text: string): unknown } = process.stdout,
): Promise<ExitCode> {
  const { values, positionals } = parseFlags(argv);
  if (values.help === true) {
    stdout.write(MANIFEST_HELP);
    return EXIT_CODE.ok;
  }
  const [suite, extra] = positionals;
  if (suite === undefined || extra !== undefined) {
    throw new CommandError('manifest: expected one SUITE (see evenkeel-load manifest --help)');
  }
  const plan = parsePlan(suite, values);
  const parallelism = parseParallelism(values.parallelism);
  checkRunnable(plan);
  if (suite === 'etcd-direct') {
    throw new CommandError('etcd-direct: a pod has no way to etcd; run it beside the members');
  }
  const bundle = bundleSuite(suiteScript(suite));
  const environment = {
    LOAD_NODES: String(plan.nodes),
    LOAD_WARMUP_SECONDS: String(plan.profile.warmupSeconds),
    LOAD_MEASURE_SECONDS: String(plan.profile.measureSeconds),
  };
  const expected = await inspectBundle(bundle, environment);
  signal.throwIfAborted();
  const manifest = makeManifest({
    plan: {
      suite,
      profile: plan.profileName,
      nodes: plan.nodes,
      seed: plan.seed,
      suiteHash: suiteHash(suiteScript(suite)),
      parallelism,
      image: values.image ?? IMAGE,
      expectedIterations: expected.iterations,
      ends: expected.ends * parallelism,
    },
    bundle,
    namespace: values.namespace ?? 'default',
    environment,
  });
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  if (values.output === undefined) stdout.write(text);
  else await writeFile(values.output, text);
  return EXIT_CODE.ok;
}

/** k6 reads what the pods will read: an import that is left out is found here, and not there. */
async function inspectBundle(
  { entry, files }: Bundle,
  environment: Readonly<Record<string, string>>,
): Promise<Expected> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-load-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const env = { ...environment, LOAD_SERVER: 'https://127.0.0.1', LOAD_RUN_ID: 'inspect' };
    return await expectedIterations(binaryPath('k6'), join(directory, entry), env);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function parseParallelism(text: string | undefined): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= MOST_RUNNERS) return number;
  const got = text === undefined ? 'nothing' : `"${text}"`;
  throw new CommandError(
    `--parallelism: expected a whole number from 1 to ${MOST_RUNNERS}, got ${got}`,
  );
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options: FLAGS });
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}
