import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Arms, NamedRun } from '../../../loadtests/gate/arms.ts';
import { runTrials, SLOWED_METRIC } from '../../../loadtests/gate/self-test.ts';
import { syntheticArms } from '../../../loadtests/gate/synthetic-arms.ts';
import { type GateVerdict, judge } from '../../../loadtests/gate/verdict.ts';
import type { MetricLine, ObjectiveLine, RunResult } from '../../../loadtests/result.ts';
import { addMetric, withRuns, withValidity } from './support/sample-arms.ts';

const SAME = syntheticArms({ seed: 1, pairs: 10 });
const OBJECTIVE: ObjectiveLine = {
  type: 'objective',
  name: 'GET pods resource: p99 at most 1 s',
  limit: 1000,
  value: 400,
  unit: 'ms',
  met: true,
};

function changeCandidate(change: (result: RunResult, index: number) => RunResult): Arms {
  return { ...SAME, candidate: withRuns(SAME.candidate, change) };
}

/** A metric with these values, run by run, beside those that are the same. */
function withMetric(
  line: Omit<MetricLine, 'type' | 'value'>,
  before: readonly number[],
  after: readonly number[],
): Arms {
  const add = (runs: readonly NamedRun[], values: readonly number[]): NamedRun[] =>
    withRuns(runs, (result, index) => addMetric(result, { ...line, value: values[index] ?? 0 }));
  return { baseline: add(SAME.baseline, before), candidate: add(SAME.candidate, after) };
}

function findingOf(verdict: GateVerdict, name: string): string | undefined {
  return verdict.metrics.find((metric) => metric.name === name)?.finding;
}

const TEN = Array.from({ length: 10 }, (_, index) => 1 + index / 1000);
const scaled = (factor: number): number[] => TEN.map((value) => value * factor);

test('arms that are the same pass, in order and without a warning', () => {
  const verdict = judge(SAME);
  expect(verdict).toMatchObject({ outcome: 'pass', exitCode: 0, warnings: [], share: 1 });
  expect(verdict.order).toBe('ABBAABBAABBAABBAABBA');
  expect(verdict.sentence).toBe('Pass: 6 of 6 metrics are the same or better.');
});

test.each<[string, Arms, string]>([
  ['broke off', changeCandidate((result) => ({ ...result, end: undefined })), 'broke off'],
  [
    'starved generator',
    changeCandidate((result) => withValidity(result, { generatorCpuShare: 0.97 })),
    'candidate-1.ndjson: the generator used 97.0 % of a processor',
  ],
  [
    'loop lag',
    changeCandidate((result, index) =>
      withValidity(result, { loopLagP99Ms: index === 9 ? 10.1 : 1 }),
    ),
    'lagged 10.1 ms',
  ],
  [
    'dropped',
    changeCandidate((result) => withValidity(result, { droppedIterations: 1 })),
    'dropped',
  ],
  ['rate', changeCandidate((result) => withValidity(result, { offeredRatio: 0.98 })), '98.0 %'],
  [
    'own words',
    changeCandidate((result) => withValidity(result, { problems: ['setup failed'] })),
    'candidate-1.ndjson: setup failed',
  ],
  ...(['suite', 'profile', 'nodes', 'seed', 'suiteHash'] as const).map(
    (key): [string, Arms, string] => [
      key,
      changeCandidate((result) => ({ ...result, run: { ...result.run, [key]: 99 } })),
      'differs: ',
    ],
  ),
  [
    'machine',
    changeCandidate((result) => ({
      ...result,
      run: { ...result.run, environment: { ...result.run.environment, cores: 64 } },
    })),
    'machine differs: none, 2 cores, 1 MiB, kernel none in baseline-0.ndjson, none, 64 cores',
  ],
  [
    'unit',
    withMetric({ name: 'm', unit: 's', better: 'lower' }, TEN, TEN).baseline.length > 0
      ? {
          baseline: withMetric({ name: 'm', unit: 's', better: 'lower' }, TEN, TEN).baseline,
          candidate: withMetric({ name: 'm', unit: 'ms', better: 'lower' }, TEN, TEN).candidate,
        }
      : SAME,
    'm is in ms, lower is better, not s',
  ],
])('runs that do not count make no verdict about the candidate: %s', (_, arms, words) => {
  // Far worse, and its objective missed: validity comes first all the same.
  const slower = withRuns(arms.candidate, (result) => ({
    ...addMetric(result, { name: 'slow', unit: '1', better: 'lower', value: 9, critical: true }),
    objectives: [{ ...OBJECTIVE, met: false }],
  }));
  const verdict = judge({ ...arms, candidate: slower });
  expect(verdict).toMatchObject({ outcome: 'invalid', exitCode: 3, metrics: [], objectives: [] });
  expect(verdict.problems.join('\n')).toContain(words);
});

test('one lost event fails alone, however much else is the same', () => {
  const line = { name: 'watch_events_lost', unit: '1', better: 'lower', critical: true } as const;
  const lost = judge(withMetric(line, [], [0, 0, 0, 1]));
  expect(lost).toMatchObject({ outcome: 'regression', exitCode: 1 });
  expect(findingOf(lost, line.name)).toBe('REGRESSED');
  expect(lost.sentence).toBe('Regression: worse than the baseline in watch_events_lost.');
  expect(judge(withMetric(line, [0, 0, 1], []))).toMatchObject({ outcome: 'pass' });
  expect(judge(withMetric(line, [], []))).toMatchObject({ outcome: 'pass' });
});

test.each([
  ['latency beyond the tolerance and the floor', 'ms', 'lower', 100, 1.2, 'REGRESSED'],
  ['latency that is better', 'ms', 'lower', 100, 1 / 1.2, 'IMPROVED'],
  ['latency below the floor', 'ms', 'lower', 4, 2, 'SAME'],
  ['seconds below the floor', 's', 'lower', 0.004, 2, 'SAME'],
  ['latency within the tolerance', 'ms', 'lower', 100, 1.08, 'SAME'],
  ['throughput, which has half the tolerance', '1/s', 'higher', 500, 0.92, 'REGRESSED'],
  ['bytes have no floor', 'bytes', 'lower', 1, 1.2, 'REGRESSED'],
] as const)('%s', (_, unit, better, size, factor, finding) => {
  const line = { name: 'm', unit, better };
  const verdict = judge(withMetric(line, scaled(size), scaled(size * factor)));
  expect(findingOf(verdict, 'm')).toBe(finding);
});

test('processor time has half the tolerance and no floor', () => {
  const line = { name: 'cpu_seconds_per_1000{etcd}', unit: 's', better: 'lower' } as const;
  const verdict = judge(withMetric(line, scaled(0.001), scaled(0.00108)));
  expect(findingOf(verdict, line.name)).toBe('REGRESSED');
});

test('a tenth of the metrics may be worse, unless all must be good', () => {
  const names = Array.from({ length: 14 }, (_, index) => `m${index}`);
  const add = (result: RunResult, index: number, factor: number): RunResult =>
    names.reduce((grown, name, place) => {
      const value = 100 * (TEN[index] ?? 1) * (place === 0 ? factor : 1);
      return addMetric(grown, { name, unit: 'ms', better: 'lower', value });
    }, result);
  const arms: Arms = {
    baseline: withRuns(SAME.baseline, (result, index) => add(result, index, 1)),
    candidate: withRuns(SAME.candidate, (result, index) => add(result, index, 1.5)),
  };
  const lenient = judge(arms);
  expect(lenient).toMatchObject({ outcome: 'pass', share: 19 / 20 });
  expect(lenient.sentence).toContain('worse, within the share that is allowed: m0 (+50.0 %)');
  expect(judge(arms, { ...lenient.limits, minShare: 1 })).toMatchObject({ outcome: 'regression' });
});

test('what was 0 in every run of both arms does not stand for what was measured', () => {
  const zeros = Array.from({ length: 14 }, (_, index) => `never_${index}`);
  const add = (result: RunResult): RunResult =>
    zeros.reduce(
      (grown, name) => addMetric(grown, { name, unit: '1', better: 'lower', value: 0 }),
      result,
    );
  const slower = syntheticArms({ seed: 1, pairs: 10, factors: { [SLOWED_METRIC]: 1.5 } });
  const verdict = judge({
    baseline: withRuns(slower.baseline, add),
    candidate: withRuns(slower.candidate, add),
  });
  // One of six is too many, and one of twenty would not be.
  expect(verdict).toMatchObject({ outcome: 'regression', share: 5 / 6 });
  expect(findingOf(verdict, 'never_3')).toBe('SAME');
  // Nor are they among the metrics that Holm corrects for.
  const alone = judge(slower).metrics.map(({ adjustedP }) => adjustedP);
  expect(verdict.metrics.slice(0, 6).map(({ adjustedP }) => adjustedP)).toEqual(alone);

  const nothing = withRuns(SAME.baseline, (result) => add({ ...result, metrics: [] }));
  expect(judge({ baseline: nothing, candidate: nothing })).toMatchObject({
    outcome: 'inconclusive',
  });
  // What happened in one arm alone is judged, and asked for.
  const often = [3, 0, 5, 3, 0, 4, 2, 0, 3, 6];
  const once = judge(withMetric({ name: 'once', unit: '1', better: 'lower' }, [], often));
  expect([findingOf(once, 'once'), once.share]).toEqual(['INCONCLUSIVE', 6 / 7]);
});

test('a missed objective fails whatever the baseline was', () => {
  const missed = (result: RunResult, index: number): RunResult => ({
    ...result,
    objectives: [index === 3 ? { ...OBJECTIVE, value: 1200, met: false } : OBJECTIVE],
  });
  const verdict = judge({
    baseline: withRuns(SAME.baseline, missed),
    candidate: withRuns(SAME.candidate, missed),
  });
  expect(verdict).toMatchObject({ outcome: 'objectiveFailed', exitCode: 2 });
  expect(verdict.objectives).toMatchObject([{ worst: 1200, missedRuns: 1, baselineMissedRuns: 1 }]);
  const before = judge({ ...SAME, baseline: withRuns(SAME.baseline, missed) });
  expect(before).toMatchObject({ outcome: 'pass' });
});

test('what is not told is not passed: more runs are asked for, as many as would tell', () => {
  const wild = syntheticArms({ seed: 3, pairs: 5, spread: 0.25 });
  const verdict = judge(wild);
  expect(verdict).toMatchObject({ outcome: 'inconclusive', exitCode: 4 });
  const few = judge(syntheticArms({ seed: 3, pairs: 2, spread: 0.0001 }));
  expect(few).toMatchObject({ outcome: 'inconclusive', exitCode: 4, moreRuns: 3 });
  expect(few.warnings.join()).toContain('an arm has 2 runs: with less than 4');
  expect(few.sentence).toContain('about 3 more runs in each arm would decide');
  const moderate = judge(syntheticArms({ seed: 5, pairs: 5, spread: 0.08 }));
  const more = moderate.moreRuns ?? 0;
  expect([moderate.outcome, more > 0]).toEqual(['inconclusive', true]);
});

test('metrics made of few observations, and those of one arm alone, are left out by name', () => {
  const few = withMetric({ name: 'm', unit: 'ms', better: 'lower', observations: 9 }, TEN, TEN);
  expect(judge(few).leftOut).toMatchObject([
    { name: 'm', reason: 'made of 9 observations in a run' },
  ]);
  const rare = changeCandidate((result, index) =>
    index > 2 ? result : addMetric(result, { name: 'm', unit: 'ms', better: 'lower', value: 9 }),
  );
  const waits = {
    ...rare,
    baseline: withMetric({ name: 'm', unit: 'ms', better: 'lower' }, TEN, TEN).baseline,
  };
  expect(judge(waits).leftOut).toMatchObject([
    { name: 'm', reason: 'measured in less than 4 runs of an arm' },
  ]);
  const critical = { name: 'lost', unit: '1', better: 'lower', critical: true } as const;
  const missing = { ...withMetric(critical, [], []), candidate: SAME.candidate };
  // What must never happen was not looked at: that is no pass.
  expect(judge(missing)).toMatchObject({ outcome: 'inconclusive' });
});

test('arms that ran one after the other are compared with a warning', () => {
  const later = changeCandidate((result, index) => ({
    ...result,
    run: { ...result.run, startedAt: new Date(1e9 + index).toISOString() },
  }));
  expect(judge(later).warnings.join()).toContain('not interleaved (AAAAAAAAAABBBBBBBBBB)');
});

test('arms that change places mirror each finding', () => {
  const factor = fc.double({ min: 0.7, max: 1.4, noNaN: true });
  const spread = fc.constantFrom(0.01, 0.03, 0.1);
  const mirror = {
    REGRESSED: 'IMPROVED',
    IMPROVED: 'REGRESSED',
    SAME: 'SAME',
    INCONCLUSIVE: 'INCONCLUSIVE',
  };
  fc.assert(
    fc.property(
      fc.nat(),
      factor,
      spread,
      fc.integer({ min: 3, max: 8 }),
      (seed, by, wide, pairs) => {
        const arms = syntheticArms({ seed, pairs, spread: wide, factors: { [SLOWED_METRIC]: by } });
        const there = judge(arms).metrics;
        const back = judge({ baseline: arms.candidate, candidate: arms.baseline }).metrics;
        expect(back.map(({ finding }) => finding)).toEqual(
          there.map(({ finding }) => mirror[finding]),
        );
        expect(back.map(({ p }) => p)).toEqual(there.map(({ p }) => p));
      },
    ),
    { numRuns: 40 },
  );
});

test('the gate alarms falsely in at most one of twenty, sees +20 % and lets +3 % pass', () => {
  expect(runTrials({ trials: 60, pairs: 8, factor: 1 }).falseAlarms).toBeLessThanOrEqual(3);
  expect(
    runTrials({ trials: 40, pairs: 5, factor: 1, spread: 0.15 }).falseAlarms,
  ).toBeLessThanOrEqual(2);
  const slower = runTrials({ trials: 20, pairs: 8, factor: 1.2 });
  expect(slower.found).toBeGreaterThanOrEqual(18);
  expect(slower.falseAlarms).toBe(0);
  expect(runTrials({ trials: 20, pairs: 8, factor: 1.03 })).toMatchObject({
    found: 0,
    falseAlarms: 0,
  });
});

test('figures of servers do not outvote what clients saw, told or not', () => {
  const restless = [1, 9, 2, 8, 3, 7, 4, 6, 5, 10];
  const add = (result: RunResult, index: number): RunResult =>
    ['storage', 'cache', 'commit', 'queue'].reduce((grown, name, place) => {
      const value = 100 * (restless[(index + 3 * place) % restless.length] ?? 1);
      return addMetric(grown, { name, unit: '1', better: 'lower', value });
    }, result);
  const before = withRuns(SAME.baseline, add);
  const slower = syntheticArms({ seed: 1, pairs: 10, factors: { [SLOWED_METRIC]: 1.3 } });
  const verdict = judge({ baseline: before, candidate: withRuns(slower.candidate, add) });
  expect(verdict).toMatchObject({ outcome: 'regression', exitCode: 1 });
  expect(verdict.sentence).toMatch(/^Regression: worse than the baseline in latency_p99\{GET pods/);
  const same = judge({ baseline: before, candidate: withRuns(SAME.candidate, add) });
  expect(same).toMatchObject({ outcome: 'inconclusive' });
});
