// The page as the admin port serves it: what a browser is told, and what it costs when many look.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createLog } from '../../../../../common/log.ts';
import { AdminServer } from '../../../../../proxy/observe/admin-server.ts';
import { Metrics } from '../../../../../proxy/observe/metrics.ts';
import {
  LivePage,
  type LivePageOptions,
  MAX_VIEWERS,
} from '../../../../../proxy/observe/page/live-page.ts';
import { NotedRequests } from '../../../../../proxy/observe/page/noted-requests.ts';
import { PageSampler } from '../../../../../proxy/observe/page/page-sampler.ts';
import { EndpointChanges } from '../../../../../proxy/observe/sources.ts';
import { endpointOf, recordOf, sourcesOf } from '../../../../proxy/observe/support/records.ts';

const TICK_MS = 20;
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(options: Partial<Pick<LivePageOptions, 'figures'>> = {}) {
  const sources = sourcesOf([endpointOf('cp-1'), endpointOf('cp-2')]);
  const changes = new EndpointChanges();
  const metrics = new Metrics({ version: '1.2.3', sources });
  const noted = new NotedRequests();
  const sampler = new PageSampler({
    requests: metrics.requests,
    noted,
    openRecords: () => [],
    nowMs: () => performance.now(),
  });
  const page = new LivePage({
    version: '1.2.3',
    sources,
    changes,
    figures: async () => [sampler.take()],
    top: () => metrics.top(),
    tickMs: TICK_MS,
    ...options,
  });
  const log = createLog({ level: 'silent' });
  const admin = { address: '127.0.0.1', port: 0, metrics, sources, changes, page, log };
  const server = new AdminServer(admin);
  const port = await server.listen();
  closing.push(() => server.close());
  const count = (request: string, outcome: Parameters<typeof recordOf>[1] = {}): void => {
    const record = recordOf(request, outcome);
    for (const observer of [metrics, noted]) {
      observer.entered(record);
      observer.left(record, 1010);
    }
  };
  return { server, port, sources, changes, count };
}

async function ask(port: number, path: string, method = 'GET'): Promise<IncomingMessage> {
  const headers = { 'accept-encoding': 'gzip' };
  const request = httpRequest({ host: '127.0.0.1', port, path, method, agent: false, headers });
  request.on('error', () => {});
  request.end();
  const [response] = await once(request, 'response');
  response.setEncoding('utf8');
  closing.push(async () => void request.destroy());
  return response;
}

async function textOf(port: number, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

/** What has come of a stream when `isThere` holds, at the latest with the end of the stream. */
async function readUntil(
  response: IncomingMessage,
  isThere: (text: string) => boolean,
): Promise<string> {
  let text = '';
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (isThere(text)) break;
  }
  return text;
}

function partsOf(text: string): Record<string, string>[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json).parts);
}

test('the page and all that belongs to it may load nothing from elsewhere, and run one file', async () => {
  const { port } = await start();
  for (const [path, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
    ['/parts.css', 'text/css; charset=utf-8'],
    ['/page.js', 'text/javascript; charset=utf-8'],
    ['/page.svg', 'image/svg+xml'],
    ['/events', 'text/event-stream'],
  ] as const) {
    const { headers, statusCode } = await ask(port, path);
    expect([path, statusCode, headers['content-type']]).toEqual([path, 200, type]);
    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  }
});

test('it can be read, and nothing can be done with it', async () => {
  const { port } = await start();
  for (const path of ['/', '/events', '/page.js']) {
    expect((await ask(port, path, 'POST')).statusCode).toBe(405);
    expect((await ask(port, path, 'HEAD')).statusCode).toBe(200);
  }
});

test('events begin with everything, go on with what has changed, and are not compressed', async () => {
  const { port, sources, count } = await start();
  const events = await ask(port, '/events');
  expect(events.headers['content-encoding']).toBeUndefined();
  const first = await readUntil(events, (text) => partsOf(text).length > 0);
  expect(first).toMatch(/^retry: \d+\n\n/);
  expect(Object.keys(partsOf(first)[0] ?? {})).toContain('verdict');
  count('GET /api/v1/namespaces/a/pods/b', { endpoint: 'cp-1' });
  sources.endpoints = [endpointOf('cp-1'), endpointOf('cp-2', { ready: false })];
  const news = await readUntil(events, (text) => text.includes('cp-2 is out'));
  const changed = partsOf(news).at(-1) ?? {};
  expect(changed.verdict).toContain('1 of 2 kube-apiservers serves');
  expect(changed.lists).toBeUndefined();
});

test('while nothing changes a comment keeps the stream open', async () => {
  const { port } = await start({ figures: async () => [] });
  const text = await readUntil(await ask(port, '/events'), (some) => some.includes('\n: '));
  expect(text).toContain(': nothing new\n\n');
});

test('so many may look and no more, and who leaves makes room', async () => {
  const { port } = await start();
  const viewers: IncomingMessage[] = [];
  for (let i = 0; i < MAX_VIEWERS; i += 1) {
    const viewer = await ask(port, '/events');
    await readUntil(viewer, (text) => text.includes('data: '));
    viewers.push(viewer);
  }
  expect((await ask(port, '/events')).statusCode).toBe(503);
  expect((await ask(port, '/')).statusCode).toBe(200);
  viewers[0]?.destroy();
  await expect.poll(async () => (await ask(port, '/events')).statusCode).toBe(200);
});

test('one who does not read costs no memory, and then gets what is new', async () => {
  const { port, count } = await start();
  const stalled = await ask(port, '/events');
  stalled.pause();
  const before = process.memoryUsage().external;
  for (let i = 0; i < 100; i += 1) count(`GET /api/v1/namespaces/a/pods/${i}`);
  const other = await ask(port, '/events');
  await readUntil(other, (text) => text.split('\n\n').length > 20);
  expect(process.memoryUsage().external - before).toBeLessThan(8e6);
  const text = await readUntil(stalled, (some) => some.includes('data: '));
  expect(text).toContain('verdict');
});

test('a drain ends the streams in good order, without waiting for who looks', async () => {
  const { server, port } = await start();
  const events = await ask(port, '/events');
  await readUntil(events, (text) => text.includes('data: '));
  const ended = once(events, 'end');
  events.resume();
  const startedAtMs = performance.now();
  await Promise.all([server.close(), ended]);
  expect(performance.now() - startedAtMs).toBeLessThan(900);
});

test('no token, query or path of a client is on it, and its agent only as text', async () => {
  const { port, count } = await start();
  const failure = 'upstream_timeout';
  count('GET /api/v1/namespaces/a/pods/b/proxy/hunter2?token=hunter2', { failure, status: 504 });
  count('GET /api/v1/secrets?labelSelector=hunter2', { userAgent: '<script>alert(1)</script>' });
  await expect.poll(() => textOf(port, '/')).toContain('requests not answered in time');
  const page = await textOf(port, '/');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).not.toMatch(/hunter2|<script>/);
});
