import { expect, test } from 'vitest';
import type { MetricLine, Validity, WindowLine } from '../../../loadtests/result.ts';
import { defaultFaults } from '../../../loadtests/run/planned-fault.ts';
import { suiteNames } from '../../../loadtests/run/suite.ts';
import { joinValidity, swarmLine } from '../../../loadtests/run/swarm-lines.ts';
import { swarmFlags, swarmSpecs } from '../../../loadtests/run/swarm-plans.ts';
import { parseSwarm } from '../../../loadtests/swarm/arguments.ts';

const VALID: Validity = {
  droppedIterations: 0,
  offeredRatio: 1,
  generatorCpuShare: 0.2,
  loopLagP99Ms: 0,
  problems: [],
};

function metric(name: string): MetricLine {
  return { type: 'metric', name, value: 3, unit: '1', better: 'lower', critical: true };
}

test.each([
  ['watch_events_lost', 'watch_events_lost{pods}'],
  ['watch_latency_p99{watch event pods}', 'watch_latency_p99{watch event pods}'],
  ['watch_ends{error 410}', 'watch_ends{pods error 410}'],
  ['rss_peak{swarm}', 'rss_peak{pods swarm}'],
])('a figure of one resource is told from the same of another: %s', (name, renamed) => {
  expect(swarmLine(metric(name), 'pods', 500)).toEqual(metric(renamed));
});

test('windows are moved to the time of the run, and what the run says itself is left out', () => {
  const window: WindowLine = {
    type: 'window',
    series: 'watch event pods',
    ...{ atMs: 1000, lengthMs: 1000, count: 1, errors: 0, p50Ms: 1, p99Ms: 1, maxMs: 1 },
  };
  expect(swarmLine(window, 'pods', 2500.4)).toEqual({ ...window, atMs: 3500 });
  expect(swarmLine({ type: 'phase', name: 'measure', atMs: 1 }, 'pods', 0)).toBeUndefined();
  expect(swarmLine({ type: 'end', tookMs: 1, validity: VALID }, 'pods', 0)).toBeUndefined();
});

test('a run is as valid as the worst of what loaded it', () => {
  const swarms = [
    { ...VALID, loopLagP99Ms: 12, offeredRatio: 0.9, problems: ['pods: lagged'] },
    { ...VALID, loopLagP99Ms: 3, offeredRatio: 1.05, droppedIterations: 2 },
  ];
  expect(joinValidity({ ...VALID, generatorCpuShare: 0.5, problems: ['k6'] }, swarms)).toEqual({
    droppedIterations: 2,
    offeredRatio: 0.9,
    generatorCpuShare: 0.5,
    loopLagP99Ms: 12,
    problems: ['k6', 'pods: lagged'],
  });
  expect(joinValidity(VALID, [])).toEqual(VALID);
});

test('what a suite tells the swarm is understood by it, grows with the nodes, and is of one suite', () => {
  const watching = suiteNames().filter((suite) => swarmSpecs(suite, 100).length > 0);
  expect(watching).toEqual([
    'controller-informers',
    'event-storm',
    'kubelet-watch',
    'replica-restart',
    'scheduler-burst',
  ]);
  const server = ['--server', 'https://127.0.0.1:1'];
  for (const suite of watching) {
    const count = (nodes: number): number => {
      const specs = swarmSpecs(suite, nodes);
      expect(new Set(specs.map(({ resource }) => resource)).size).toBe(specs.length);
      const plans = specs.map((spec) => parseSwarm([...server, ...swarmFlags(spec, 20)]));
      expect(plans).toMatchObject(specs.map(() => ({ durationMs: 20_000, hold: false })));
      return specs.reduce((sum, { watchers }) => sum + watchers, 0);
    };
    expect(count(1)).toBeGreaterThan(0);
    expect(count(1000)).toBeGreaterThan(count(100));
  }
  const kubelets = swarmSpecs('kubelet-watch', 100);
  expect(kubelets.reduce((sum, { watchers }) => sum + watchers, 0)).toBe(900);
});

test.each([
  [['--select', 'name', '--objects', '4', '--shards', '2'], 'as many --shards as --objects'],
  [['--select', 'node', '--objects', '4', '--shards', '4'], 'only pods'],
])('a selection that cannot be is refused: %j', (flags, message) => {
  expect(() => parseSwarm(['--server', 'https://127.0.0.1:1', ...flags])).toThrow(message);
});

test('the suite about a lost replica has a fault of its own where one can be caused', () => {
  expect(defaultFaults('replica-restart', 20, true)).toEqual([
    { afterMs: 5000, does: { name: 'replica-kill' } },
  ]);
  expect(() => defaultFaults('replica-restart', 20, false)).toThrow('--fault-command');
  expect(defaultFaults('event-storm', 20, true)).toEqual([]);
});
