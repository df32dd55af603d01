// The families that kube-apiserver has too: the same names, labels and buckets, so that what was
// written for it works on the door.
import { expect, test } from 'vitest';
import { Metrics } from '../../../proxy/observe/metrics.ts';
import type { RequestRecord } from '../../../proxy/observe/request-record.ts';
import { Exposition } from './support/exposition.ts';
import { recordOf, sourcesOf } from './support/records.ts';

function start() {
  let nowMs = 1000;
  const metrics = new Metrics({ version: '1', sources: sourcesOf([]), nowMs: () => nowMs });
  return {
    metrics,
    wait(ms: number): void {
      nowMs += ms;
    },
    pass(record: RequestRecord, durationMs = 10): void {
      metrics.entered(record);
      metrics.left(record, record.enteredAtMs + durationMs);
    },
    read: async () => new Exposition(await metrics.text()),
  };
}

const COMMON = 'component,group,resource,scope,subresource,verb,version';
// Of a scrape of kube-apiserver 1.34.4; the component is ours.
const UPSTREAM_LABELS: Readonly<Record<string, string>> = {
  apiserver_request_total: `code,dry_run,${COMMON}`,
  apiserver_request_duration_seconds_count: `dry_run,${COMMON}`,
  apiserver_request_sli_duration_seconds_count: COMMON,
  apiserver_response_sizes_count: COMMON,
  apiserver_longrunning_requests: COMMON,
  apiserver_current_inflight_requests: 'request_kind',
  apiserver_request_terminations_total: `code,${COMMON}`,
  apiserver_request_aborts_total: 'group,resource,scope,subresource,verb,version',
  apiserver_watch_events_total: 'group,resource,version',
  apiserver_watch_events_sizes_count: 'group,resource,version',
  apiserver_watch_list_duration_seconds_count: 'group,resource,scope,version',
};
const sorted = (text: string): string => text.split(',').sort().join(',');

test('every family has exactly the labels of kube-apiserver', async () => {
  const { metrics, pass, read } = start();
  pass(recordOf('GET /api/v1/pods'));
  pass(recordOf('GET /api/v1/pods', { status: 503, failure: 'no_ready_endpoint' }));
  pass(recordOf('GET /api/v1/pods', { status: 0, failure: 'client_gone' }));
  const watch = recordOf('GET /api/v1/pods?watch=1');
  metrics.entered(watch);
  watch.meter?.event(
    {
      bytes: Buffer.from('{}\n'),
      type: 'BOOKMARK',
      resourceVersion: '5',
      errorCode: undefined,
      initialEventsEnd: true,
    },
    1001,
    true,
  );
  const exposition = await read();
  for (const [name, labels] of Object.entries(UPSTREAM_LABELS)) {
    const found = exposition.find(name);
    expect([name, found.length > 0]).toEqual([name, true]);
    for (const sample of found) {
      expect([name, Object.keys(sample.labels).sort().join(',')]).toEqual([name, sorted(labels)]);
      expect(sample.labels.component ?? 'evenkeel').toBe('evenkeel');
    }
  }
});

test.each([
  [
    'apiserver_request_duration_seconds',
    '0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf',
  ],
  [
    'apiserver_request_sli_duration_seconds',
    '0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf',
  ],
  ['apiserver_response_sizes', '1000 10000 100000 1e+06 1e+07 1e+08 1e+09 +Inf'],
])('%s has the buckets of kube-apiserver, spelled as there', async (name, buckets) => {
  const { pass, read } = start();
  pass(recordOf('GET /api/v1/pods'));
  const found = (await read()).find(`${name}_bucket`).map(({ labels }) => labels.le);
  expect(found.join(' ')).toBe(buckets);
});

test('a request is one sample in total, duration, SLI and size', async () => {
  const { pass, read } = start();
  pass(
    recordOf('GET /apis/apps/v1/namespaces/shop/deployments/web/scale', { responseBytes: 2500 }),
    30,
  );
  const exposition = await read();
  const labels = {
    verb: 'GET',
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    subresource: 'scale',
    scope: 'resource',
  };
  const total = { ...labels, dry_run: '', code: '200' };
  expect(exposition.sum('apiserver_request_total', total)).toBe(1);
  for (const name of ['duration', 'sli_duration'].map((word) => `apiserver_request_${word}`)) {
    expect(exposition.sum(`${name}_seconds_sum`, labels)).toBeCloseTo(0.03);
    expect(exposition.sum(`${name}_seconds_count`, labels)).toBe(1);
  }
  expect(exposition.sum('apiserver_response_sizes_sum', labels)).toBe(2500);
});

test('versions and dry runs are told apart here, and not in the families of the door', async () => {
  const { pass, read } = start();
  pass(recordOf('POST /apis/apps/v1/namespaces/d/deployments?dryRun=All', { status: 201 }));
  pass(recordOf('POST /apis/apps/v1/namespaces/d/deployments', { status: 201 }));
  pass(recordOf('POST /apis/apps/v1beta1/namespaces/d/deployments', { status: 201 }));
  const exposition = await read();
  const kinds = exposition
    .find('apiserver_request_total')
    .map(({ labels }) => `${labels.version} ${labels.dry_run}`);
  expect(kinds).toEqual(['v1 All', 'v1 ', 'v1beta1 ']);
  expect(exposition.find('evenkeel_requests_total').map(({ value }) => value)).toEqual([3]);
});

test('a version that a client invents gets no label', async () => {
  const { pass, read } = start();
  pass(recordOf('GET /apis/apps/v1/deployments'));
  for (let i = 0; i < 50; i += 1) {
    pass(recordOf(`GET /apis/apps/v9${i}/deployments`, { status: 404 }));
  }
  const samples = (await read()).find('apiserver_request_total');
  expect(samples.map(({ labels }) => `${labels.resource} ${labels.version}`)).toEqual([
    'deployments v1',
    'other ',
  ]);
});

test('paths that are no resource are known by a few names', async () => {
  const { pass, read } = start();
  for (let i = 0; i < 20; i += 1) pass(recordOf(`GET /invented/${i}`, { status: 404 }));
  pass(recordOf('GET /readyz/etcd'));
  pass(recordOf('GET /version'));
  const samples = (await read()).find('apiserver_request_total');
  expect(samples.map(({ labels, value }) => [labels.subresource, value])).toEqual([
    ['', 20],
    ['/readyz', 1],
    ['/version', 1],
  ]);
});

const WATCHES = [
  'GET /api/v1/pods?watch',
  'GET /api/v1/pods?watch=1&fieldSelector=bogus',
  'GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1',
  'GET /apis/e.com/v1/things?fieldSelector=metadata.name%3Dx&watch=1',
  'GET /api/v1/watch/pods',
  'GET /api/v1/watch/namespaces/a/pods/p',
];

test.each(WATCHES)('%s is a WATCH in every family, and in no latency SLI', async (request) => {
  const { metrics, pass, read } = start();
  const open = recordOf(request);
  metrics.entered(open);
  pass(recordOf(request), 600_000);
  pass(recordOf(request, { status: 403 }), 2);
  pass(recordOf(request, { status: 429, failure: 'too_many_requests' }), 2);
  const exposition = await read();
  const shown = exposition.samples.filter(({ name }) => name.startsWith('apiserver_'));
  const verbs = new Set(shown.flatMap(({ labels }) => labels.verb ?? []));
  expect([...verbs]).toEqual(['WATCH']);
  expect(exposition.find('apiserver_request_sli_duration_seconds_count')).toEqual([]);
  expect(exposition.find('apiserver_response_sizes_count')).toEqual([]);
  expect(exposition.sum('apiserver_longrunning_requests')).toBe(1);
  expect(exposition.sum('apiserver_request_total')).toBe(3);
});

test('a GET of one object that says watch is a GET, as it is served', async () => {
  const { pass, read } = start();
  pass(recordOf('GET /api/v1/nodes/n1?watch=true'));
  const exposition = await read();
  expect(exposition.sum('apiserver_request_total', { verb: 'GET', scope: 'resource' })).toBe(1);
  expect(exposition.sum('apiserver_request_total')).toBe(1);
});

test('what the door ends for its own sake is a termination, what an endpoint answers is none', async () => {
  const { pass, read } = start();
  pass(recordOf('GET /api/v1/pods'));
  pass(recordOf('GET /api/v1/pods', { status: 504, failure: 'upstream_timeout' }));
  pass(recordOf('GET /api/v1/pods', { status: 504 }));
  pass(recordOf('GET /api/v1/pods', { status: 429 }));
  pass(recordOf('GET /api/v1/pods', { status: 401, failure: 'unauthorized' }));
  const exposition = await read();
  const name = 'apiserver_request_terminations_total';
  expect(exposition.find(name).map(({ labels }) => labels.code)).toEqual(['504']);
  expect(exposition.sum(name)).toBe(1);
});

test('requests in flight are the most of the last second, long-running ones left out', async () => {
  const { metrics, wait, read } = start();
  const reads = [1, 2, 3].map(() => recordOf('GET /api/v1/pods'));
  const write = recordOf('PUT /api/v1/namespaces/d/pods/p');
  const name = 'apiserver_current_inflight_requests';
  for (const record of [...reads, write]) metrics.entered(record);
  metrics.entered(recordOf('GET /api/v1/pods?watch=1'));
  for (const record of [...reads, write]) metrics.left(record, 1001);
  wait(500);
  const during = await read();
  expect(during.sum(name, { request_kind: 'readOnly' })).toBe(3);
  expect(during.sum(name, { request_kind: 'mutating' })).toBe(1);
  wait(5000);
  expect((await read()).sum(name)).toBe(0);
});
