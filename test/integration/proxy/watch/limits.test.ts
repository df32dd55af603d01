// Where a watch cannot go on, or not at once: fresh replicas, initial events, slow clients, the end
// of the door itself; and how watches come back to balance.
import { afterEach, expect, test, vi } from 'vitest';
import { openSimulatedDoor, type SimulatedDoor } from './simulated-door.ts';
import type { WatchClient } from './watch-client.ts';

let fixture: SimulatedDoor;
let closed = false;

afterEach(async () => {
  if (!closed) await fixture.close();
  closed = false;
});

const TIMEOUT = { timeout: 15_000, interval: 10 };

function spread(): number[] {
  return fixture.simulator.replicas.map((replica) => replica.stats().openWatches);
}

function untilTrue(condition: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(condition()).toBe(true), TIMEOUT);
}

async function restart(index: number): Promise<void> {
  fixture.replica(index).kill();
  await untilTrue(() => fixture.door.readyEndpoints() < fixture.door.endpointCount);
  await fixture.replica(index).restart();
  await untilTrue(() => fixture.door.readyEndpoints() === fixture.door.endpointCount);
}

/** The index of the only replica with a watch. */
function holder(): number {
  return spread().findIndex((count) => count > 0);
}

function versionsOf({ events }: WatchClient): string[] {
  return events.map(({ version }) => version);
}

test('a watch from before the start of a fresh replica is served by the others', async () => {
  fixture = await openSimulatedDoor({ config: { balancing: { slowStart: '1ms' } } });
  const { revision } = fixture;
  fixture.write('a');
  fixture.write('b');
  await restart(0);
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => fixture.watch(`resourceVersion=${revision}`)),
  );
  await untilTrue(() => clients.every(({ events }) => events.length === 2));
  for (const client of clients) {
    expect(client.events).toEqual(fixture.history);
    expect(client.end).toBeUndefined();
  }
});

test('a version that no replica has any more gets the own Expired of the apiserver', async () => {
  fixture = await openSimulatedDoor({ simulator: { replicas: 2 } });
  const { revision } = fixture;
  fixture.write('a');
  await restart(0);
  await restart(1);
  const client = await fixture.watch(`resourceVersion=${revision}`);
  await untilTrue(() => client.end === 'end');
  expect(client.events).toEqual([{ type: 'ERROR', version: '410' }]);
});

test('a lost watch that no replica can go on with ends with END_STREAM, then gets Expired', async () => {
  fixture = await openSimulatedDoor({ simulator: { replicas: 2 } });
  const { revision } = fixture;
  const client = await fixture.watch(`resourceVersion=${revision}`);
  const [held, other] = holder() === 0 ? [0, 1] : [1, 0];
  // What is written while the other one is away is in nobody's history but the first one's.
  fixture.replica(held).lag(60_000);
  fixture.replica(other).kill();
  fixture.write('a');
  await untilTrue(() => fixture.door.readyEndpoints() === 1);
  await fixture.replica(other).restart();
  await untilTrue(() => fixture.door.readyEndpoints() === 2);
  fixture.replica(held).kill();
  await untilTrue(() => client.end !== undefined);
  expect(client.end).toBe('end');
  expect(client.events).toEqual([]);
  const again = await fixture.watch(`resourceVersion=${revision}`);
  await untilTrue(() => again.end === 'end');
  expect(again.events).toEqual([{ type: 'ERROR', version: '410' }]);
});

test.each(['', 'resourceVersion=0', 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan'])(
  'initial events of "%s" that were cut off end with END_STREAM at an event',
  async (query) => {
    fixture = await openSimulatedDoor();
    for (let i = 0; i < 50; i++) fixture.write(`object-${i}`, 40_000);
    const client = await fixture.watch(query, { paused: true });
    fixture.replica(holder()).kill();
    client.read();
    await untilTrue(() => client.end !== undefined);
    expect(client.end).toBe('end');
    expect(client.restBytes).toBe(0);
  },
);

test('a watch list goes on as a plain watch once its initial events have ended', async () => {
  fixture = await openSimulatedDoor();
  fixture.write('a');
  fixture.write('b');
  const client = await fixture.watch(
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
  );
  await untilTrue(() => client.bookmarks.length === 1);
  fixture.replica(holder()).kill();
  fixture.write('c');
  await untilTrue(() => client.events.length === 3);
  expect(versionsOf(client)).toEqual(fixture.history.map(({ version }) => version));
  expect(client.end).toBeUndefined();
});

test('the time that a client asked for ends its watch, also after a move', async () => {
  fixture = await openSimulatedDoor();
  const beganAtMs = performance.now();
  const client = await fixture.watch(`resourceVersion=${fixture.revision}&timeoutSeconds=3`);
  fixture.replica(holder()).kill();
  fixture.write('a');
  await untilTrue(() => client.end !== undefined);
  expect(client.end).toBe('end');
  expect(client.events).toHaveLength(1);
  const lastedMs = performance.now() - beganAtMs;
  expect(lastedMs).toBeGreaterThan(2500);
  expect(lastedMs).toBeLessThan(5000);
});

test.each(['h2', 'http1'] as const)(
  'a client that reads nothing for a while gets all events in order (%s)',
  async (protocol) => {
    fixture = await openSimulatedDoor({ simulator: { watchBufferMaxBytes: 256 * 1024 } });
    const query = `resourceVersion=${fixture.revision}`;
    const client = await fixture.watch(query, { protocol, paused: true });
    // Far more than all buffers on the way: the replica ends such a watch, and the door resumes it.
    for (let i = 0; i < 150; i++) {
      fixture.write(`object-${i % 10}`, 100_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const replica of fixture.simulator.replicas) replica.reset();
    client.read();
    await untilTrue(() => client.events.length >= 150);
    expect(client.events).toEqual(fixture.history);
    expect(client.end).toBeUndefined();
  },
);

test('after a restart the watches come back to balance, and no client notices', async () => {
  fixture = await openSimulatedDoor({
    config: { watches: { rebalance: { settle: '500ms' } } },
    simulator: { bookmarkIntervalMs: 500 },
  });
  const clients = await Promise.all(
    Array.from({ length: 90 }, () => fixture.watch(`resourceVersion=${fixture.revision}`)),
  );
  await restart(1);
  expect(spread()[1]).toBe(0);
  const writing = setInterval(() => fixture.write('object', 100), 20);
  await untilTrue(() => Math.max(...spread()) <= 1.1 * 30 && Math.min(...spread()) > 0);
  clearInterval(writing);
  await untilTrue(() => clients.every(({ events }) => events.length === fixture.history.length));
  for (const client of clients) {
    expect(client.events).toEqual(fixture.history);
    expect(client.end).toBeUndefined();
  }
  expect(
    await fixture.metric(
      'evenkeel_watch_continuations_total{reason="rebalance",result="continued"',
    ),
  ).toBeGreaterThan(20);
});

test('a replica that is not ready but still sends is emptied', async () => {
  fixture = await openSimulatedDoor({
    config: { watches: { rebalance: { settle: '500ms' } } },
  });
  const clients = await Promise.all(
    Array.from({ length: 30 }, () => fixture.watch(`resourceVersion=${fixture.revision}`)),
  );
  fixture.replica(2).setReady(false);
  await untilTrue(() => spread()[2] === 0);
  fixture.write('a');
  await untilTrue(() => clients.every(({ events }) => events.length === 1));
  for (const client of clients) expect(client.end).toBeUndefined();
});

test('the drain of the door ends every watch with END_STREAM, and none in its first second', async () => {
  fixture = await openSimulatedDoor();
  const query = `resourceVersion=${fixture.revision}`;
  const kinds = [
    { protocol: 'h2', encoding: 'json' },
    { protocol: 'http1', encoding: 'protobuf' },
  ] as const;
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, i) => fixture.watch(query, kinds[i % 2])),
  );
  const openedAtMs = performance.now();
  closed = true;
  const draining = fixture.door.drain();
  await untilTrue(() => clients.some(({ end }) => end !== undefined));
  expect(performance.now() - openedAtMs).toBeGreaterThan(900);
  await draining;
  await untilTrue(() => clients.every(({ end }) => end !== undefined));
  for (const client of clients) {
    expect(client.end).toBe('end');
    expect(client.restBytes).toBe(0);
  }
  await fixture.simulator.stop();
});

test('neither watches nor load are left when all clients have gone', async () => {
  fixture = await openSimulatedDoor();
  const clients = await Promise.all(
    Array.from({ length: 30 }, () => fixture.watch(`resourceVersion=${fixture.revision}`)),
  );
  fixture.replica(0).reset();
  fixture.replica(1).kill();
  for (const client of clients) client.cancel();
  await untilTrue(() => fixture.door.openExchanges() === 0);
  await untilTrue(() => spread().every((count) => count === 0));
  expect(await fixture.metric('evenkeel_endpoint_watches')).toBe(0);
});
