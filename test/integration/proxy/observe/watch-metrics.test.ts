// What the door says of the watches that it has carried, from their bytes on the wire.
import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Exposition } from '../../../proxy/observe/support/exposition.ts';
import { type DoorFixture, openTestDoor } from '../../../support/open-door.ts';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0;q=0.9,*/*;q=0.1';
const HELD_MS = 60;

let fixture: DoorFixture;
/** The door's watch, on the side of the apiserver. */
let upstream: ServerHttp2Stream | undefined;

beforeAll(async () => {
  fixture = await openTestDoor(1);
  const [apiserver] = fixture.apiservers;
  if (apiserver === undefined) throw new Error('no apiserver');
  apiserver.behaviour = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    upstream = stream;
  };
});

afterAll(() => fixture.close());

async function scrape(): Promise<Exposition> {
  const url = `http://127.0.0.1:${fixture.door.adminPort}/metrics`;
  return new Exposition(await (await fetch(url)).text());
}

function eventOf(version: number, type = 'MODIFIED'): string {
  const metadata = { name: 'a', namespace: 'b', resourceVersion: String(version) };
  return `${JSON.stringify({ type, object: { kind: 'ConfigMap', apiVersion: 'v1', metadata } })}\n`;
}

/** A watch whose answer has come. */
async function watch(resource: string): Promise<ClientHttp2Stream> {
  const session = fixture.client(fixture.pki.admin);
  upstream = undefined;
  const path = `/api/v1/${resource}?watch=1&resourceVersion=1`;
  const stream = session.request({ ':path': path, 'user-agent': 'watcher/1' });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('response', resolve));
  return stream;
}

test('an event is timed from its first byte, which may have come long before its last', async () => {
  const stream = await watch('configmaps');
  const event = eventOf(5);
  const received = new Promise<string>((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length >= 2 * event.length) resolve(text);
    });
  });
  upstream?.write(event.slice(0, 30));
  await new Promise((resolve) => setTimeout(resolve, HELD_MS));
  // The rest, and behind it a whole one.
  upstream?.write(event.slice(30) + eventOf(6));
  expect(await received).toBe(event + eventOf(6));
  const labels = { resource: 'configmaps' };
  const exposition = await scrape();
  expect(exposition.sum('apiserver_watch_events_total', labels)).toBe(2);
  expect(exposition.sum('apiserver_watch_events_sizes_sum', labels)).toBe(2 * event.length);
  const name = 'evenkeel_watch_event_latency_seconds';
  expect(exposition.sum(`${name}_count`, labels)).toBe(2);
  // One of them was held for so long, and only one.
  const slow = 2 - (exposition.sum(`${name}_bucket`, { ...labels, le: '0.025' }) ?? 0);
  expect(slow).toBe(1);
  expect(exposition.sum(`${name}_sum`, labels)).toBeGreaterThanOrEqual((HELD_MS - 5) / 1000);
  expect(exposition.sum('evenkeel_watches', labels)).toBe(1);
  stream.close();
  await vi.waitFor(async () => {
    const after = await scrape();
    expect(after.sum('evenkeel_watches', labels)).toBe(0);
    expect(after.sum('evenkeel_watch_ends_total', { reason: 'client_gone' })).toBe(1);
  });
});

test('a client that does not read is a slow consumer, and its events are late', async () => {
  const stream = await watch('secrets');
  // What it has not read keeps its window closed.
  stream.pause();
  const big = eventOf(7).replace('"name":"a"', `"name":"${'a'.repeat(100_000)}"`);
  for (let i = 0; i < 40; i += 1) upstream?.write(big);
  await vi.waitFor(
    async () => expect((await scrape()).sum('evenkeel_watch_slow_consumers')).toBe(1),
    { timeout: 10_000, interval: 100 },
  );
  const labels = { resource: 'secrets' };
  const counted = (await scrape()).sum('evenkeel_watch_event_latency_seconds_count', labels) ?? 0;
  // The first one alone is larger than the window.
  expect(counted).toBe(0);
  let bytes = 0;
  const all = new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes === 40 * big.length) resolve();
    });
  });
  stream.resume();
  await all;
  const exposition = await scrape();
  expect(exposition.sum('evenkeel_watch_slow_consumers')).toBe(0);
  const name = 'evenkeel_watch_event_latency_seconds';
  expect(exposition.sum(`${name}_count`, labels)).toBe(40);
  expect(exposition.sum(`${name}_bucket`, { ...labels, le: '1' })).toBeLessThan(40);
  stream.close();
});

test('the admin port speaks OpenMetrics to who asks for it, and shows who asks for most', async () => {
  const admin = `http://127.0.0.1:${fixture.door.adminPort}`;
  const answer = await fetch(`${admin}/metrics`, { headers: { accept: OPENMETRICS } });
  expect(answer.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  );
  const text = await answer.text();
  expect(text).toContain('# TYPE apiserver_request counter\n');
  expect(text.endsWith('\n# EOF\n')).toBe(true);
  const top = await (await fetch(`${admin}/debug/top`)).json();
  expect(top).toMatchObject({
    clientsByRequests: [{ names: ['admin', 'watcher/1', '127.0.0.1'] }],
  });
});
