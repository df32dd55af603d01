// What our client makes of a server that goes away, answers wrongly, or ends the connection.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import type { HeaderList } from '../../../../proxy/http2/header-list.ts';
import {
  data,
  END_HEADERS,
  Frame,
  frame,
  headers,
  PREFACE,
  settings,
  uint32,
} from '../../../../tools/http2-frames.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { connectEngine, GET, POST, portOf } from './support/engine.ts';
import { Recorder, until } from './support/recorder.ts';

const OK: HeaderList = [':status', '200'];
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server by hand, which has read and sent what every connection begins with. */
async function rawServer(): Promise<{ port: number; accepted: Promise<RawHttp2> }> {
  const server: Server = createServer();
  const accepted = once(server, 'connection').then(([socket]) => {
    const raw = new RawHttp2(socket as Socket, PREFACE.length);
    raw.write(settings());
    closers.push(() => raw.destroy());
    return raw;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return { port: portOf(server), accepted };
}

async function clientOfRawServer() {
  const { port, accepted } = await rawServer();
  const client = await connectEngine(port);
  closers.push(() => client.close());
  const ask = (list = GET, endStream = true) => {
    const message = new Recorder();
    return { message, stream: client.connection.request(list, endStream, message) };
  };
  return { client, raw: await accepted, ask };
}

test('a client hands back the streams above the last id as unprocessed, and keeps the others', async () => {
  const { client, raw, ask } = await clientOfRawServer();
  const asked = [ask(), ask(), ask()];
  raw.write(frame(Frame.GOAWAY, 0, 0, Buffer.concat([uint32(3, 11), Buffer.from('too_many')])));
  await until(() => asked[2]?.message.resets.length === 1);
  expect(asked[2]?.message.resets[0]).toEqual({
    code: ErrorCode.REFUSED_STREAM,
    unprocessed: true,
    detail: 'GOAWAY ENHANCE_YOUR_CALM too_many',
  });
  expect(client.connection).toMatchObject({ accepting: false, capacity: 0 });
  // The server may have written on the third before it knew: that ends nothing.
  raw.write(frame(Frame.HEADERS, 5, 5, '\x88'), frame(Frame.RST_STREAM, 0, 5, uint32(8)));
  raw.write(frame(Frame.HEADERS, 5, 1, '\x88'), frame(Frame.HEADERS, 4, 3, '\x88'));
  raw.write(data(3, 'rest', 1));
  await until(() => client.closed.length === 1);
  expect(asked.map(({ message }) => message.ended)).toEqual([true, true, false]);
  expect(client.closed[0]?.peerFault).toBe(false);
});

test('a server that names no limit of streams has none, and until it has spoken it has 100', async () => {
  const { port, accepted } = await rawServer();
  const client = await connectEngine(port);
  closers.push(() => client.close());
  expect(client.connection.capacity).toBe(100);
  const raw = await accepted;
  await until(() => client.connection.capacity === Number.POSITIVE_INFINITY);
  raw.write(settings([3, 2]));
  await until(() => client.connection.capacity === 2);
  client.connection.request(GET, true, new Recorder());
  expect(client.connection.capacity).toBe(1);
  raw.write(settings([3, 0]));
  await until(() => client.connection.capacity === 0);
});

test('a second GOAWAY may lower the last id', async () => {
  const { raw, ask } = await clientOfRawServer();
  const asked = [ask(), ask()];
  raw.write(frame(Frame.GOAWAY, 0, 0, uint32(0x7fff_ffff, 0)));
  raw.write(frame(Frame.GOAWAY, 0, 0, uint32(1, 0)));
  await until(() => asked[1]?.message.resets.length === 1);
  expect(asked[0]?.message.resets).toEqual([]);
});

test('a connection that ends without a GOAWAY leaves it open whether a request was processed', async () => {
  const { raw, ask } = await clientOfRawServer();
  const { message } = ask();
  await raw.next(Frame.HEADERS);
  raw.socket.destroy();
  await until(() => message.resets.length === 1);
  expect(message.resets[0]).toMatchObject({ unprocessed: false });
});

test('a request that never left the process is certainly unprocessed', async () => {
  const { client, ask } = await clientOfRawServer();
  const { message } = ask();
  client.connection.destroy('lost');
  expect(message.resets).toEqual([{ code: ErrorCode.CANCEL, unprocessed: true, detail: 'lost' }]);
});

test('RST_STREAM NO_ERROR behind a complete response does not take it away', async () => {
  const { raw, ask } = await clientOfRawServer();
  const { message, stream } = ask(POST, false);
  stream.sendData(Buffer.alloc(200_000), true);
  raw.write(frame(Frame.HEADERS, 5, 1, '\x88'), frame(Frame.RST_STREAM, 0, 1, uint32(0)));
  await until(() => message.resets.length === 1);
  expect(message).toMatchObject({ ended: true, status: '200' });
  expect(message.resets[0]).toMatchObject({ code: ErrorCode.NO_ERROR, unprocessed: false });
});

test('a client that is shut down finishes what it has and then closes', async () => {
  const { client, raw, ask } = await clientOfRawServer();
  const { message } = ask();
  client.connection.shutdown();
  expect(client.connection.accepting).toBe(false);
  raw.write(frame(Frame.HEADERS, 5, 1, '\x88'));
  await until(() => client.closed.length === 1);
  expect(message.ended).toBe(true);
  expect(client.closed[0]).toEqual({ detail: 'shut down', peerFault: false });
});

test.each<[string, string, Buffer[]]>([
  ['DATA before its response', 'DATA before the response', [data(1, 'x')]],
  ['101', 'response 101', [headers(1, [':status', '101'], END_HEADERS)]],
  ['1xx that ends', '1xx response that ends', [headers(1, [':status', '100'])]],
  ['no status', ':status missing', [headers(1, ['a', 'b'])]],
  ['a body to HEAD', 'longer than its content-length', [headers(1, [...OK], 4), data(1, 'x')]],
  ['two responses', 'trailers', [headers(1, [...OK], 4), headers(1, [...OK], 4)]],
])('a response with %s is reset and told as a protocol error', async (_what, detail, input) => {
  const { client, raw, ask } = await clientOfRawServer();
  const { message } = ask(GET.with(1, 'HEAD'));
  raw.write(...input);
  await until(() => message.resets.length === 1);
  expect(message.resets[0]).toMatchObject({ code: ErrorCode.PROTOCOL_ERROR, unprocessed: false });
  expect(message.resets[0]?.detail).toContain(detail);
  expect(client.connection.accepting).toBe(true);
});

test.each<[string, Buffer[]]>([
  ['PUSH_PROMISE', [frame(Frame.PUSH_PROMISE, 4, 1, uint32(2))]],
  ['HEADERS on a stream that was not opened', [headers(3, [...OK])]],
  ['HEADERS on an even stream', [headers(2, [...OK])]],
  ['a response behind the response', [headers(1, [...OK]), headers(1, [...OK])]],
])('a server that sends %s is left', async (_what, input) => {
  const { client, raw, ask } = await clientOfRawServer();
  ask();
  raw.write(...input);
  await until(() => client.closed.length === 1);
  expect(client.closed[0]?.peerFault).toBe(true);
});

test('a server that does not begin with SETTINGS is left', async () => {
  const server = createServer((socket) =>
    socket.on('error', () => {}).write('HTTP/1.1 400 \r\n\r\n'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await connectEngine(portOf(server));
  await until(() => client.closed.length === 1);
  expect(client.closed[0]?.peerFault).toBe(true);
  server.close();
});
