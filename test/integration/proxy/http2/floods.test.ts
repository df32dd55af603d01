// Peers that make us work, or remember, without asking for anything.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import type { Http2Stream } from '../../../../proxy/http2/stream.ts';
import {
  ACK,
  block,
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
import { type EngineServer, openEngine } from './support/engine.ts';
import { until } from './support/recorder.ts';

const floodLimits = {
  resets: { burst: 100, perSecond: 1 },
  idleFrames: { burst: 100, perSecond: 1 },
};

let server: EngineServer;
let raw: RawHttp2;

beforeEach(async () => {
  server = await openEngine({ settings: { floodLimits } });
  raw = await RawHttp2.connect(server.port);
});
afterEach(async () => {
  raw.destroy();
  await server.close();
});

const OPEN = headers(1, REQUEST.with(1, 'POST'), END_HEADERS);

function times(count: number, make: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

test.each<[string, Buffer]>([
  ['PING', times(200, () => frame(Frame.PING, 0, 0, '12345678'))],
  ['answers to PINGs that were not sent', times(200, () => frame(Frame.PING, ACK, 0, '12345678'))],
  ['SETTINGS', times(200, () => settings([4, 5]))],
  ['acks of SETTINGS', times(200, () => frame(Frame.SETTINGS, ACK, 0))],
  ['PRIORITY', times(200, () => frame(Frame.PRIORITY, 0, 9, Buffer.of(0, 0, 0, 3, 9)))],
  ['unknown frames', times(200, () => frame(0xfa, 0, 0))],
  ['empty DATA', Buffer.concat([OPEN, times(200, () => data(1, ''))])],
  ['WINDOW_UPDATE', times(200, () => frame(Frame.WINDOW_UPDATE, 0, 0, uint32(1)))],
  ['GOAWAY', times(200, () => frame(Frame.GOAWAY, 0, 0, uint32(0, 0)))],
  [
    'rapid reset (CVE-2023-44487)',
    times(200, (i) =>
      Buffer.concat([headers(2 * i + 1), frame(Frame.RST_STREAM, 0, 2 * i + 1, uint32(8))]),
    ),
  ],
  [
    'resets that the peer provokes (CVE-2025-8671)',
    times(200, (i) =>
      Buffer.concat([headers(2 * i + 1), frame(Frame.WINDOW_UPDATE, 0, 2 * i + 1, uint32(0))]),
    ),
  ],
  [
    'header lists over the limit',
    times(3, (i) => {
      const list = block([
        ...REQUEST,
        ...Array(5)
          .fill(['x', 'y'.repeat(15_000)])
          .flat(),
      ]);
      const parts = [0, 1, 2, 3, 4].map((n) => list.subarray(n * 16_000, (n + 1) * 16_000));
      const frames = parts.map((part, n) =>
        frame(
          n === 0 ? Frame.HEADERS : Frame.CONTINUATION,
          n === 4 ? END_HEADERS : 0,
          2 * i + 1,
          part,
        ),
      );
      return Buffer.concat(frames);
    }),
  ],
  ['malformed requests', times(200, (i) => headers(2 * i + 1, [...REQUEST, 'te', 'gzip']))],
])('a flood of %s ends the connection with ENHANCE_YOUR_CALM', async (_what, input) => {
  raw.write(input);
  expect(await raw.goawayCode()).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  await until(() => server.closed.length === 1);
  expect(server.closed[0]).toMatchObject({ peerFault: true });
  expect(server.received.every(({ message }) => message.resets.length === 1)).toBe(true);
});

test('a client that cancels five hundred watches at once is no attacker', async () => {
  const own = await openEngine({ settings: { maxConcurrentStreams: 1000 } });
  const client = await RawHttp2.connect(own.port);
  client.write(times(500, (i) => headers(2 * i + 1)));
  await client.settled();
  client.write(times(500, (i) => frame(Frame.RST_STREAM, 0, 2 * i + 1, uint32(8))));
  await client.settled();
  expect(own.received.filter(({ message }) => message.resets.length === 1)).toHaveLength(500);
  expect(client.of(Frame.GOAWAY)).toEqual([]);
  client.destroy();
  await own.close();
});

test('a request that is reset in the same read reaches nobody, and others keep their order', async () => {
  raw.write(
    headers(1),
    headers(3),
    frame(Frame.RST_STREAM, 0, 3, uint32(8)),
    headers(5, REQUEST.with(1, 'POST'), END_HEADERS),
    data(5, 'body'),
    headers(7),
  );
  await raw.settled();
  expect(server.received.map(({ stream }) => (stream as Http2Stream).id)).toEqual([1, 5, 7]);
  expect(server.received[1]?.message.body.toString()).toBe('body');
  expect(server.connections[0]?.openStreams).toBe(3);
});

test('window given back for each byte of data is no flood', async () => {
  raw.write(settings([4, 1]), headers(1));
  await until(() => server.received.length === 1);
  server.received[0]?.stream.sendHeaders([':status', '200'], false);
  server.received[0]?.stream.sendData(Buffer.alloc(500), true);
  for (let bytes = 1; bytes < 500; bytes++) {
    await until(() => raw.of(Frame.DATA).length === bytes);
    raw.write(frame(8, 0, 1, uint32(1)), frame(8, 0, 0, uint32(1)));
  }
  await until(() => raw.of(Frame.DATA).length === 500);
  expect(raw.of(Frame.GOAWAY)).toEqual([]);
});

test('a peer that asks and never reads is dropped before it costs much memory', async () => {
  const own = await openEngine({
    settings: {
      // More than one read brings, and each is answered at once.
      maxConcurrentStreams: 5000,
      floodLimits: { ...floodLimits, idleFrames: { burst: 1e9, perSecond: 1e9 } },
    },
    onRequest: ({ stream }) => {
      stream.sendHeaders([':status', '304', 'x-large', 'y'.repeat(1000)], true);
    },
  });
  const deaf = await RawHttp2.connect(own.port);
  deaf.socket.pause();
  let id = 1;
  let largest = 0;
  await until(() => own.connections.length === 1);
  while (own.connections[0]?.accepting) {
    // Header sections are not under flow control, so nothing but the backlog stops them.
    deaf.write(times(100, (i) => headers(id + 2 * i)));
    id += 200;
    await new Promise((resolve) => deaf.socket.write('', resolve));
    largest = Math.max(largest, own.connections[0]?.socket.writableLength ?? 0);
    expect(id).toBeLessThan(200_000);
  }
  // It does not take our GOAWAY either, so it is dropped after a while.
  await until(() => own.closed.length === 1);
  expect(own.closed[0]?.detail).toContain('asks and does not read');
  expect(largest).toBeLessThan(8 * 1024 * 1024);
  deaf.destroy();
  await own.close();
});

test('streams that are reset while nothing may be sent are forgotten', async () => {
  const own = await openEngine({
    onRequest: ({ stream }) => {
      stream.sendHeaders([':status', '200'], false);
      stream.sendData(Buffer.alloc(100_000), true);
    },
  });
  const client = await RawHttp2.connect(own.port);
  client.write(headers(1));
  // The first response takes the whole window of the connection.
  await until(() => client.of(Frame.DATA).reduce((sum, f) => sum + f.payload.length, 0) === 65_535);
  for (let i = 1; i <= 1000; i++) {
    client.write(headers(2 * i + 1), frame(Frame.RST_STREAM, 0, 2 * i + 1, uint32(8)));
  }
  await client.settled();
  expect(own.connections[0]?.openStreams).toBe(1);
  client.write(frame(8, 0, 1, uint32(100_000)), frame(8, 0, 0, uint32(100_000)));
  await until(() => client.of(Frame.DATA).at(-1)?.flags === 1);
  expect(client.of(Frame.DATA).every(({ streamId }) => streamId === 1)).toBe(true);
  client.destroy();
  await own.close();
});
