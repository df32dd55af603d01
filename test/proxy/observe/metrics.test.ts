import { expect, test } from 'vitest';
import { PROXY_ERROR_CODES } from '../../../proxy/errors.ts';
import { Metrics } from '../../../proxy/observe/metrics.ts';
import type { RequestRecord } from '../../../proxy/observe/request-record.ts';
import type { TallyLimits } from '../../../proxy/observe/route-table.ts';
import type { Sources } from '../../../proxy/observe/sources.ts';
import { Exposition } from './support/exposition.ts';
import { endpointOf, recordOf, sourcesOf } from './support/records.ts';

const POD = 'GET /api/v1/namespaces/default/pods/p1';
const WATCH = 'GET /api/v1/pods?watch=true';

function start(options: { sources?: Sources; limits?: Partial<TallyLimits> } = {}) {
  const metrics = new Metrics({ version: '1.2.3', sources: sourcesOf([]), ...options });
  return {
    metrics,
    /** One request that enters and leaves after so long. */
    pass(record: RequestRecord, durationMs = 10): void {
      metrics.entered(record);
      metrics.left(record, record.enteredAtMs + durationMs);
    },
    read: async () => new Exposition(await metrics.text()),
  };
}

test('a request is counted by verb, resource, scope, code and endpoint', async () => {
  const { pass, read } = start();
  pass(recordOf(POD));
  pass(recordOf('GET /api/v1/namespaces/default/pods/p2'));
  pass(recordOf('POST /apis/apps/v1/namespaces/default/deployments', { status: 201 }));
  pass(recordOf('GET /apis/apps/v1/namespaces/default/deployments/d/scale', { endpoint: 'cp-2' }));
  pass(recordOf('GET /version'));
  const samples = (await read()).find('evenkeel_requests_total');
  const lines = samples.map(({ labels, value }) => `${Object.values(labels).join(' ')}: ${value}`);
  expect(lines).toEqual([
    'GET  pods  resource 200 cp-1: 2',
    'POST apps deployments  resource 201 cp-1: 1',
    'GET apps deployments scale resource 200 cp-2: 1',
    'GET     200 cp-1: 1',
  ]);
});

test('the client that left before its answer is counted with 499, no answer at all with 0', async () => {
  const { pass, read } = start();
  pass(recordOf(POD, { status: 0, failure: 'client_gone' }));
  pass(recordOf(POD, { status: 0, failure: 'upstream_lost' }));
  pass(recordOf(POD, { status: 200, failure: 'client_gone' }));
  const exposition = await read();
  expect(exposition.find('evenkeel_requests_total').map(({ labels }) => labels.code)).toEqual([
    '499',
    '0',
    '200',
  ]);
});

test('a request adds its duration in seconds to one histogram', async () => {
  const { pass, read } = start();
  pass(recordOf(POD), 30);
  const exposition = await read();
  const labels = { verb: 'GET', scope: 'resource', endpoint: 'cp-1' };
  const name = 'evenkeel_request_duration_seconds';
  expect(exposition.sum(`${name}_sum`, labels)).toBeCloseTo(0.03);
  expect(exposition.sum(`${name}_bucket`, { ...labels, le: '0.025' })).toBe(0);
  expect(exposition.sum(`${name}_bucket`, { ...labels, le: '0.05' })).toBe(1);
  expect(exposition.sum(`${name}_bucket`, { ...labels, le: '+Inf' })).toBe(1);
});

test('nothing long-running is ever in the histogram of request durations', async () => {
  const { pass, read } = start();
  const exec = 'POST /api/v1/namespaces/default/pods/p/exec';
  pass(recordOf(WATCH), 60_000);
  pass(recordOf(WATCH, { status: 403 }), 2);
  pass(recordOf(WATCH, { status: 503, failure: 'no_ready_endpoint' }), 2);
  pass(recordOf('GET /api/v1/watch/pods'), 60_000);
  pass(recordOf('GET /api/v1/namespaces/default/pods/p/log?follow=true'), 60_000);
  pass(recordOf(exec, { status: 101 }), 60_000);
  const exposition = await read();
  expect(exposition.sum('evenkeel_request_duration_seconds_count')).toBeUndefined();
  const opened = 'evenkeel_watch_duration_seconds_count';
  expect(exposition.sum(opened, { verb: 'WATCH' })).toBe(2);
  expect(exposition.sum(opened, { verb: 'CONNECT' })).toBe(2);
});

test('a watch is put down by its end, and an orderly end is not a failure', async () => {
  const { pass, read } = start();
  pass(recordOf(WATCH), 600_000);
  pass(recordOf(WATCH, { failure: 'client_gone' }), 600_000);
  pass(recordOf(WATCH, { failure: 'shutting_down' }), 600_000);
  pass(recordOf(WATCH, { failure: 'upstream_lost' }), 600_000);
  const exposition = await read();
  const ends = exposition
    .find('evenkeel_watch_duration_seconds_count')
    .map(({ labels, value }) => [labels.end, value]);
  expect(ends).toEqual([
    ['complete', 1],
    ['client_gone', 1],
    ['shutting_down', 1],
    ['upstream_lost', 1],
  ]);
  expect(exposition.sum('evenkeel_request_failures_total')).toBe(1);
  expect(exposition.sum('evenkeel_request_failures_total', { failure: 'upstream_lost' })).toBe(1);
});

test('every failure is shown from the start, and counted by the word of its code', async () => {
  const { pass, read } = start();
  const name = 'evenkeel_request_failures_total';
  const before = (await read()).find(name);
  expect(before.map(({ labels }) => labels.failure)).toEqual([...PROXY_ERROR_CODES]);
  pass(recordOf(POD, { status: 504, failure: 'outcome_unknown' }));
  pass(recordOf(WATCH, { status: 0, failure: 'client_gone' }));
  const after = await read();
  expect(after.sum(name, { failure: 'outcome_unknown' })).toBe(1);
  expect(after.sum(name, { failure: 'client_gone' })).toBe(1);
});

test('attempts after the first are retries', async () => {
  const { pass, read } = start();
  pass(recordOf(POD, { attempts: 3 }));
  pass(recordOf(POD, { attempts: 0, status: 503, failure: 'no_ready_endpoint' }));
  expect((await read()).sum('evenkeel_retries_total')).toBe(2);
});

test('what is in flight is counted by kind until it leaves', async () => {
  const { metrics, read } = start();
  const records = [POD, POD, WATCH, 'GET /api/v1/namespaces/d/pods/p/log'].map((request) =>
    recordOf(request, { status: 0 }),
  );
  for (const record of records) metrics.entered(record);
  const name = 'evenkeel_requests_in_flight';
  const during = await read();
  expect(during.sum(name, { kind: 'request' })).toBe(2);
  expect(during.sum(name, { kind: 'watch' })).toBe(1);
  expect(during.sum(name, { kind: 'stream' })).toBe(1);
  for (const record of records) metrics.left(record, 2000);
  expect((await read()).sum(name)).toBe(0);
});

test('bytes of an open watch are counted while they flow, and once only', async () => {
  const { metrics, pass, read } = start();
  const name = 'evenkeel_response_bytes_total';
  pass(recordOf('GET /api/v1/pods', { responseBytes: 1000 }));
  const watch = recordOf(WATCH, { status: 0 });
  metrics.entered(watch);
  watch.status = 200;
  watch.responseBytes = 70;
  expect((await read()).sum(name, { verb: 'WATCH', resource: 'pods' })).toBe(70);
  watch.responseBytes = 90;
  metrics.left(watch, 5000);
  const exposition = await read();
  expect(exposition.sum(name, { verb: 'WATCH', resource: 'pods' })).toBe(90);
  expect(exposition.sum(name, { verb: 'LIST', resource: 'pods' })).toBe(1000);
});

test('an invented resource gets no label of its own', async () => {
  const { pass, read } = start();
  for (let i = 0; i < 5000; i += 1) {
    const status = [401, 403, 404, 429][i % 4] ?? 404;
    pass(recordOf(`GET /apis/g${i}.example/v1/r${i}/n/s${i}`, { status }));
    pass(recordOf(`GET /api/v1/x${i}`, { status: 503, failure: 'no_ready_endpoint' }));
  }
  const samples = (await read()).find('evenkeel_requests_total');
  expect(samples.map(({ labels }) => [labels.group, labels.resource, labels.subresource])).toEqual(
    samples.map(() => ['other', 'other', '']),
  );
  expect(samples.length).toBe(5);
});

test('a resource that an endpoint has served is known from then on', async () => {
  const { pass, read } = start();
  const missing = recordOf('GET /apis/example.com/v1/namespaces/d/widgets/w', { status: 404 });
  pass(missing);
  pass(recordOf('GET /apis/example.com/v1/widgets'));
  pass(missing);
  const exposition = await read();
  const labels = { verb: 'GET', code: '404' };
  expect(exposition.sum('evenkeel_requests_total', { ...labels, resource: 'other' })).toBe(1);
  expect(exposition.sum('evenkeel_requests_total', { ...labels, resource: 'widgets' })).toBe(1);
});

test('an aggregated API of which nothing but errors are known is shown by name', async () => {
  const { pass, read } = start();
  pass(recordOf('GET /apis/metrics.k8s.io/v1beta1/nodes', { status: 503 }));
  expect((await read()).sum('evenkeel_requests_total', { group: 'metrics.k8s.io' })).toBe(1);
});

test('beyond the number of resources and of series, requests are counted as other', async () => {
  const names = start({ limits: { maxResources: 3 } });
  for (let i = 0; i < 10; i += 1) names.pass(recordOf(`GET /api/v1/r${i}`));
  const byName = (await names.read()).find('evenkeel_requests_total');
  expect(byName.map(({ labels, value }) => [labels.resource, value])).toEqual([
    ['r0', 1],
    ['r1', 1],
    ['r2', 1],
    ['other', 7],
  ]);
  const series = start({ limits: { maxSeries: 2 } });
  for (let i = 0; i < 10; i += 1) series.pass(recordOf(`GET /api/v1/r${i}`));
  expect((await series.read()).find('evenkeel_requests_total').length).toBe(3);
});

test('hostile path segments make a text that can still be read', async () => {
  const { metrics, pass, read } = start();
  const hostile = ['"', '%0A', '\\', '%22%7D%201%0Aevil', 'a"b%5C', '{}', '%FF', 'ä', 'A%20B'];
  for (const segment of hostile) {
    // Even when an endpoint should say that it has such a thing.
    pass(recordOf(`GET /apis/${segment}/v1/things`));
    pass(recordOf(`GET /api/v1/${segment}`));
    pass(recordOf(`GET /api/v1/pods/n/${segment}`));
    pass(recordOf(`GET /${segment}`));
    metrics.entered(recordOf(`GET /apis/${segment}/v1/${segment}?watch=1`));
  }
  const exposition = await read();
  expect(exposition.sum('evenkeel_requests_total', { resource: 'other' })).toBe(3 * hostile.length);
  expect(exposition.sum('evenkeel_requests_total', { resource: '' })).toBe(hostile.length);
  expect(exposition.find('evil')).toEqual([]);
});

test('an endpoint name with quotes and line ends is escaped', async () => {
  const name = 'a"b\\c\nd';
  const { read } = start({ sources: sourcesOf([endpointOf(name)]) });
  expect((await read()).sum('evenkeel_endpoint_watches', { endpoint: name })).toBe(0);
});

test('gauges show the parts as they are at the scrape', async () => {
  const pools: [string, number][] = [
    ['certificate watch', 2],
    ['bearer short', 1],
  ];
  const busy = endpointOf('cp-1', {
    load: { requests: 7, longRunning: 40 },
    connectionCounts: () => pools,
  });
  const endpoints = [
    busy,
    endpointOf('cp-2', { ready: false }),
    endpointOf('cp-3', { ejected: true }),
  ];
  const sources = sourcesOf(endpoints, { http2Connections: 5, http1Connections: 2 });
  const { read } = start({ sources });
  const exposition = await read();
  const state = exposition
    .find('evenkeel_endpoint_state')
    .filter(({ value }) => value === 1)
    .map(({ labels }) => [labels.endpoint, labels.state]);
  expect(state).toEqual([
    ['cp-1', 'ready'],
    ['cp-2', 'not_ready'],
    ['cp-3', 'ejected'],
  ]);
  expect(exposition.sum('evenkeel_endpoint_requests_in_flight', { endpoint: 'cp-1' })).toBe(7);
  expect(exposition.sum('evenkeel_endpoint_watches', { endpoint: 'cp-1' })).toBe(40);
  const watchPool = { endpoint: 'cp-1', identity: 'certificate', purpose: 'watch' };
  expect(exposition.sum('evenkeel_endpoint_connections', watchPool)).toBe(2);
  expect(exposition.sum('evenkeel_client_connections', { protocol: 'h2' })).toBe(5);
  expect(exposition.sum('evenkeel_client_connections', { protocol: 'http/1.1' })).toBe(2);
  expect(exposition.sum('evenkeel_tunnels_open')).toBe(0);
  pools.pop();
  sources.openTunnels = 3;
  const later = await read();
  expect(later.find('evenkeel_endpoint_connections').length).toBe(1);
  expect(later.sum('evenkeel_tunnels_open')).toBe(3);
});

test('refused connections and broken protocols are counted from zero', async () => {
  const { metrics, read } = start();
  metrics.connectionRejected('limit');
  metrics.protocolError('h2');
  metrics.protocolError('h2');
  const exposition = await read();
  const rejected = 'evenkeel_client_connections_rejected_total';
  expect(exposition.sum(rejected, { reason: 'limit' })).toBe(1);
  expect(exposition.sum(rejected, { reason: 'handshake' })).toBe(0);
  expect(exposition.sum('evenkeel_protocol_errors_total', { protocol: 'h2' })).toBe(2);
});

test('every family of ours has a unit or _total at the end of its name where it counts', async () => {
  const { pass, read } = start();
  pass(recordOf(POD));
  const { types } = await read();
  const ours = [...types].filter(([name]) => name.startsWith('evenkeel_'));
  expect(ours.length).toBeGreaterThan(15);
  for (const [name, type] of ours) {
    if (type === 'counter') expect(name).toMatch(/_total$/);
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});

test('build and process are described, each registry apart from others', async () => {
  const one = start();
  const two = start();
  one.pass(recordOf(POD));
  const exposition = await one.read();
  expect(exposition.sum('evenkeel_build_info', { version: '1.2.3' })).toBe(1);
  expect(exposition.sum('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(exposition.find('nodejs_eventloop_lag_p99_seconds').length).toBe(1);
  expect((await two.read()).sum('evenkeel_requests_total')).toBeUndefined();
});
