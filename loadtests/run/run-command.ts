// `evenkeel-load run`: one suite against one cluster, and its result as NDJSON.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { binaryPath, missingBinaries } from '../../tools/binaries.ts';
import { COMPONENTS } from '../../tools/components.ts';
import type { ClusterAccess } from '../kubeconfig.ts';
import { formatResultLine, RESULT_SCHEMA, type ResultLine, type RunLine } from '../result.ts';
import { checkAccess, removeMade, requireOwnCluster } from './cluster.ts';
import { expectedIterations } from './expected.ts';
import { type K6Outcome, runK6 } from './k6.ts';
import { parseRun, RUN_HELP, type RunArguments } from './run-arguments.ts';
import { Samples } from './samples.ts';
import { suiteHash, suiteScript } from './suite.ts';
import { assessRun } from './validity.ts';

const PROGRESS_MS = 5000;
const REDRAW_MS = 1000;

export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; write(text: string): unknown };
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
  const script = suiteScript(run.suite);
  if (missingBinaries(['k6']).length > 0) {
    throw new CommandError('k6 is not built in .tools/bin: run `npm run tools`');
  }
  requireOwnCluster(run.access, run.owned);
  const version = await checkAccess(run.access);
  const startedAtMs = Date.now();
  const samples = new Samples(startedAtMs);
  const runId = `${startedAtMs.toString(36)}${randomBytes(2).toString('hex')}`;
  const stopProgress = showProgress(run.suite, samples, output.stderr);
  let outcome: K6Outcome;
  try {
    outcome = await startLoad(run, { script, runId, samples, signal });
  } finally {
    stopProgress();
    // The suite's own teardown has gone before, unless it or k6 was killed.
    await removeMade(run.access, runId);
  }
  if (signal.aborted) {
    throw new CommandError(`stopped by ${signal.reason}; what the run had made is removed`, {
      exitCode: EXIT_CODE.failure,
    });
  }
  if (samples.iterations === 0) {
    throw new CommandError(`k6 sent nothing: ${outcome.complaint}`, {
      exitCode: EXIT_CODE.failure,
    });
  }
  const { environment } = describeRun(version);
  const first: RunLine = {
    type: 'run',
    schema: RESULT_SCHEMA,
    suite: run.suite,
    profile: run.profileName,
    nodes: run.nodes,
    seed: run.seed,
    suiteHash: suiteHash(script),
    target: run.target,
    startedAt: new Date(startedAtMs).toISOString(),
    environment,
  };
  const expected = await expectedIterations(
    binaryPath('k6'),
    script,
    scriptEnvironment(run, runId),
  );
  const validity = assessRun(samples, outcome, expected);
  const lines: ResultLine[] = [
    first,
    { type: 'phase', name: 'setup', atMs: 0 },
    { type: 'phase', name: 'measure', atMs: samples.measureFromMs ?? 0 },
    ...samples.windows(),
    ...samples.distributions(),
    ...samples.metrics(),
    { type: 'end', tookMs: Date.now() - startedAtMs, validity },
  ];
  const text = lines.map(formatResultLine).join('');
  if (run.output === undefined) output.stdout.write(text);
  else await writeFile(run.output, text);
  for (const problem of validity.problems) output.stderr.write(`does not count: ${problem}\n`);
  return validity.problems.length === 0 ? EXIT_CODE.ok : EXIT_CODE.checkFailed;
}

/** What the script is told, besides certificates, which are files. */
function scriptEnvironment(run: RunArguments, runId: string): Record<string, string> {
  return {
    LOAD_SERVER: run.access.server,
    LOAD_RUN_ID: runId,
    LOAD_NODES: String(run.nodes),
    LOAD_WARMUP_SECONDS: String(run.profile.warmupSeconds),
    LOAD_MEASURE_SECONDS: String(run.profile.measureSeconds),
    ...(run.access.token === undefined ? {} : { LOAD_TOKEN: run.access.token }),
  };
}

async function startLoad(
  run: RunArguments,
  at: { script: string; runId: string; samples: Samples; signal: AbortSignal },
): Promise<K6Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-load-'));
  try {
    return await runK6({
      command: binaryPath('k6'),
      script: at.script,
      environment: {
        ...scriptEnvironment(run, at.runId),
        ...(await writeCredentials(directory, run.access)),
      },
      signal: at.signal,
      onSample: (line) => at.samples.take(line),
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeCredentials(
  directory: string,
  { caPem, certificate }: ClusterAccess,
): Promise<Record<string, string>> {
  const write = async (name: string, pem: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, pem, { mode: 0o600 });
    return path;
  };
  return {
    HOME: directory,
    ...(caPem === undefined ? {} : { SSL_CERT_FILE: await write('ca.pem', caPem) }),
    ...(certificate === undefined
      ? {}
      : {
          LOAD_CERTIFICATE: await write('client.pem', certificate.certPem),
          LOAD_KEY: await write('client-key.pem', certificate.keyPem),
        }),
  };
}

function describeRun(server: string): Pick<RunLine, 'environment'> {
  const [processor] = cpus();
  const k6 = COMPONENTS.find(({ name }) => name === 'k6')?.version ?? 'unknown';
  return {
    environment: {
      versions: { 'kube-apiserver': server, k6, node: process.version },
      flags: {},
      cores: cpus().length,
      cpu: processor?.model ?? 'unknown',
      memoryMib: Math.round(totalmem() / 1024 ** 2),
      kernel: release(),
    },
  };
}

function showProgress(
  suite: string,
  samples: Samples,
  stderr: CommandOutput['stderr'],
): () => void {
  const startedAtMs = Date.now();
  let before = { requests: 0, atMs: startedAtMs };
  const timer = setInterval(
    () => {
      const atMs = Date.now();
      const { requests } = samples;
      const rate = ((requests - before.requests) * 1000) / (atMs - before.atMs);
      before = { requests, atMs };
      const took = Math.round((atMs - startedAtMs) / 1000);
      const figures = `${rate.toFixed(1)} requests/s, p99 ${samples.p99Ms().toFixed(1)} ms`;
      const line = `${suite}: ${took} s, ${figures}, ${samples.failed} errors`;
      stderr.write(stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    },
    stderr.isTTY ? REDRAW_MS : PROGRESS_MS,
  );
  return () => {
    clearInterval(timer);
    if (stderr.isTTY) stderr.write('\r\x1b[K');
  };
}
