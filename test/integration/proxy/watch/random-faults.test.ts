// Any order of faults: the watches of a random schedule see every event once and in order. The order
// is that of the seed, so that a failure can be seen again; others may be put into SEEDS.
import { afterEach, expect, test, vi } from 'vitest';
import type { Replica } from '../../../../simulator/replica.ts';
import { openSimulatedDoor, type SimulatedDoor } from './simulated-door.ts';

let fixture: SimulatedDoor;
let writing: NodeJS.Timeout | undefined;

afterEach(async () => {
  clearInterval(writing);
  await fixture.close();
});

const ROUNDS = 12;
const SEEDS = [5];

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A fault, and what ends it. At most one replica at a time: with none left nobody can go on. */
const FAULTS: readonly ((replica: Replica) => Promise<void> | void)[] = [
  (replica) => replica.reset(),
  (replica) => replica.endWatches(),
  async (replica) => {
    replica.kill();
    await pass(600);
    await replica.restart();
  },
  async (replica) => {
    replica.freeze();
    await pass(2500);
    replica.thaw();
  },
  async (replica) => {
    replica.freeze();
    await pass(300);
    replica.thaw();
  },
  async (replica) => {
    replica.lag(400);
    await pass(800);
    replica.lag(0);
  },
  async (replica) => {
    replica.setReady(false);
    await pass(800);
    replica.setReady(true);
  },
  async (replica) => {
    await replica.terminate({ delayMs: 300, watchGraceMs: 100, drainMs: 500 });
    await replica.restart();
  },
];

function pass(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

test.each(SEEDS)(
  'seed %i: faults in random order lose, double and reorder nothing',
  { timeout: 120_000 },
  async (seed) => {
    const random = randomFrom(seed);
    const below = (count: number): number => Math.floor(random() * count);
    fixture = await openSimulatedDoor({
      simulator: { historySize: 50_000, bookmarkIntervalMs: 300 },
      config: { watches: { rebalance: { settle: '200ms' } } },
    });
    const query = `resourceVersion=${fixture.revision}`;
    const clients = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        fixture.watch(query, {
          protocol: i % 2 === 0 ? 'h2' : 'http1',
          encoding: i % 4 < 2 ? 'json' : 'protobuf',
        }),
      ),
    );
    writing = setInterval(() => fixture.write(`object-${below(30)}`, below(3000)), 5);
    for (let round = 0; round < ROUNDS; round++) {
      await FAULTS[below(FAULTS.length)]?.(fixture.replica(below(3)));
      // A fresh replica must be known as such before the next one goes.
      await vi.waitFor(() => expect(fixture.door.readyEndpoints()).toBe(3), { timeout: 10_000 });
    }
    clearInterval(writing);
    await vi.waitFor(
      () => {
        for (const { events } of clients) expect(events.length).toBe(fixture.history.length);
      },
      { timeout: 10_000, interval: 20 },
    );
    for (const client of clients) {
      expect(client.events).toEqual(fixture.history);
      expect(client.end).toBeUndefined();
    }
  },
);
