import { expect, test } from 'vitest';
import { Census, type ReplicaSample, type Sample } from '../../../simulator/demo/census.ts';
import { requestRates } from '../../../simulator/demo/load.ts';
import { busiestToMean, phaseFigures } from '../../../simulator/demo/phase-figures.ts';
import { readCounts } from '../../../simulator/demo/real-replicas.ts';
import type { DemoReplica, ReplicaCounts } from '../../../simulator/demo/replica.ts';
import { phaseSeconds } from '../../../simulator/demo/scenario.ts';

function sample(atMs: number, requests: number, watches: number, up = true): Sample {
  const replica: ReplicaSample = {
    name: 'a',
    up,
    tcp: { requests, watches },
    door: { requests: 2 * requests, watches },
  };
  return { atMs, replicas: [replica] };
}

test('requests are counted over the window alone', () => {
  const [load] = phaseFigures(
    [sample(0, 0, 1), sample(1000, 500, 1), sample(3000, 520, 1), sample(5000, 540, 1)],
    4000,
  );
  expect(load?.tcp.requestsPerSecond).toBe(10);
  expect(load?.door.requestsPerSecond).toBe(20);
});

test('a sample that falls between two watches does not show', () => {
  const [load] = phaseFigures([sample(0, 0, 10), sample(1, 0, 10), sample(2, 0, 9)], 4000);
  expect(load?.tcp.watches).toBe(10);
});

test('one sample alone has no rate, and none at all no replicas', () => {
  expect(phaseFigures([sample(0, 5, 1)], 4000)[0]?.tcp.requestsPerSecond).toBe(0);
  expect(phaseFigures([], 4000)).toEqual([]);
});

test('the busiest is held against the mean of those that are up', () => {
  const loads = [sample(0, 30, 1), sample(0, 10, 1), sample(0, 999, 1, false)].flatMap((one) =>
    phaseFigures([one], 4000),
  );
  expect(busiestToMean(loads, ({ tcp }) => tcp.watches)).toBe(1);
  expect(busiestToMean(loads, ({ tcp }) => tcp.requestsPerSecond)).toBeUndefined();
  expect(busiestToMean([], () => 1)).toBeUndefined();
});

/** A replica whose counts are set by the test. */
function scripted(counts: (ReplicaCounts | undefined)[]): DemoReplica {
  return {
    name: 'a',
    url: 'https://127.0.0.1:1',
    port: 1,
    kill: async () => undefined,
    restart: async () => undefined,
    counts: async () => counts.shift(),
  };
}

test('the census gives the door what is nobody elses, over a restart as well', async () => {
  const census = await Census.begin([
    scripted([
      { requests: 50, watches: 2 },
      { requests: 150, watches: 12 },
      undefined,
      { requests: 20, watches: 5 },
    ]),
  ]);
  const known = (requests: number, watches: number) => () => ({
    tcp: new Map([['a', { requests, watches }]]),
    writer: new Map([['a', 5]]),
  });
  const first = await census.sample(known(30, 4));
  expect(first.replicas[0]).toMatchObject({
    up: true,
    tcp: { requests: 30, watches: 4 },
    door: { requests: 65, watches: 6 },
  });
  const dead = await census.sample(known(30, 0));
  expect(dead.replicas[0]).toMatchObject({ up: false, door: { requests: 65, watches: 0 } });
  const reborn = await census.sample(known(30, 0));
  expect(reborn.replicas[0]).toMatchObject({ up: true, door: { requests: 85, watches: 3 } });
});

test('a real replica is read without its watches among its requests', () => {
  const text = [
    '# TYPE apiserver_request_total counter',
    'apiserver_request_total{code="200",resource="configmaps",scope="resource",verb="GET"} 40',
    'apiserver_request_total{code="200",resource="configmaps",scope="resource",verb="PUT"} 2',
    'apiserver_request_total{code="200",resource="configmaps",scope="namespace",verb="WATCH"} 7',
    'apiserver_request_total{code="200",resource="secrets",scope="resource",verb="GET"} 99',
    'apiserver_longrunning_requests{resource="configmaps",scope="namespace",verb="WATCH"} 11',
    'apiserver_longrunning_requests{resource="pods",scope="cluster",verb="WATCH"} 3',
    'apiserver_request_total_other{resource="configmaps"} 5',
  ].join('\n');
  expect(readCounts(text)).toEqual({ requests: 42, watches: 11 });
});

test('a few clients ask for most, and all together for the mean', () => {
  const rates = requestRates(30, 3);
  expect(rates.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(90);
  expect(rates[0]).toBeCloseTo(30 * (rates[29] ?? 0));
});

test('the phases fill the time, and the outage is never over five seconds', () => {
  for (const seconds of [8, 30, 50]) {
    const { before, down, after } = phaseSeconds(seconds);
    expect(before + down + after).toBeCloseTo(seconds);
    expect(down).toBeLessThanOrEqual(5);
    expect(after).toBeGreaterThan(before);
  }
});
