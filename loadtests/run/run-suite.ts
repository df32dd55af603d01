// One run of one suite against one cluster, from the first request to the lines of its result.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE } from '../../common/exit-code.ts';
import { binaryPath, missingBinaries } from '../../tools/binaries.ts';
import type { ClusterAccess } from '../kubeconfig.ts';
import type { ScrapeTarget, Site, SiteDescription } from '../local/site.ts';
import { RESULT_SCHEMA, type ResultLine, type RunLine, type Validity } from '../result.ts';
import { fetchMetrics } from '../scrape/fetch-metrics.ts';
import { judgeObjectives } from '../scrape/objectives.ts';
import { Scraper } from '../scrape/scraper.ts';
import { serverMetrics, serverWindows } from '../scrape/server-metrics.ts';
import { checkAccess, removeMade } from './cluster.ts';
import { writeCredentials } from './credentials.ts';
import { describeEnvironment } from './environment.ts';
import { ETCD_SUITE, removeKeys } from './etcd-keys.ts';
import { expectedIterations } from './expected.ts';
import { type K6Outcome, runK6 } from './k6.ts';
import { MeasuredPhase } from './measured-phase.ts';
import type { PlannedFault } from './planned-fault.ts';
import type { Profile } from './profile.ts';
import { type Progress, showProgress, type Terminal } from './progress.ts';
import { Samples } from './samples.ts';
import { suiteHash, suiteScript } from './suite.ts';
import { joinValidity } from './swarm-lines.ts';
import { swarmSpecs } from './swarm-plans.ts';
import { type SwarmOutcome, SwarmRuns } from './swarm-runs.ts';
import { assessRun } from './validity.ts';

// Longer than kube-apiservers stand still when etcd has lost its leader (7 s were seen): a run in which
// requests were dropped does not count, and one with a fault is about what happens to them.
const STALL_SECONDS = 15;

export interface RunPlan {
  readonly suite: string;
  readonly profileName: string;
  readonly profile: Profile;
  /** With the profile's factor. */
  readonly nodes: number;
  readonly seed: number;
  readonly faults: readonly PlannedFault[];
}

export interface RunTarget {
  readonly access: ClusterAccess;
  /** For the result: a version, the name of a kubeconfig. */
  readonly name: string;
  /** Undefined for a cluster that is only an address. */
  readonly site: Site | undefined;
  /** Where figures are read, for want of a site; the address itself when there are none. */
  readonly scrape: readonly ScrapeTarget[];
  /** Its client URLs, for want of a site; empty where no suite is to reach it. */
  readonly etcd: readonly string[];
}

export interface RunOutcome {
  readonly lines: readonly ResultLine[];
  readonly validity: Validity;
}

/** A CommandError where k6 is missing or the suite is not known: before anything is started. */
export function checkRunnable({ suite }: Pick<RunPlan, 'suite'>): void {
  suiteScript(suite);
  if (missingBinaries(['k6']).length > 0) {
    throw new CommandError('k6 is not built in .tools/bin: run `npm run tools`');
  }
}

export async function runSuite(
  plan: RunPlan,
  target: RunTarget,
  { signal, stderr }: { readonly signal: AbortSignal; readonly stderr: Terminal },
): Promise<RunOutcome> {
  checkRunnable(plan);
  const version = await checkAccess(target.access);
  const site = await describeSite(target);
  const etcdUrls = requireEtcd(plan.suite, site.etcdUrls);
  const startedAtMs = Date.now();
  const nowMs = (): number => Date.now() - startedAtMs;
  const samples = new Samples(startedAtMs);
  const runId = `${startedAtMs.toString(36)}${randomBytes(2).toString('hex')}`;
  const { warmupSeconds, measureSeconds } = plan.profile;
  const expectedMs = 1000 * (warmupSeconds + measureSeconds);
  const swarm = new SwarmRuns();
  const figures = { samples, watchP99Ms: () => swarm.p99Ms() };
  const progress = showProgress(plan.suite, figures, expectedMs, stderr);
  const scraper = new Scraper({
    targets: site.targets,
    read: (url) => fetchMetrics(url, target.access),
  });
  const phase = new MeasuredPhase({
    scraper,
    faults: plan.faults,
    site: target.site,
    samples,
    measureSeconds,
    nowMs,
    signal,
    say: progress.say,
  });
  const environment = {
    ...scriptEnvironment(plan, target.access, runId),
    ...etcdEnvironment(site.etcdUrls),
  };
  const parts = { target, etcdUrls, samples, phase, progress, runId, signal, plan, swarm, nowMs };
  const { outcome, measured, watched } = await load(suiteScript(plan.suite), environment, parts);
  const offered = await expectedIterations(binaryPath('k6'), suiteScript(plan.suite), environment);
  const assessed = assessRun(samples, outcome, offered);
  const validity = joinValidity(
    { ...assessed, problems: [...assessed.problems, ...measured.problems, ...watched.problems] },
    watched.validities,
  );
  for (const trouble of scraper.troubles) stderr.write(`${trouble}\n`);
  const versions = { 'kube-apiserver': version, etcd: scraper.etcdVersion };
  const latencies = samples.latencies();
  const series = [...latencies.keys()];
  const lines: ResultLine[] = [
    describeRun(plan, target, startedAtMs, describeEnvironment(versions, site.flags)),
    { type: 'phase', name: 'setup', atMs: 0 },
    { type: 'phase', name: 'measure', atMs: samples.measureFromMs ?? 0 },
    ...measured.faults,
    ...samples.windows(),
    ...serverWindows(scraper.stretches, series),
    ...samples.distributions(),
    ...samples.metrics(),
    ...watched.lines,
    ...serverMetrics(scraper, { requests: measured.requests, series }),
    ...judgeObjectives(latencies, scraper.grown('kube-apiserver')),
    { type: 'end', tookMs: Date.now() - startedAtMs, validity },
  ];
  return { lines, validity };
}

async function describeSite({ access, site, scrape, etcd }: RunTarget): Promise<SiteDescription> {
  if (site !== undefined) return await site.describe();
  const itself: ScrapeTarget = {
    component: 'kube-apiserver',
    instance: 'kube-apiserver',
    url: `${access.server}/metrics`,
  };
  return { targets: scrape.length > 0 ? scrape : [itself], flags: {}, etcdUrls: etcd };
}

/** Of a suite that calls etcd itself; none for the others, which leave no keys of their own. */
function requireEtcd(suite: string, urls: readonly string[]): readonly string[] {
  if (suite !== ETCD_SUITE) return [];
  if (urls.length > 0) return urls;
  throw new CommandError(`${suite}: where is etcd? Give --etcd URL,... or --local`);
}

interface LoadParts {
  readonly target: RunTarget;
  readonly etcdUrls: readonly string[];
  readonly samples: Samples;
  readonly phase: MeasuredPhase;
  readonly progress: Progress;
  readonly runId: string;
  readonly plan: RunPlan;
  readonly swarm: SwarmRuns;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

interface Loaded {
  readonly outcome: K6Outcome;
  readonly measured: Awaited<ReturnType<MeasuredPhase['end']>>;
  readonly watched: SwarmOutcome;
}

/** k6 and the swarm from their start until nothing of the run is left on the cluster. */
async function load(
  script: string,
  environment: Readonly<Record<string, string>>,
  { target, etcdUrls, samples, phase, progress, runId, signal, plan, swarm, nowMs }: LoadParts,
): Promise<Loaded> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-load-'));
  try {
    const { measureSeconds } = plan.profile;
    const swarmParts = { access: target.access, directory, measureSeconds, nowMs };
    await swarm.start(swarmSpecs(plan.suite, plan.nodes), swarmParts, signal);
    const outcome = await runK6({
      command: binaryPath('k6'),
      script,
      environment: { ...environment, ...(await writeCredentials(directory, target.access)) },
      signal,
      onSample: (line) => {
        samples.take(line);
        if (samples.measureFromMs === undefined) return;
        phase.begin();
        swarm.measure();
      },
    });
    const measured = await phase.end();
    requireLoad(samples, outcome, signal);
    return { outcome, measured, watched: await swarm.end() };
  } finally {
    progress.stop();
    await phase.end();
    // All of it has ended by itself, unless something has failed.
    swarm.stop();
    await swarm.end();
    // The suite's own teardown has gone before, unless it or k6 was killed.
    await removeMade(target.access, runId);
    await removeKeys(etcdUrls, runId);
    await rm(directory, { recursive: true, force: true });
  }
}

function requireLoad(samples: Samples, { complaint }: K6Outcome, signal: AbortSignal): void {
  const exitCode = EXIT_CODE.failure;
  if (signal.aborted) {
    throw new CommandError(`stopped by ${signal.reason}; what the run had made is removed`, {
      exitCode,
    });
  }
  if (samples.iterations === 0)
    throw new CommandError(`k6 sent nothing: ${complaint}`, { exitCode });
}

/** What the script is told, besides certificates, which are files. */
function scriptEnvironment(
  { nodes, profile, faults }: RunPlan,
  { server, token }: ClusterAccess,
  runId: string,
): Record<string, string> {
  return {
    LOAD_SERVER: server,
    LOAD_RUN_ID: runId,
    LOAD_NODES: String(nodes),
    LOAD_WARMUP_SECONDS: String(profile.warmupSeconds),
    LOAD_MEASURE_SECONDS: String(profile.measureSeconds),
    ...(faults.length === 0 ? {} : { LOAD_STALL_SECONDS: String(STALL_SECONDS) }),
    ...(token === undefined ? {} : { LOAD_TOKEN: token }),
  };
}

/** `host:port`, as gRPC dials: for suites that go past the apiserver. */
function etcdEnvironment(urls: readonly string[]): Record<string, string> {
  if (urls.length === 0) return {};
  return { LOAD_ETCD: urls.map((url) => new URL(url).host).join(',') };
}

function describeRun(
  { suite, profileName, nodes, seed }: RunPlan,
  { name }: RunTarget,
  startedAtMs: number,
  environment: RunLine['environment'],
): RunLine {
  return {
    type: 'run',
    schema: RESULT_SCHEMA,
    suite,
    profile: profileName,
    nodes,
    seed,
    suiteHash: suiteHash(suiteScript(suite)),
    target: name,
    startedAt: new Date(startedAtMs).toISOString(),
    environment,
  };
}
