// What a request waits for inside the door: a connection that is still being opened, and endpoints
// that were asked before.
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Exposition } from '../../../proxy/observe/support/exposition.ts';
import { fetchAnswer, openTestDoor } from '../../../support/open-door.ts';
import { answer } from '../../../support/scripted-apiserver.ts';
import { connectEngine, temporaryPki } from '../http2/support/engine.ts';
import { Recorder } from '../http2/support/recorder.ts';

const NAME = 'evenkeel_request_queue_seconds';
const REFUSED_STREAM = 7;
const HELD_MS = 60;

test('a connection is ready when its handshake is over, and not when it is first written to', async () => {
  const { pki, remove } = await temporaryPki();
  onTestFinished(remove);
  const held = Promise.withResolvers<(error: null, context?: SecureContext) => void>();
  const { cert, key } = pki.door;
  const server = createSecureServer({
    cert,
    key,
    SNICallback: (_name, done) => held.resolve(done),
  });
  server.on('stream', (stream) =>
    // The types of node:http2 give every stream of a server as a plain one.
    (stream as ServerHttp2Stream).respond({ ':status': 204 }, { endStream: true }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const socket = connectTls({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: 'localhost',
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  const { connection, close } = await connectEngine(socket);
  const message = new Recorder();
  const headers = [':method', 'GET', ':scheme', 'https', ':path', '/', ':authority', 'localhost'];
  connection.request(headers, true, message);
  const finish = await held.promise;
  expect(connection.readyAtMs).toBeUndefined();
  const heldUntilMs = performance.now();
  finish(null);
  await vi.waitFor(() => expect(connection.readyAtMs).toBeDefined(), 10_000);
  expect(connection.readyAtMs).toBeGreaterThanOrEqual(heldUntilMs);
  await close();
});

test('a request has queued for as long as earlier attempts took, and only then', async () => {
  const fixture = await openTestDoor(2);
  onTestFinished(() => fixture.close());
  let asked = 0;
  for (const apiserver of fixture.apiservers) {
    apiserver.behaviour = (stream) => {
      asked += 1;
      if (asked === 1) setTimeout(() => stream.close(REFUSED_STREAM), HELD_MS);
      else answer(stream, 200, 'ok');
    };
  }
  const client = fixture.client(fixture.pki.admin);
  const got = await fetchAnswer(client, { ':path': '/api/v1/namespaces/a/pods/b' });
  expect([got.status, asked]).toEqual([200, 2]);
  await fetchAnswer(client, { ':path': '/api/v1/namespaces/a/pods/c' });
  await vi.waitFor(async () => {
    const url = `http://127.0.0.1:${fixture.door.adminPort}/metrics`;
    const exposition = new Exposition(await (await fetch(url)).text());
    expect(exposition.sum(`${NAME}_count`)).toBe(2);
    expect(exposition.sum(`${NAME}_sum`)).toBeGreaterThanOrEqual((HELD_MS - 5) / 1000);
    // One was held, and is counted where it went last.
    expect(exposition.sum(`${NAME}_bucket`, { le: '0.05' })).toBeLessThanOrEqual(1);
  }, 10_000);
});
