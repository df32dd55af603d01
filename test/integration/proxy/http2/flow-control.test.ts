// Our client and our server together: windows, back-pressure, and turns.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HeaderList } from '../../../../proxy/http2/header-list.ts';
import {
  data,
  END_HEADERS,
  Frame,
  frame,
  headers,
  REQUEST,
  settings,
  uint32,
} from '../../../../tools/http2-frames.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import {
  connectEngine,
  type EngineClient,
  type EngineServer,
  GET,
  openEngine,
  POST,
  type Received,
} from './support/engine.ts';
import { Recorder, until } from './support/recorder.ts';

const WINDOW = 256 * 1024;
const OK: HeaderList = [':status', '200'];

let server: EngineServer;
let client: EngineClient;
let answer: (received: Received) => void;

beforeEach(async () => {
  answer = () => {};
  server = await openEngine({ onRequest: (received) => answer(received) });
  client = await connectEngine(server.port);
});
afterEach(async () => {
  await client.close();
  await server.close();
});

function ask(list = GET, endStream = true) {
  const message = new Recorder();
  return { message, stream: client.connection.request(list, endStream, message) };
}

/** The peer has dealt with all that was sent to it, and we with all that it answered. */
function settled(): Promise<void> {
  return new Promise((resolve) => client.connection.ping(() => resolve()));
}

test.each([0, 1, 16_384, 16_385, 10 * 1024 * 1024])('%i bytes go up and down', async (bytes) => {
  const body = Buffer.alloc(bytes, 'The quick brown fox. ');
  answer = ({ stream, message }) => {
    const { onData } = message;
    message.onData = (from, chunk, end) => {
      onData.call(message, from, chunk, end);
      if (!end) return;
      stream.sendHeaders(OK, false);
      stream.sendData(message.body, true);
    };
  };
  const { message, stream } = ask(POST, false);
  stream.sendData(body, true);
  await until(() => message.ended, 15_000);
  expect(message.body.equals(body)).toBe(true);
  expect(client.connection.openStreams + (server.connections[0]?.openStreams ?? 9)).toBe(0);
});

test('a receiver that consumes nothing is sent exactly one window, and goes on when it does', async () => {
  answer = ({ stream, message }) => {
    message.consume = false;
    stream.sendHeaders(OK, false);
  };
  const { message, stream } = ask(POST, false);
  stream.sendData(Buffer.alloc(1024 * 1024), true);
  const received = () => server.received[0]?.message;
  await until(() => received()?.receivedBytes === WINDOW);
  await settled();
  await settled();
  expect(received()?.receivedBytes).toBe(WINDOW);
  expect(message.sentBytes).toBe(WINDOW);
  expect(client.connection.socket.writableLength).toBe(0);
  // Half a window is what is given back at once.
  server.received[0]?.stream.consumed(WINDOW / 2 - 1);
  await settled();
  expect(received()?.receivedBytes).toBe(WINDOW);
  server.received[0]?.stream.consumed(1);
  await until(() => received()?.receivedBytes === 1.5 * WINDOW);
  await settled();
  expect(received()?.receivedBytes).toBe(1.5 * WINDOW);
  const last = received();
  if (last !== undefined) last.consume = true;
  server.received[0]?.stream.consumed(WINDOW);
  await until(() => received()?.ended === true);
  expect(received()?.receivedBytes).toBe(1024 * 1024);
  expect(message.sentBytes).toBe(1024 * 1024);
});

test('a hundred streams that nobody consumes do not hold up one more', async () => {
  const body = Buffer.alloc(200_000, 'x');
  answer = ({ stream, message, headers: [, , , , , , , path] }) => {
    message.consume = path === '/fast';
    stream.sendHeaders(OK, false);
  };
  for (let i = 0; i < 99; i++) ask(POST, false).stream.sendData(body, true);
  const fast = ask(POST.with(7, '/fast'), false);
  fast.stream.sendData(Buffer.alloc(1_000_000), true);
  await until(() => server.received.at(-1)?.message.ended === true, 15_000);
  expect(server.received.at(-1)?.message.receivedBytes).toBe(1_000_000);
});

test('streams that share a small connection window take turns', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders(OK, false);
    stream.sendData(Buffer.alloc(60_000), true);
  };
  const raw = await RawHttp2.connect(server.port);
  raw.write(...[1, 3, 5].map((id) => headers(id)));
  const sum = () => raw.of(Frame.DATA).reduce((bytes, { payload }) => bytes + payload.length, 0);
  await until(() => sum() === 65_535);
  for (let total = 65_535; total < 3 * 60_000; ) {
    raw.write(frame(Frame.WINDOW_UPDATE, 0, 0, uint32(5000)));
    total = Math.min(total + 5000, 3 * 60_000);
    await until(() => sum() === total);
  }
  // The first stream took what there was; the other two then went on side by side.
  const order = raw.of(Frame.DATA).map(({ streamId }) => streamId);
  const shared = order.slice(order.indexOf(5)).slice(0, 12);
  expect(shared.filter((id) => id === 3).length).toBe(6);
  expect(shared.filter((id) => id === 5).length).toBe(6);
  raw.destroy();
});

test('a window that settings make negative opens only when it is positive again', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders(OK, false);
    stream.sendData(Buffer.alloc(2000), true);
  };
  const raw = await RawHttp2.connect(server.port, {});
  raw.write(settings([4, 1000]), headers(1));
  const sum = () => raw.of(Frame.DATA).reduce((bytes, { payload }) => bytes + payload.length, 0);
  await until(() => sum() === 1000);
  raw.write(settings([4, 100]));
  raw.write(frame(Frame.WINDOW_UPDATE, 0, 1, uint32(900)));
  await raw.settled();
  expect(sum()).toBe(1000);
  raw.write(frame(Frame.WINDOW_UPDATE, 0, 1, uint32(10)));
  await until(() => sum() === 1010);
  raw.write(settings([4, 200]));
  await until(() => sum() === 1110);
  raw.write(settings([4, 5000]));
  await until(() => sum() === 2000);
  expect(raw.of(Frame.DATA).at(-1)?.flags).toBe(1);
  raw.destroy();
});

test('a peer that opens all windows and stops reading is waited for, at no great cost', async () => {
  const bytes = 20_000_000;
  answer = ({ stream }) => {
    stream.sendHeaders(OK, false);
    stream.sendData(Buffer.alloc(bytes), true);
  };
  const raw = await RawHttp2.connect(server.port);
  await raw.settled();
  raw.socket.pause();
  raw.write(settings([4, 0x7fff_ffff]), frame(8, 0, 0, uint32(0x7f00_0000)), headers(1));
  const socket = () => server.connections.at(-1)?.socket;
  await until(() => socket()?.writableNeedDrain === true);
  expect(socket()?.writableLength).toBeLessThan(1024 * 1024);
  raw.socket.resume();
  const sum = () => raw.of(Frame.DATA).reduce((all, { payload }) => all + payload.length, 0);
  await until(() => sum() === bytes);
  raw.destroy();
});

test('padding is given back without being consumed by anyone', async () => {
  answer = ({ message }) => {
    message.consume = false;
  };
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1, REQUEST.with(1, 'POST'), END_HEADERS));
  const padded = Buffer.concat([Buffer.of(254), Buffer.alloc(255)]);
  for (let i = 0; i < 2 * (WINDOW / 256); i++) raw.write(frame(Frame.DATA, 8, 1, padded));
  raw.write(data(1, 'end', 1));
  await until(() => server.received[0]?.message.ended === true);
  expect(raw.of(Frame.RST_STREAM)).toEqual([]);
  raw.destroy();
});

test('a small receive window does not count against what was sent before it was known', async () => {
  const small = await openEngine({
    settings: { receiveWindowBytes: 1000 },
    onRequest: ({ message }) => {
      message.consume = false;
    },
  });
  const raw = await RawHttp2.connect(small.port);
  // The default window holds until we acknowledge the server's settings.
  raw.write(headers(1, REQUEST.with(1, 'POST'), END_HEADERS));
  for (let i = 0; i < 4; i++) raw.write(data(1, Buffer.alloc(16_000)));
  await until(() => small.received[0]?.message.receivedBytes === 64_000);
  raw.write(frame(Frame.SETTINGS, 1, 0), headers(3, REQUEST.with(1, 'POST'), END_HEADERS));
  raw.write(data(3, Buffer.alloc(1001)));
  expect(await raw.resetCode(3)).toBe(3);
  expect(raw.of(Frame.GOAWAY)).toEqual([]);
  raw.destroy();
  const own = await connectEngine(small.port);
  const message = new Recorder();
  const stream = own.connection.request(POST, false, message);
  await new Promise<void>((resolve) => own.connection.ping(() => resolve()));
  stream.sendData(Buffer.alloc(5000), true);
  await until(() => small.received.at(-1)?.message.receivedBytes === 1000);
  await own.close();
  await small.close();
});

test('data that is sent from within onSent keeps its place', async () => {
  const parts = Array.from({ length: 40 }, (_, i) => Buffer.alloc(30_000, i));
  answer = ({ stream, message }) => {
    const rest = [...parts];
    const next = () => {
      const part = rest.shift();
      if (part !== undefined) stream.sendData(part, rest.length === 0);
    };
    message.onSent = next;
    stream.sendHeaders(OK, false);
    next();
    next();
  };
  const { message } = ask();
  await until(() => message.ended);
  expect(message.body.equals(Buffer.concat(parts))).toBe(true);
});

test('the last bytes of a message are reported as sent, although its stream is over', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders(OK, false);
    stream.sendData(Buffer.alloc(1_000_000), true);
  };
  const { message } = ask();
  await until(() => message.ended);
  expect(server.received[0]?.message.sentBytes).toBe(1_000_000);
});

test('a reset throws away what waited, and gives its turn to others', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders(OK, false);
    stream.sendData(Buffer.alloc(100_000), true);
  };
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1), headers(3));
  const sum = () => raw.of(Frame.DATA).reduce((bytes, { payload }) => bytes + payload.length, 0);
  await until(() => sum() === 65_535);
  raw.write(frame(Frame.RST_STREAM, 0, 1, uint32(8)), frame(8, 0, 3, uint32(100_000)));
  raw.write(frame(8, 0, 0, uint32(100_000)));
  await until(() => raw.of(Frame.DATA).at(-1)?.flags === 1);
  const after = raw.of(Frame.DATA).filter(({ streamId }) => streamId === 3);
  expect(after.reduce((bytes, { payload }) => bytes + payload.length, 0)).toBe(100_000);
  raw.destroy();
});
