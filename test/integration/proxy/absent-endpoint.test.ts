import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { type DoorFixture, openTestDoor } from '../../support/open-door.ts';

let fixture: DoorFixture;

afterEach(async () => {
  await fixture.close();
});

// A check that fails to connect had asked for the next one at once, and so on: a whole processor, for
// as long as an apiserver was away.
test('an apiserver that takes no connection is asked at the pace of health checks', async () => {
  fixture = await openTestDoor(2);
  const { apiservers, door } = fixture;
  const [gone] = apiservers;
  if (gone === undefined) throw new Error('no apiserver');
  const port = Number(new URL(gone.url).port);
  await gone.kill();
  let connections = 0;
  const nobody = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
    socket.destroy();
  }).listen(port, '127.0.0.1');
  try {
    await once(nobody, 'listening');
    await vi.waitFor(() => expect(door.readyEndpoints()).toBe(1), { timeout: 20_000 });
    await vi.waitFor(() => expect(connections).toBeGreaterThan(0), { timeout: 20_000 });
    connections = 0;
    // Two seconds are two checks; without a pace they are hundreds.
    await delay(2000);
    expect(connections).toBeLessThan(10);
  } finally {
    nobody.close();
  }
});
