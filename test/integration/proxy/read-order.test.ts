// Reads that a watch cache answers: a client does not see objects go back in time because one
// replica is behind another.
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { CONFIGMAPS, openSimulatedDoor, type SimulatedDoor } from './watch/simulated-door.ts';

let fixture: SimulatedDoor;

afterEach(() => fixture.close());

const LAG_MS = 60_000;
/** How long a lagging replica lets a read wait before its 504. */
const FRESHNESS_MS = 100;

async function list(
  session: ClientHttp2Session,
  query = '',
  agent = 'test',
): Promise<{ status: number; version: number; reason: string }> {
  const stream = session.request({ ':path': `${CONFIGMAPS}?${query}`, 'user-agent': agent });
  const [headers] = await once(stream, 'response');
  let text = '';
  for await (const chunk of stream) text += chunk;
  const { metadata, message = '' } = JSON.parse(text);
  return {
    status: Number(headers[':status']),
    version: Number(metadata.resourceVersion),
    reason: message,
  };
}

/** Replicas whose index is named show nothing that is written from now on. */
async function openWithLag(...lagging: number[]): Promise<void> {
  fixture = await openSimulatedDoor({ simulator: { freshnessTimeoutMs: FRESHNESS_MS } });
  fixture.write('before');
  for (const index of lagging) fixture.replica(index).lag(LAG_MS);
  for (let i = 0; i < 5; i++) fixture.write('after');
}

test('a client that has listed never reads an older state on the same connection', async () => {
  await openWithLag(0, 1);
  for (let client = 0; client < 12; client++) {
    const session = fixture.session();
    const seen = [(await list(session, 'resourceVersion=0')).version];
    for (let i = 0; i < 12; i++) {
      seen.push((await list(session, 'resourceVersion=0')).version);
    }
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  }
});

test('a client that connects again never reads an older state than before', async () => {
  await openWithLag(0, 1);
  for (let client = 0; client < 6; client++) {
    const seen: number[] = [];
    for (let connection = 0; connection < 8; connection++) {
      const session = fixture.session();
      const { version } = await list(session, 'resourceVersion=0', `client-${client}`);
      seen.push(version);
      session.close();
      await once(session, 'close');
    }
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  }
});

test('clients are still spread over all replicas', async () => {
  await openWithLag(0);
  const versions = new Set<number>();
  for (let client = 0; client < 12; client++) {
    const agent = `client-${client}`;
    versions.add((await list(fixture.session(), 'resourceVersion=0', agent)).version);
  }
  expect(versions.size).toBe(2);
});

test('many connections of one client are spread as well', async () => {
  await openWithLag(0);
  const stale = [];
  for (let connection = 0; connection < 24; connection++) {
    const { version } = await list(fixture.session(), 'resourceVersion=0');
    stale.push(version < fixture.revision);
  }
  const there = stale.filter(Boolean).length;
  expect(there).toBeGreaterThanOrEqual(4);
  expect(there).toBeLessThanOrEqual(13);
});

test('a read that is too far ahead of one replica is answered by another', async () => {
  await openWithLag(0, 1);
  const query = `resourceVersion=${fixture.revision}&resourceVersionMatch=NotOlderThan`;
  for (let client = 0; client < 9; client++) {
    const { status, version } = await list(fixture.session(), query);
    expect(status).toBe(200);
    expect(version).toBeGreaterThanOrEqual(fixture.revision);
  }
});

test('a read that is too far ahead of every replica gets the own answer of the apiserver', async () => {
  await openWithLag(0, 1, 2);
  const query = `resourceVersion=${fixture.revision}&resourceVersionMatch=NotOlderThan`;
  const { status, reason } = await list(fixture.session(), query);
  expect(status).toBe(504);
  expect(reason).toMatch(/Too large resource version/);
});

test('a client whose replica is gone is served by another', async () => {
  await openWithLag();
  const session = fixture.session();
  await list(session, 'resourceVersion=0');
  for (const index of [0, 1]) fixture.replica(index).kill();
  expect((await list(session, 'resourceVersion=0')).status).toBe(200);
});
