// design.md, watches: on the loss of an endpoint a watch goes on elsewhere, without a gap, without
// an event twice or out of order, and without an end that its client sees.
import { afterEach, expect, test, vi } from 'vitest';
import { openSimulatedDoor, type SimulatedDoor } from './simulated-door.ts';
import type { WatchClient, WatchOptions } from './watch-client.ts';

let fixture: SimulatedDoor;
let writing: NodeJS.Timeout | undefined;

afterEach(async () => {
  clearInterval(writing);
  await fixture.close();
});

const KINDS: readonly Pick<WatchOptions, 'protocol' | 'encoding'>[] = [
  { protocol: 'h2', encoding: 'json' },
  { protocol: 'h2', encoding: 'protobuf' },
  { protocol: 'http1', encoding: 'json' },
  { protocol: 'http1', encoding: 'protobuf' },
];
const WRITE_MS = 4;
/** Enough for what is written while a replica is frozen. */
const simulator = { historySize: 20_000 };
const TIMEOUT = { timeout: 15_000, interval: 10 };

/** Writes, updates and deletes steadily until it is stopped. */
function keepWriting(): () => void {
  let turn = 0;
  clearInterval(writing);
  writing = setInterval(() => {
    turn += 1;
    fixture.write(`object-${turn % 20}`, 200);
    if (turn % 7 === 0) fixture.remove(`object-${turn % 20}`);
  }, WRITE_MS);
  return () => clearInterval(writing);
}

function watchesOf(count: number, query = `resourceVersion=${fixture.revision}`) {
  return Promise.all(
    Array.from({ length: count }, (_, i) => fixture.watch(query, KINDS[i % KINDS.length])),
  );
}

/** How many watches each replica has now. */
function spread(): number[] {
  return fixture.simulator.replicas.map((replica) => replica.stats().openWatches);
}

async function untilMore(events: number): Promise<void> {
  const wanted = fixture.history.length + events;
  await vi.waitFor(() => expect(fixture.history.length).toBeGreaterThan(wanted), TIMEOUT);
}

/** Every client has every event since it began, in order and once, and is still open. */
async function expectWhole(clients: readonly WatchClient[]): Promise<void> {
  await vi.waitFor(() => {
    for (const client of clients) {
      expect(client.events.length).toBeGreaterThanOrEqual(fixture.history.length);
    }
  }, TIMEOUT);
  for (const client of clients) {
    expect(client.events).toEqual(fixture.history);
    expect(client.end).toBeUndefined();
  }
}

test('a replica is killed under load: no client loses, repeats or reorders an event', async () => {
  fixture = await openSimulatedDoor({ simulator });
  const clients = await watchesOf(48);
  expect(Math.min(...spread())).toBeGreaterThan(0);
  const stop = keepWriting();
  await untilMore(100);
  fixture.replica(0).kill();
  await untilMore(200);
  stop();
  await expectWhole(clients);
  expect(await fixture.metric('evenkeel_watch_continuations_total{reason="lost"')).toBeGreaterThan(
    0,
  );
});

test('connections are reset under load: the same', async () => {
  fixture = await openSimulatedDoor({ simulator });
  const clients = await watchesOf(24);
  const stop = keepWriting();
  for (let round = 0; round < 6; round++) {
    await untilMore(50);
    fixture.replica(round % 3).reset();
  }
  await untilMore(50);
  stop();
  await expectWhole(clients);
});

test('replicas end their watches in order, as a shutdown does: the same', async () => {
  fixture = await openSimulatedDoor({ simulator });
  const clients = await watchesOf(24);
  const stop = keepWriting();
  for (let round = 0; round < 6; round++) {
    await untilMore(50);
    fixture.replica(round % 3).endWatches();
  }
  await fixture.replica(1).terminate({ delayMs: 300, watchGraceMs: 50 });
  await untilMore(100);
  stop();
  await expectWhole(clients);
});

test('a frozen replica costs at most three seconds of silence, and doubles nothing', async () => {
  fixture = await openSimulatedDoor({ simulator });
  const clients = await watchesOf(24);
  const stop = keepWriting();
  await untilMore(50);
  fixture.replica(2).freeze();
  await vi.waitFor(
    () => {
      const slowest = Math.min(...clients.map(({ events }) => events.length));
      expect(fixture.history.length).toBeGreaterThan(800);
      expect(slowest).toBeGreaterThan(fixture.history.length - 100);
    },
    { timeout: 10_000, interval: 20 },
  );
  for (const client of clients) expect(client.longestSilenceMs).toBeLessThan(3000);
  fixture.replica(2).thaw();
  await untilMore(200);
  stop();
  await expectWhole(clients);
});

test('a replica that wakes before it is given up keeps what is not moved yet, and all is whole', async () => {
  fixture = await openSimulatedDoor({ simulator });
  const clients = await watchesOf(24);
  const stop = keepWriting();
  for (const pauseMs of [1200, 2100, 2400, 2700]) {
    fixture.replica(1).freeze();
    const wakeAtMs = performance.now() + pauseMs;
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(wakeAtMs), TIMEOUT);
    fixture.replica(1).thaw();
    await untilMore(100);
  }
  stop();
  await expectWhole(clients);
});

test('two thousand watches lose their replica at once: all go on, at a pace', async () => {
  fixture = await openSimulatedDoor({ simulator });
  const session = [fixture.session(), fixture.session(), fixture.session(), fixture.session()];
  session.push(fixture.session(), fixture.session(), fixture.session(), fixture.session());
  const query = `resourceVersion=${fixture.revision}`;
  const clients = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => fixture.watch(query, { session: session[i % 8] })),
  );
  const before = spread();
  expect(Math.min(...before)).toBeGreaterThan(500);
  fixture.write('before');
  await expectWhole(clients);
  fixture.replica(0).kill();
  fixture.write('during');
  await expectWhole(clients);
  expect(spread().reduce((sum, count) => sum + count, 0)).toBe(2000);
  fixture.write('after');
  await expectWhole(clients);
});
