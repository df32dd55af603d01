import { expect, test } from 'vitest';
import { LatencyHistogram } from '../../../loadtests/histogram.ts';
import { goSeconds } from '../../../loadtests/run/expected.ts';
import { Samples } from '../../../loadtests/run/samples.ts';
import { assessRun } from '../../../loadtests/run/validity.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');

function point(metric: string, atMs: number, value: number, tags: object = {}): string {
  const time = new Date(START_MS + atMs).toISOString();
  return JSON.stringify({ metric, type: 'Point', data: { time, value, tags } });
}

function sent(atMs: number, ms: number, phase: string, expected = 'true'): string {
  const tags = { name: 'PUT leases resource', phase, expected_response: expected };
  return point('http_req_duration', atMs, ms, tags);
}

test('only what was measured is in the distribution, and the time line has all of it', () => {
  const samples = new Samples(START_MS);
  samples.take('{"metric":"http_req_duration","type":"Metric","data":{"name":"x"}}');
  samples.take(sent(1000, 900, 'warmup'));
  samples.take(sent(6000, 10, 'measure'));
  samples.take(sent(7000, 20, 'measure', 'false'));
  const [distribution, ...others] = samples.distributions();
  expect(others).toEqual([]);
  const histogram = LatencyHistogram.decode(distribution?.histogram ?? '');
  expect(histogram.count).toBe(2);
  expect(histogram.maxUs).toBeLessThan(21_000);
  expect(samples.windows()).toMatchObject([
    { atMs: 0, count: 1, errors: 0 },
    { atMs: 5000, count: 2, errors: 1 },
  ]);
  expect(samples.metrics().at(-1)).toMatchObject({
    name: 'errors{PUT leases resource}',
    value: 0.5,
    critical: true,
  });
  expect(samples.measureFromMs).toBe(6000);
});

test('a gRPC call fails by its code, a stream by a failure of its own, and its life is no latency', () => {
  const samples = new Samples(START_MS);
  const tags = { name: 'etcd update', phase: 'measure' };
  samples.take(point('grpc_req_duration', 1000, 3, { ...tags, status: '0' }));
  samples.take(point('grpc_req_duration', 1000, 3, { ...tags, status: '14' }));
  const stream = { name: 'etcd watch-event', phase: 'measure' };
  samples.take(point('grpc_req_duration', 1000, 5000, { ...stream, stream: 'yes' }));
  samples.take(point('evenkeel_stream_latency', 1000, 2, stream));
  samples.take(point('evenkeel_failures', 1000, 1, stream));
  expect(samples.metrics()).toMatchObject([
    { name: 'latency_p50{etcd update}', observations: 2 },
    { name: 'latency_p99{etcd update}' },
    { name: 'errors{etcd update}', value: 0.5 },
    { name: 'latency_p50{etcd watch-event}', observations: 1 },
    { name: 'latency_p99{etcd watch-event}' },
    { name: 'errors{etcd watch-event}', value: 1 },
  ]);
  expect(samples.failed).toBe(2);
});

test.each([
  ['what was asked for', 300, 0, 0.1, 0, []],
  ['one iteration too many', 301, 0, 0.1, 0, []],
  ['too few', 290, 0, 0.1, 0, ['290 iterations, expected 300']],
  ['dropped', 299, 1, 0.1, 0, ['k6 dropped 1 iterations']],
  ['starved', 300, 0, 0.9, 0, ['k6 took 90 % of a processor, at most 80 % count']],
  ['failed', 300, 0, 0.1, 107, ['k6 ended with 107: oh']],
])('validity of a run: %s', (_, iterations, droppedIterations, cpuShare, exitCode, problems) => {
  const outcome = { exitCode, cpuShare, complaint: 'oh' };
  expect(
    assessRun({ iterations, droppedIterations }, outcome, { iterations: 300, ends: 1 }).problems,
  ).toEqual(problems);
});

test('iterations are counted from points alone', () => {
  const samples = new Samples(START_MS);
  samples.take('{"metric":"iterations","type":"Metric","data":{"name":"iterations"}}');
  samples.take(point('iterations', 1, 1));
  samples.take(point('dropped_iterations', 1, 3));
  expect([samples.iterations, samples.droppedIterations]).toEqual([1, 3]);
});

test('durations are read as Go writes them', () => {
  expect(['30s', '10m0s', '1h0m5s', '500ms'].map(goSeconds)).toEqual([30, 600, 3605, 0.5]);
});
