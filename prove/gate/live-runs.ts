// The gate as its users call it, over real runs: a verb that has become slower, nothing that has
// changed, and a generator that gets no processor.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingBinaries, ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { holds, measured, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { regressedIn, runGate, runLoad } from './evenkeel-load.ts';
import { type LiveArm, type LiveSite, startLiveSite } from './live-site.ts';
import { throttleK6 } from './throttle.ts';

/** Three verbs on one resource: POST and DELETE are the ones that must not be called slower. */
const SUITE = 'endpoints-churn';
const SLOWED = { method: 'PUT', series: 'PUT endpointslices resource' } as const;
const SLOWER_BY = 0.2;
const LOAD = ['--nodes', '200', '--warmup', '2', '--duration', '8'];
/** With fewer than 7 no p of so many metrics can be below 0.05 after Holm's correction. */
const PAIRS = 8;
/** Twice as many, so that arms can be drawn from them. */
const RECORDED_PAIRS = 2 * PAIRS;
const RECORDED = 'loadtests/gate/recorded-runs.json';
const EXIT_REGRESSION = 1;
const EXIT_INVALID = 3;

export async function measureLiveGate(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['k6', 'etcd', 'kube-apiserver']);
  if (missing.length > 0) {
    return [notRun('the gate over real runs', 'all of it', `no ${missing.join(', ')}`)];
  }
  const site = await startLiveSite(context);
  return [await judgeStarved(context, site), ...(await judgeSlowed(context, site))];
}

async function judgeSlowed(context: ScenarioContext, site: LiveSite): Promise<Row[]> {
  const baseMs = await measureBase(context, site.baseline);
  const extraMs = SLOWER_BY * baseMs;
  context.say(
    `${SLOWED.method} takes ${baseMs.toFixed(1)} ms, the candidate's ${extraMs.toFixed(1)} ms more`,
  );
  site.candidate.extraMs.set(SLOWED.method, extraMs);
  const { exitCode, verdict } = await runGate(context, liveArms(site, PAIRS));
  const regressed = regressedIn(verdict);
  const right = regressed.filter((name) => name.endsWith(`{${SLOWED.series}}`));
  const wrong = regressed.filter((name) => !right.includes(name));
  return [
    measured({ what: `p50 of ${SLOWED.series}`, value: baseMs, unit: 'ms' }),
    holds(
      '+20 % on PUT at the door, live',
      'exit 1',
      `exit ${exitCode}: ${verdict.sentence}`,
      exitCode === EXIT_REGRESSION,
    ),
    holds('where it is found', 'PUT', right.join(', ') || 'nowhere', right.length > 0),
    holds('where else', 'nowhere', wrong.join(', ') || 'nowhere', wrong.length === 0),
  ];
}

/**
 * Real runs for the comparisons that would take hours: as they are, and with the verb slower by a
 * fifth. Written over those that are kept, with `npm run prove -- gate --part record`.
 */
export async function recordRuns(context: ScenarioContext): Promise<Row[]> {
  const site = await startLiveSite(context);
  const baseMs = await measureBase(context, site.baseline);
  site.candidate.extraMs.set(SLOWED.method, SLOWER_BY * baseMs);
  const keep = join(context.directory, 'kept');
  await runGate(context, [...liveArms(site, RECORDED_PAIRS), '--keep', keep]);
  const file = join(ROOT_DIRECTORY, RECORDED);
  const arms = ['baseline', 'candidate'].map((arm) =>
    readdirSync(keep)
      .sort()
      .filter((name) => name.endsWith(`-${arm}.ndjson`))
      .map((name) => metricsOf(join(keep, name))),
  );
  writeFileSync(file, formatRecording(arms));
  const runs = arms.flat().length;
  return [holds('runs recorded', `${2 * RECORDED_PAIRS}`, `${runs}`, runs === 2 * RECORDED_PAIRS)];
}

type Metric = Readonly<Record<string, unknown>> & { readonly name: string; readonly value: number };

function metricsOf(file: string): Metric[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Metric & { readonly type: string })
    .filter(({ type }) => type === 'metric');
}

/** A line for each metric: what it is, and its value in each run of both arms. */
function formatRecording(arms: readonly (readonly (readonly Metric[])[])[]): string {
  const metrics = new Map(arms.flat(2).map((metric) => [metric.name, metric]));
  const lines = [...metrics.values()].map(({ name, unit, better, critical }) => {
    const [baseline, candidate] = arms.map((runs) =>
      runs.map((run) => {
        const value = run.find((metric) => metric.name === name)?.value;
        return value === undefined ? null : Number(value.toPrecision(5));
      }),
    );
    // The fewest of all runs: it is by these that the gate leaves a metric out.
    const counts = arms.flat(2).filter((metric) => metric.name === name);
    const fewest = Math.min(...counts.map(({ observations }) => Number(observations ?? Infinity)));
    const observations = Number.isFinite(fewest) ? fewest : undefined;
    return JSON.stringify({ name, unit, better, critical, observations, baseline, candidate });
  });
  return `[\n${lines.join(',\n')}\n]\n`;
}

async function judgeStarved(context: ScenarioContext, site: LiveSite): Promise<Row> {
  const done = new AbortController();
  const throttled = throttleK6(AbortSignal.any([done.signal, context.signal]));
  try {
    const { exitCode, verdict } = await runGate(context, liveArms(site, 1));
    return holds(
      'k6 with a sixth of a processor, live',
      'exit 3',
      `exit ${exitCode}: ${verdict.sentence}`,
      exitCode === EXIT_INVALID && verdict.metrics.length === 0,
    );
  } finally {
    done.abort();
    await throttled;
  }
}

/** The median of the verb that is to become slower, of one run. */
async function measureBase(context: ScenarioContext, { kubeconfig }: LiveArm): Promise<number> {
  context.say('how long requests take as they are');
  const file = join(context.directory, 'base.ndjson');
  const args = ['run', SUITE, '--kubeconfig', kubeconfig, ...LOAD, '-o', file];
  const { exitCode, lines } = await runLoad(context, args);
  if (exitCode !== 0) throw new Error(`evenkeel-load run ended with ${exitCode}: ${lines.at(-1)}`);
  const name = `latency_p50{${SLOWED.series}}`;
  const [line] = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as { readonly name?: string; readonly value?: number })
    .filter((fact) => fact.name === name);
  if (line?.value === undefined) throw new Error(`evenkeel-load run measured no ${name}`);
  return line.value;
}

function liveArms({ baseline, candidate }: LiveSite, pairs: number): string[] {
  const arms = [baseline, candidate].map(({ kubeconfig }) => kubeconfig).join(',');
  return ['--suite', SUITE, '--kubeconfigs', arms, '--pairs', String(pairs), ...LOAD];
}
