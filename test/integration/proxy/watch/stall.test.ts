// The process of the door stands still, as on a machine that is too busy, and everything comes late
// at once: that is the door's silence, not that of the replicas.
import { afterEach, expect, test, vi } from 'vitest';
import { openSimulatedDoor, type SimulatedDoor } from './simulated-door.ts';

let fixture: SimulatedDoor;

afterEach(() => fixture.close());

/** Stops this process for so long, without using the machine. */
function standStill(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

test('after a stall of the door no watch moves and no replica is suspected', async () => {
  fixture = await openSimulatedDoor();
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => fixture.watch(`resourceVersion=${fixture.revision}`)),
  );
  // Long enough for every connection to count as dead.
  standStill(5500);
  const untilMs = performance.now() + 1500;
  await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(untilMs), { timeout: 5000 });
  fixture.write('a');
  await vi.waitFor(() => {
    for (const { events } of clients) expect(events).toHaveLength(1);
  });
  expect(await fixture.metric('evenkeel_watch_continuations_total')).toBe(0);
  for (const { end } of clients) expect(end).toBeUndefined();
});
