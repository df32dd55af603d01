// How our server ends a connection without losing a request: GOAWAY in two steps.

import { afterEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import type { HeaderList } from '../../../../proxy/http2/header-list.ts';
import {
  ACK,
  data,
  END_HEADERS,
  Frame,
  frame,
  headers,
  settings,
  uint32,
} from '../../../../tools/http2-frames.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { connectEngine, type EngineServer, GET, openEngine } from './support/engine.ts';
import { Recorder, until } from './support/recorder.ts';

const OK: HeaderList = [':status', '200'];
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(): Promise<{ server: EngineServer; raw: RawHttp2 }> {
  const server = await openEngine();
  closers.push(() => server.close());
  const raw = await RawHttp2.connect(server.port);
  closers.push(() => raw.destroy());
  await raw.settled();
  return { server, raw };
}

function goaways(raw: RawHttp2): number[] {
  return raw.of(Frame.GOAWAY).map(({ payload }) => payload.readUInt32BE(0));
}

async function answerPing(raw: RawHttp2): Promise<void> {
  const ping = await raw.next(Frame.PING, ({ flags }) => flags === 0);
  raw.write(frame(Frame.PING, ACK, 0, ping.payload));
}

test('a server takes requests between its two GOAWAYs, and none is lost', async () => {
  const { server, raw } = await open();
  raw.write(headers(1));
  await until(() => server.received.length === 1);
  server.connections[0]?.shutdown();
  await until(() => goaways(raw).length === 1);
  expect(server.connections[0]?.accepting).toBe(false);
  raw.write(headers(3));
  await answerPing(raw);
  await until(() => goaways(raw).length === 2);
  expect(goaways(raw)).toEqual([0x7fff_ffff, 3]);
  raw.write(headers(5));
  await raw.settled();
  expect(server.received).toHaveLength(2);
  expect(server.closed).toEqual([]);
  for (const { stream } of server.received) stream.sendHeaders(OK, true);
  await until(() => raw.closed);
  expect(raw.of(Frame.HEADERS).map(({ streamId }) => streamId)).toEqual([1, 3]);
  await until(() => server.closed.length === 1);
  expect(server.closed[0]).toEqual({ detail: 'shut down', peerFault: false });
});

test('a client that does not answer the PING is told the last stream after a second', async () => {
  const { server, raw } = await open();
  raw.write(headers(1));
  await until(() => server.received.length === 1);
  server.connections[0]?.shutdown();
  server.connections[0]?.shutdown();
  await until(() => goaways(raw).length === 2);
  expect(goaways(raw)).toEqual([0x7fff_ffff, 1]);
  // The answer comes late: nothing is said a third time.
  await answerPing(raw);
  await raw.settled();
  expect(goaways(raw)).toHaveLength(2);
});

test('frames on streams behind the second GOAWAY are dropped, however many', async () => {
  const { server, raw } = await open();
  raw.write(headers(1));
  await until(() => server.received.length === 1);
  server.connections[0]?.shutdown();
  await answerPing(raw);
  await until(() => goaways(raw).length === 2);
  for (let id = 3; id < 3000; id += 2) {
    raw.write(headers(id, undefined, END_HEADERS), data(id, 'x', 1), frame(3, 0, id, uint32(8)));
  }
  await raw.settled();
  server.received[0]?.stream.sendHeaders(OK, true);
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(1);
  await until(() => raw.closed);
  expect(goaways(raw)).toEqual([0x7fff_ffff, 1]);
});

test('an error after the second GOAWAY does not raise the last stream', async () => {
  const { server, raw } = await open();
  raw.write(headers(1));
  await until(() => server.received.length === 1);
  server.connections[0]?.shutdown();
  await answerPing(raw);
  await until(() => goaways(raw).length === 2);
  raw.write(headers(9), frame(Frame.PING, 0, 1, '12345678'));
  await until(() => goaways(raw).length === 3);
  expect(goaways(raw)).toEqual([0x7fff_ffff, 1, 1]);
});

test('an idle connection that is shut down ends at once after the second GOAWAY', async () => {
  const { server, raw } = await open();
  server.connections[0]?.shutdown();
  await answerPing(raw);
  await until(() => raw.closed);
  await until(() => server.closed.length === 1);
});

test('close ends what is open, and says so to both sides', async () => {
  const { server, raw } = await open();
  raw.write(headers(1));
  await until(() => server.received.length === 1);
  server.connections[0]?.close('the door is closed');
  expect(server.received[0]?.message.resets[0]?.detail).toBe('the door is closed');
  expect(await raw.goawayCode()).toBe(ErrorCode.NO_ERROR);
  await until(() => server.closed.length === 1);
  expect(server.closed[0]).toEqual({ detail: 'the door is closed', peerFault: false });
});

test('our last words reach a peer that has ended its half of the connection', async () => {
  const { server, raw } = await open();
  raw.socket.pause();
  raw.write(settings([4, 0x7fff_ffff]), frame(8, 0, 0, uint32(0x7f00_0000)), headers(1));
  await until(() => server.received.length === 1);
  const [connection] = server.connections;
  server.received[0]?.stream.sendHeaders(OK, false);
  server.received[0]?.stream.sendData(Buffer.alloc(20_000_000), true);
  await until(() => connection?.socket.writableNeedDrain === true);
  connection?.close('over');
  raw.socket.end();
  await until(() => connection?.socket.readableEnded === true);
  raw.socket.resume();
  expect(await raw.goawayCode()).toBe(ErrorCode.NO_ERROR);
});

test('nothing is told of a connection after its last call', async () => {
  const server = await openEngine({
    onRequest: () => server.connections[0]?.destroy('gone'),
  });
  closers.push(() => server.close());
  const raw = await RawHttp2.connect(server.port);
  closers.push(() => raw.destroy());
  raw.write(headers(1), headers(3), headers(5));
  await until(() => server.closed.length === 1);
  await until(() => raw.closed);
  expect(server.received).toHaveLength(1);
  expect(server.received[0]?.message.resets).toHaveLength(1);
});

test('our client and our server shut down together while requests race it, and none is lost', async () => {
  const server = await openEngine({
    onRequest: ({ stream }) => setImmediate(() => stream.sendHeaders(OK, true)),
  });
  closers.push(() => server.close());
  const client = await connectEngine(server.port);
  closers.push(() => client.close());
  const messages: Recorder[] = [];
  while (client.connection.accepting) {
    const message = new Recorder();
    messages.push(message);
    client.connection.request(GET, true, message);
    if (messages.length === 20) server.connections[0]?.shutdown();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => client.closed.length === 1);
  expect(messages.length).toBeGreaterThanOrEqual(20);
  expect(messages.every(({ ended, resets }) => ended && resets.length === 0)).toBe(true);
  expect(server.received).toHaveLength(messages.length);
});
