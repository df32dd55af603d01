// Connections that cannot be made, or that vanish.
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../../proxy/http2/connection.ts';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import {
  END_HEADERS,
  Frame,
  frame,
  headers,
  PREFACE,
  REQUEST,
} from '../../../../tools/http2-frames.ts';
import type { Pki } from '../../../../tools/pki.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { connectEngine, GET, openEngine, POST, portOf, temporaryPki } from './support/engine.ts';
import { Recorder, until } from './support/recorder.ts';

let pki: Pki;
let removePki: () => Promise<void>;
const SECRET: typeof GET = [...GET, 'authorization', 'Bearer secret'];

beforeAll(async () => {
  ({ pki, remove: removePki } = await temporaryPki());
});
afterAll(() => removePki());

function secure(port: number, ca: string, ALPNProtocols = ['h2']): TLSSocket {
  return connect({ host: '127.0.0.1', port, ca, ALPNProtocols });
}

test('a request may be made before the handshake ends, and is answered over TLS', async () => {
  const server = await openEngine({
    pki,
    onRequest: ({ stream }) => {
      stream.sendHeaders([':status', '200'], false);
      stream.sendData(Buffer.from('hello'), true);
    },
  });
  const client = await connectEngine(secure(server.port, pki.clusterCa.cert));
  const message = new Recorder();
  const stream = client.connection.request(POST, false, message);
  // More than is gathered at once, so that some has to wait for the handshake.
  stream.sendData(Buffer.alloc(60_000), false);
  stream.sendData(Buffer.alloc(600_000), true);
  await until(() => message.ended);
  await until(() => server.received[0]?.message.receivedBytes === 660_000);
  expect(message.body.toString()).toBe('hello');
  await client.close();
  await server.close();
});

test('a refused connection leaves its requests unprocessed', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  const dial = [() => secure(port, pki.clusterCa.cert), () => connectTcp(port, '127.0.0.1')];
  for (const socket of dial) {
    const client = await connectEngine(socket());
    const message = new Recorder();
    client.connection.request(GET, true, message);
    await until(() => client.closed.length === 1);
    expect(message.resets[0]).toMatchObject({ unprocessed: true });
    expect(client.closed[0]?.detail).toContain('ECONNREFUSED');
    expect(client.closed[0]?.peerFault).toBe(false);
  }
});

test.each([
  ['is not trusted', 'otherCa', ['h2']],
  ['does not choose HTTP/2', 'clusterCa', ['http/1.1']],
] as const)('a server that %s never sees a byte of a request', async (_what, ca, protocols) => {
  let received = 0;
  const { cert, key } = pki.door;
  const server = createTlsServer({ cert, key, ALPNProtocols: [...protocols] }, (socket) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await connectEngine(secure(portOf(server), pki[ca].cert, ['h2', 'http/1.1']));
  const message = new Recorder();
  client.connection.request(SECRET, true, message);
  await until(() => client.closed.length === 1);
  expect(message.resets).toMatchObject([{ unprocessed: true }]);
  const closed = once(server, 'close');
  server.close();
  await closed;
  expect(received).toBe(0);
});

test('a peer that vanishes in the middle of a body resets the stream, once', async () => {
  const server = await openEngine();
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1, REQUEST.with(1, 'POST'), END_HEADERS));
  await until(() => server.received.length === 1);
  raw.socket.resetAndDestroy();
  await until(() => server.closed.length === 1);
  expect(server.received[0]?.message).toMatchObject({ ended: false });
  expect(server.received[0]?.message.resets).toMatchObject([{ unprocessed: false }]);
  expect(server.connections[0]?.openStreams).toBe(0);
  await server.close();
});

test('a peer that ends its half of the connection ends the connection', async () => {
  const server = await openEngine();
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1));
  await until(() => server.received.length === 1);
  raw.socket.end();
  await until(() => server.closed.length === 1);
  expect(server.closed[0]).toEqual({ detail: 'connection ended by peer', peerFault: false });
  expect(server.received[0]?.message.resets).toHaveLength(1);
  await server.close();
});

test('a connection over a socket that is gone already says so', async () => {
  const socket = connectTcp(1, '127.0.0.1').on('error', () => {});
  await until(() => socket.closed);
  const client = await connectEngine(socket);
  const message = new Recorder();
  client.connection.request(GET, true, message);
  await until(() => client.closed.length === 1);
  expect(message.resets).toMatchObject([{ unprocessed: true }]);
});

test('what is called on a connection that is over does nothing', async () => {
  const server = await openEngine();
  const client = await connectEngine(server.port);
  const message = new Recorder();
  const stream = client.connection.request(POST, false, message);
  await until(() => server.received.length === 1);
  client.connection.destroy('lost');
  const { connection } = client;
  connection.shutdown();
  connection.close('again');
  connection.destroy('again');
  connection.ping(() => {});
  stream.sendData(Buffer.from('x'), false);
  stream.sendHeaders(['a', 'b'], true);
  stream.consumed(1);
  stream.stopReading();
  stream.reset(ErrorCode.CANCEL);
  expect(() => connection.request(GET, true, message)).toThrow('over: lost');
  expect(message.resets).toHaveLength(1);
  expect(client.closed).toEqual([{ detail: 'lost', peerFault: false }]);
  await server.close();
});

test('header text that is not one byte a character is refused, and the connection goes on', async () => {
  const server = await openEngine({
    onRequest: ({ stream }) => stream.sendHeaders([':status', '200'], true),
  });
  const client = await connectEngine(server.port);
  const message = new Recorder();
  const wrong: typeof GET = [...GET, 'x-remote-user', '\u0141dmin'];
  expect(() => client.connection.request(wrong, true, message)).toThrow('one byte a character');
  expect(client.connection.openStreams).toBe(0);
  client.connection.request(GET, true, message);
  await until(() => message.ended);
  await client.close();
  await server.close();
});

test('owedSinceMs tells since when a peer owes the rest of something', async () => {
  const server = await openEngine();
  const raw = await RawHttp2.connect(server.port, { bare: true });
  await until(() => server.connections.length === 1);
  const connection = server.connections[0] as Connection;
  const owing = () => connection.owedSinceMs !== undefined;
  const send = (hex: string) => raw.write(Buffer.from(hex, 'hex'));
  expect(owing()).toBe(true);
  raw.write(PREFACE);
  send('000000040000000000');
  await until(() => !owing());
  send('0000');
  await until(owing);
  send('00040000000000');
  await until(() => !owing());
  // HEADERS without END_HEADERS: the block stays open, and bytes of its next frame change nothing.
  send('000001010000000001' + '82');
  await until(owing);
  const since = connection.owedSinceMs;
  for (const byte of ['00', '00', '05', '09']) {
    const before = connection.lastReadAtMs;
    send(byte);
    await until(() => connection.lastReadAtMs > before);
    expect(connection.owedSinceMs).toBe(since);
  }
  raw.destroy();
  await server.close();
});

test('a body in the middle of a frame owes nothing', async () => {
  const server = await openEngine();
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1, REQUEST.with(1, 'POST'), END_HEADERS));
  raw.write(frame(Frame.DATA, 0, 1, 'x'.repeat(100)).subarray(0, 50));
  await until(() => server.received[0]?.message.receivedBytes === 41);
  expect(server.connections[0]?.owedSinceMs).toBeUndefined();
  raw.destroy();
  await server.close();
});

test('lastReadAtMs moves with each read', async () => {
  const server = await openEngine();
  const raw = await RawHttp2.connect(server.port);
  await raw.settled();
  const connection = server.connections[0] as Connection;
  const before = connection.lastReadAtMs;
  await until(() => performance.now() > before);
  await raw.settled();
  expect(connection.lastReadAtMs).toBeGreaterThan(before);
  raw.destroy();
  await server.close();
});

test('a peer that does not take the end of a connection is dropped', async () => {
  const sockets: Socket[] = [];
  const server = await openEngine({ onSocket: (socket) => sockets.push(socket) });
  const raw = await RawHttp2.connect(server.port);
  await raw.settled();
  raw.socket.pause();
  server.connections[0]?.close('over');
  await until(() => sockets[0]?.destroyed === true);
  await until(() => server.closed.length === 1);
  raw.destroy();
  await server.close();
});
