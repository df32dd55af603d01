// What real clients do must not be taken for an attack.
import type { ClientHttp2Stream } from 'node:http2';
import { afterEach, expect, test, vi } from 'vitest';
import { type DoorFixture, fetchAnswer, openTestDoor } from '../../../support/open-door.ts';
import { answer } from '../../../support/scripted-apiserver.ts';

const WATCHES = 500;
const ADDED = '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}\n';

let fixture: DoorFixture;
afterEach(() => fixture.close());

test('a client-go that cancels five hundred watches at once, and again, keeps its connection', async () => {
  fixture = await openTestDoor(3, { limits: { streamsPerConnection: 1000 } });
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream, headers) => {
      if (!headers[':path']?.includes('watch')) {
        answer(stream, 200, 'ok');
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      stream.write(ADDED);
    };
  }
  const session = fixture.client();
  let goaway = false;
  session.on('goaway', () => {
    goaway = true;
  });
  for (let round = 0; round < 3; round++) {
    const streams = await openWatches(session);
    expect(fixture.door.openExchanges()).toBe(WATCHES);
    for (const stream of streams) stream.close(8);
    await vi.waitUntil(() => fixture.door.openExchanges() === 0, 5000);
  }
  expect((await fetchAnswer(session, { ':path': '/version' })).status).toBe(200);
  expect(goaway).toBe(false);
  expect(session.destroyed).toBe(false);
});

/** Resolves when each has its first event. */
async function openWatches(session: ReturnType<DoorFixture['client']>) {
  const opened: Promise<ClientHttp2Stream>[] = [];
  for (let i = 0; i < WATCHES; i++) {
    const stream = session.request({ ':path': '/api/v1/pods?watch=true' });
    stream.on('error', () => {});
    opened.push(new Promise((resolve) => stream.once('data', () => resolve(stream))));
  }
  return await Promise.all(opened);
}
