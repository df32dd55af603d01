// The door reads its endpoints' metrics, names the one that files watches as lists, and gives all of
// them on as one text.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { Exposition } from '../../../proxy/observe/support/exposition.ts';
import { type DoorFixture, openTestDoor } from '../../../support/open-door.ts';
import { answer, type Seen } from '../../../support/scripted-apiserver.ts';

const open: DoorFixture[] = [];
const WAIT = { timeout: 10_000, interval: 20 };
const TEXT = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };

afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
});

type Answer = (stream: ServerHttp2Stream, endpoint: number) => void;

/** A door before endpoints that answer /metrics so, and watches by one event after which they wait. */
async function start(metrics: Answer, options: object = {}, count = 2): Promise<DoorFixture> {
  const replicaMetrics = { interval: '500ms', timeout: '500ms', ...options };
  const fixture = await openTestDoor(count, { admin: { port: 0, replicaMetrics } });
  open.push(fixture);
  for (const [i, apiserver] of fixture.apiservers.entries()) {
    apiserver.behaviour = (stream, headers) => {
      if (headers[':path'] === '/metrics') metrics(stream, i);
      else if (headers[':path']?.includes('/watch/') === true) {
        stream.respond({ ':status': 200, 'content-type': 'application/json' });
        stream.write('{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"9"}}}\n');
      } else answer(stream, 200, 'ok');
    };
  }
  return fixture;
}

interface Page {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function page(
  { door }: DoorFixture,
  path: string,
  headers = {},
  method = 'GET',
): Promise<Page> {
  const port = door.adminPort;
  const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: false, headers });
  request.end();
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode: status = 0 } = response;
  return { status, headers: response.headers, body: Buffer.concat(chunks) };
}

async function gauges(fixture: DoorFixture): Promise<Exposition> {
  return new Exposition((await page(fixture, '/metrics')).body.toString());
}

/** How the last reading of each endpoint has ended. */
async function results(fixture: DoorFixture): Promise<(string | undefined)[]> {
  const samples = (await gauges(fixture)).find('evenkeel_replica_scrape');
  return samples.filter(({ value }) => value === 1).map(({ labels }) => labels.result);
}

function scrapesSeen({ apiservers }: DoorFixture, endpoint = 0): Seen[] {
  const seen = apiservers[endpoint]?.seen ?? [];
  return seen.filter(({ headers }) => headers[':path'] === '/metrics');
}

const UP = 'evenkeel_replica_up';
const SMALL = '# TYPE up gauge\nup 1\n';

test('all replicas are read as the door itself, and come as one text', async () => {
  const fixture = await start((stream, i) => {
    const text = `# TYPE up gauge\nup{i="${i}"} 1\n`;
    if (i === 0) answer(stream, 200, text, TEXT);
    else {
      stream.respond({ ':status': 200, ...TEXT, 'content-encoding': 'gzip' });
      stream.end(gzipSync(text));
    }
  });
  const [first, second] = fixture.apiservers.map(({ url }) => url.slice('https://'.length));
  const { status, headers, body } = await page(fixture, '/replicas/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(body.toString().split('\n').slice(1)).toEqual([
    `# TYPE ${UP} gauge`,
    `${UP}{replica="${first}"} 1`,
    `${UP}{replica="${second}"} 1`,
    '# TYPE up gauge',
    `up{replica="${first}",i="0"} 1`,
    `up{replica="${second}",i="1"} 1`,
    '',
  ]);
  const [seen] = scrapesSeen(fixture);
  expect(seen?.certificate).toBe('front-proxy');
  expect(seen?.headers).toMatchObject({
    'x-remote-user': 'system:evenkeel',
    'x-remote-group': 'system:monitoring',
    'user-agent': 'evenkeel-metrics',
    'accept-encoding': 'gzip',
  });
});

test('the page is compressed for whom that is right, and HEAD reads nothing', async () => {
  const fixture = await start((stream) => answer(stream, 200, SMALL, TEXT), { interval: '1h' });
  const packed = await page(fixture, '/replicas/metrics', { 'accept-encoding': 'gzip' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.body).toString()).toContain(UP);
  const before = scrapesSeen(fixture).length;
  const head = await page(fixture, '/replicas/metrics', {}, 'HEAD');
  expect([head.status, head.body.length]).toEqual([200, 0]);
  expect(scrapesSeen(fixture)).toHaveLength(before);
});

test('those who ask at the same time get the same reading', async () => {
  const fixture = await start((stream) => answer(stream, 200, SMALL, TEXT), { interval: '1h' });
  const pages = await Promise.all([1, 2, 3].map(() => page(fixture, '/replicas/metrics')));
  expect(new Set(pages.map(({ body }) => body.toString())).size).toBe(1);
  expect(scrapesSeen(fixture)).toHaveLength(1);
});

test.each<readonly [result: string, what: string, answerIt: Answer]>([
  ['refused', 'answers 403', (stream) => answer(stream, 403, 'forbidden')],
  ['unreadable', 'answers with a page', (stream) => answer(stream, 200, '<html>', TEXT)],
  [
    'unreadable',
    'answers with JSON',
    (stream) => answer(stream, 200, '{}', { 'content-type': 'application/json' }),
  ],
  [
    'unreadable',
    'is not compressed as it says',
    (stream) => answer(stream, 200, SMALL, { ...TEXT, 'content-encoding': 'gzip' }),
  ],
  [
    'unreadable',
    'compresses in another way',
    (stream) => answer(stream, 200, SMALL, { ...TEXT, 'content-encoding': 'zstd' }),
  ],
  ['too_large', 'has too much', (stream) => answer(stream, 200, 'up 1\n'.repeat(30_000), TEXT)],
  [
    'too_large',
    'has too much in little',
    (stream) => {
      stream.respond({ ':status': 200, ...TEXT, 'content-encoding': 'gzip' });
      stream.end(gzipSync('up 1\n'.repeat(1_000_000)));
    },
  ],
  ['failed', 'does not answer', () => {}],
  [
    'failed',
    'stops in the middle',
    (stream) => {
      stream.respond({ ':status': 200, ...TEXT });
      stream.write('up 1\n');
    },
  ],
  ['failed', 'breaks off', (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
])('the result is %s for a replica that %s, and the other one is shown', async (...row) => {
  const [result, , answerIt] = row;
  const fixture = await start(
    (stream, i) => (i === 0 ? answerIt(stream, i) : answer(stream, 200, SMALL, TEXT)),
    { maxSize: '100KiB' },
  );
  const exposition = new Exposition((await page(fixture, '/replicas/metrics')).body.toString());
  const shown = exposition.find(UP).map(({ value }) => value);
  expect(shown).toEqual([0, 1]);
  expect(exposition.find('up')).toHaveLength(1);
  expect(await results(fixture)).toEqual([result, 'ok']);
  // Such an answer says nothing of the endpoint's health.
  expect(fixture.door.readyEndpoints()).toBe(2);
});

/** As kube-apiserver 1.21.3 files watches that lasted so long, besides five lists and one that is open. */
function affectedText(watchSeconds: readonly number[]): string {
  const seconds = [0.01, 0.02, 0.03, 0.04, 0.06, ...watchSeconds];
  const labels =
    'component="apiserver",dry_run="",group="",resource="pods",scope="cluster",subresource="",' +
    'verb="LIST",version="v1"';
  const name = 'apiserver_request_duration_seconds';
  const bucket = (le: string): string => {
    const within = seconds.filter((one) => le === '+Inf' || one <= Number(le)).length;
    return `${name}_bucket{${labels},le="${le}"} ${within}`;
  };
  return [
    '# TYPE apiserver_longrunning_gauge gauge',
    `apiserver_longrunning_gauge{${labels.replace('dry_run="",', '')}} 1`,
    `# TYPE ${name} histogram`,
    ...['0.05', '0.1', '0.15', '0.2', '0.5', '1', '5', '+Inf'].map(bucket),
    `${name}_sum{${labels}} ${seconds.reduce((total, one) => total + one, 0)}`,
    `${name}_count{${labels}} ${seconds.length}`,
    '',
  ].join('\n');
}

test('a replica that files watches as lists is named, and its metrics are corrected', async () => {
  const watchSeconds: number[] = [];
  const fixture = await start((stream) => answer(stream, 200, affectedText(watchSeconds), TEXT));
  const [apiserver, other] = fixture.apiservers;
  if (apiserver === undefined || other === undefined) throw new Error('two are needed');
  await other.kill();
  const { behaviour } = apiserver;
  apiserver.behaviour = (stream, headers) => {
    const openedAtMs = performance.now();
    if (headers[':path']?.includes('/watch/') === true) {
      stream.once('close', () => watchSeconds.push((performance.now() - openedAtMs) / 1000));
    }
    behaviour(stream, headers);
  };
  const endpoint = apiserver.url.slice('https://'.length);
  const watch = fixture.client(fixture.pki.admin).request({ ':path': '/api/v1/watch/pods' });
  watch.on('error', () => {});
  await once(watch, 'data');
  watch.close();
  const misfiled = async (metric: string): Promise<number | undefined> =>
    (await gauges(fixture)).sum('evenkeel_replica_misfiled_watches', {
      endpoint,
      verb: 'LIST',
      metric,
    });
  const duration = 'apiserver_request_duration_seconds';
  // The gauge tells at once, the histogram only when the watch has surely been counted.
  await vi.waitFor(async () => {
    expect(await misfiled('apiserver_longrunning_gauge')).toBe(1);
    expect(await misfiled(duration)).toBe(1);
  }, WAIT);
  const { body } = await page(fixture, '/replicas/metrics');
  const exposition = new Exposition(body.toString());
  const of = (verb: string) => ({ verb, resource: 'pods', replica: endpoint });
  expect(exposition.sum(`${duration}_count`, of('LIST'))).toBe(5);
  expect(exposition.sum(`${duration}_count`, of('WATCH'))).toBe(1);
  expect(exposition.sum(`${duration}_bucket`, { ...of('LIST'), le: '0.05' })).toBe(4);
  expect(exposition.sum(`${duration}_sum`, of('LIST'))).toBeCloseTo(0.16, 1);
  expect(exposition.sum('apiserver_longrunning_gauge', of('WATCH'))).toBe(1);
  expect(body.toString()).toContain('1 of 1 watches of pods that were filed as LIST moved\n');
});

test('a text of many megabytes passes without holding up the door', async () => {
  const line = `big_bucket{verb="LIST",resource="pods",padding="${'x'.repeat(150)}",le="0.5"} 12345\n`;
  const text = `# TYPE big histogram\n${line.repeat(50_000)}`;
  const fixture = await start((stream) => answer(stream, 200, text, TEXT), {
    interval: '1h',
    timeout: '10s',
  });
  // Work and not time: the machine may have other things to do.
  let longestMs = 0;
  let before = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1000);
    before = process.cpuUsage();
  }, 1);
  const { body } = await page(fixture, '/replicas/metrics');
  clearInterval(timer);
  expect(body.length).toBeGreaterThan(2 * text.length);
  expect(body.toString().match(/^big_bucket/gm)).toHaveLength(100_000);
  // In the same process are also both replicas and the reader; in one go it would be a second.
  expect(longestMs).toBeLessThan(250);
});

test('there is no such page and no reading when it is turned off', async () => {
  const fixture = await start((stream) => answer(stream, 200, SMALL, TEXT), { enabled: false });
  expect((await page(fixture, '/replicas/metrics')).status).toBe(404);
  expect(await results(fixture)).toEqual([]);
  expect(scrapesSeen(fixture)).toEqual([]);
});
