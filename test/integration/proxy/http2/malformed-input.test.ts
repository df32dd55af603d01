// Frames that no library sends, and the exact error that each is answered with.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  Frame,
  frame,
  headers,
  PADDED,
  PREFACE,
  PRIORITY,
  REQUEST,
  settings,
  uint32,
} from '../../../../tools/http2-frames.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { type EngineServer, openEngine } from './support/engine.ts';
import { until } from './support/recorder.ts';

let server: EngineServer;
let raw: RawHttp2;

beforeAll(async () => {
  server = await openEngine({
    settings: { maxConcurrentStreams: 3, maxHeaderListBytes: 2000 },
    onRequest: ({ stream, headers: request }) => {
      if (!request.includes('/answer')) return;
      stream.sendHeaders([':status', '204'], true);
    },
  });
});
beforeEach(async () => {
  server.received.length = 0;
  server.oversized.length = 0;
  raw = await RawHttp2.connect(server.port);
});
afterEach(() => raw.destroy());
afterAll(() => server.close());

const POST = REQUEST.with(1, 'POST');
const ANSWER = REQUEST.with(5, '/answer');
const OPEN = headers(1, POST, END_HEADERS);
const DONE = headers(1, ANSWER);
const {
  PROTOCOL_ERROR,
  FLOW_CONTROL_ERROR,
  STREAM_CLOSED,
  FRAME_SIZE_ERROR,
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
} = ErrorCode;

test.each<[string, number, Buffer[]]>([
  ['a frame over 16384 bytes', FRAME_SIZE_ERROR, [frame(0xfa, 0, 0, Buffer.alloc(16_385))]],
  ['HEADERS on an even stream', PROTOCOL_ERROR, [headers(2)]],
  ['HEADERS on a stream that was skipped', STREAM_CLOSED, [headers(5), headers(3)]],
  ['HEADERS on a stream that is over', STREAM_CLOSED, [DONE, headers(1)]],
  ['DATA on a stream that is over', STREAM_CLOSED, [DONE, data(1, 'x')]],
  ['DATA on an idle stream', PROTOCOL_ERROR, [data(1, 'x')]],
  ['RST_STREAM on an idle stream', PROTOCOL_ERROR, [frame(3, 0, 1, uint32(8))]],
  ['WINDOW_UPDATE on an idle stream', PROTOCOL_ERROR, [frame(8, 0, 1, uint32(8))]],
  ['PUSH_PROMISE', PROTOCOL_ERROR, [OPEN, frame(5, END_HEADERS, 1, uint32(2))]],
  ['a header block that is no HPACK', COMPRESSION_ERROR, [frame(1, END_HEADERS, 1, '\x80')]],
  [
    'a header block on a stream that is over that is no HPACK',
    COMPRESSION_ERROR,
    [DONE, frame(1, END_HEADERS, 1, '\x80')],
  ],
  ['a connection window over 2^31-1', FLOW_CONTROL_ERROR, [frame(8, 0, 0, uint32(0x7fff_ffff))]],
  [
    'SETTINGS that take a stream window over 2^31-1',
    FLOW_CONTROL_ERROR,
    [OPEN, frame(8, 0, 1, uint32(0x7fff_ffff - 65_535)), settings([4, 65_536])],
  ],
  ['an initial window over 2^31-1', FLOW_CONTROL_ERROR, [settings([4, 0x8000_0000])]],
  ['a frame size of 100', PROTOCOL_ERROR, [settings([5, 100])]],
  ['a header block over all its frames too large', ENHANCE_YOUR_CALM, floodOfContinuation()],
  ['CONTINUATION of another stream', PROTOCOL_ERROR, [frame(1, 0, 1), frame(9, 4, 3)]],
  ['padding longer than the frame', PROTOCOL_ERROR, [OPEN, data(1, '\x05ab', PADDED)]],
])('%s ends the connection', async (_what, code, input) => {
  raw.write(...input);
  expect(await raw.goawayCode()).toBe(code);
  await until(() => raw.closed);
});

function floodOfContinuation(): Buffer[] {
  const part = Buffer.alloc(1000);
  return [frame(1, 0, 1, part), ...Array.from({ length: 4 }, () => frame(9, 0, 1, part))];
}

test.each<[string, number, Buffer[]]>([
  ['DATA after END_STREAM', STREAM_CLOSED, [headers(1, POST), data(1, 'x')]],
  ['HEADERS after END_STREAM', STREAM_CLOSED, [headers(1, POST), headers(1, ['a', 'b'])]],
  ['trailers without END_STREAM', PROTOCOL_ERROR, [OPEN, headers(1, ['a', 'b'], END_HEADERS)]],
  ['trailers with :status', PROTOCOL_ERROR, [OPEN, headers(1, [':status', '200'])]],
  ['a body over its content-length', PROTOCOL_ERROR, [withLength(3), data(1, 'four')]],
  ['a body under its content-length', PROTOCOL_ERROR, [withLength(3), data(1, 'no', END_STREAM)]],
  ['trailers that cut the body short', PROTOCOL_ERROR, [withLength(3), headers(1, ['a', 'b'])]],
  ['an increment of 0', PROTOCOL_ERROR, [OPEN, frame(8, 0, 1, uint32(0))]],
  ['a stream window over 2^31-1', FLOW_CONTROL_ERROR, [OPEN, frame(8, 0, 1, uint32(0x7fff_ffff))]],
  ['transfer-encoding', PROTOCOL_ERROR, [headers(1, [...POST, 'transfer-encoding', 'chunked'])]],
  ['CR LF in a value', PROTOCOL_ERROR, [headers(1, [...POST, 'a', 'b\r\nc: d'])]],
  ['a space in :path', PROTOCOL_ERROR, [headers(1, POST.with(5, '/ HTTP/1.1'))]],
  ['another host', PROTOCOL_ERROR, [headers(1, [...POST, 'host', 'other'])]],
  ['a PRIORITY on itself', PROTOCOL_ERROR, [OPEN, frame(2, 0, 1, Buffer.of(0, 0, 0, 1, 9))]],
  ['a new request that depends on itself', PROTOCOL_ERROR, [dependsOnItself()]],
])('%s ends the stream and not the connection', async (_what, code, input) => {
  raw.write(...input);
  expect(await raw.resetCode(1)).toBe(code);
  raw.write(headers(7, ANSWER));
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(7);
  expect(raw.of(Frame.GOAWAY)).toEqual([]);
});

function withLength(bytes: number): Buffer {
  return headers(1, [...POST, 'content-length', String(bytes)], END_HEADERS);
}

function dependsOnItself(id = 1): Buffer {
  const payload = Buffer.concat([uint32(id), Buffer.of(9), block(POST)]);
  return frame(1, END_HEADERS | PRIORITY, id, payload);
}

test('a malformed request never reaches the listener', async () => {
  raw.write(headers(1, [...POST, 'connection', 'close']), dependsOnItself(3));
  await raw.settled();
  expect(server.received).toHaveLength(0);
});

test.each([
  ['HTTP/1.1', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['a preface that goes wrong at its end', PREFACE.toString('latin1').replace('SM', 'SN')],
])('%s in place of the preface is answered with PROTOCOL_ERROR', async (_what, text) => {
  const other = await RawHttp2.connect(server.port, { bare: true });
  other.write(Buffer.from(text, 'latin1'));
  expect(await other.goawayCode()).toBe(PROTOCOL_ERROR);
  other.destroy();
});

test('a preface byte by byte is taken', async () => {
  const other = await RawHttp2.connect(server.port, { bare: true });
  for (const byte of Buffer.concat([PREFACE, settings(), headers(1, ANSWER)])) {
    other.write(Buffer.of(byte));
    await new Promise((resolve) => other.socket.write('', resolve));
  }
  expect((await other.next(Frame.HEADERS)).streamId).toBe(1);
  other.destroy();
});

test('a header block in frames of one byte, padded and with a priority, is one request', async () => {
  const bytes = block(ANSWER);
  const first = Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 9), bytes.subarray(0, 1), Buffer.of(0, 0)]);
  const rest = Array.from(bytes.subarray(1), (byte) => frame(9, 0, 1, Buffer.of(byte)));
  raw.write(frame(1, PADDED | PRIORITY | END_STREAM, 1, first), ...rest, frame(9, END_HEADERS, 1));
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(1);
  expect(server.received[0]).toMatchObject({ endStream: true, headers: ANSWER });
});

test('frames of unknown types are ignored', async () => {
  raw.write(frame(0xfa, 0xff, 0, 'x'), frame(0xfb, 0, 9, 'y'), headers(1, ANSWER));
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(1);
});

test('a request over the header list limit is told to the listener, and its stream lives', async () => {
  raw.write(headers(1, [...ANSWER, 'large', 'x'.repeat(2000)]));
  await until(() => server.oversized.length === 1);
  server.oversized[0]?.sendHeaders([':status', '431'], true);
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(1);
  expect(server.received).toHaveLength(0);
});

test('requests over the limit of streams are refused, the others go on', async () => {
  raw.write(...[1, 3, 5, 7, 9].map((id) => headers(id, POST, END_HEADERS)));
  expect(await raw.resetCode(7)).toBe(ErrorCode.REFUSED_STREAM);
  expect(await raw.resetCode(9)).toBe(ErrorCode.REFUSED_STREAM);
  expect(server.received).toHaveLength(3);
  raw.write(frame(3, 0, 1, uint32(8)), headers(11, ANSWER));
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(11);
});

test('frames that cross our reset are dropped, and their bytes counted', async () => {
  raw.write(OPEN);
  await until(() => server.received.length === 1);
  server.received[0]?.stream.reset(ErrorCode.CANCEL);
  expect(await raw.resetCode(1)).toBe(ErrorCode.CANCEL);
  const body = Buffer.alloc(16_384);
  // More than the connection window: what is dropped has to be given back.
  for (let i = 0; i < 1100; i++) raw.write(data(1, body));
  raw.write(headers(1, ['a', 'b']), frame(8, 0, 1, uint32(1)), frame(3, 0, 1, uint32(8)));
  raw.write(headers(3, ANSWER));
  expect((await raw.next(Frame.HEADERS)).streamId).toBe(3);
  expect(raw.of(Frame.GOAWAY)).toEqual([]);
  // One makes the window of 16 MiB at the start, and each half of it is given back.
  expect(raw.of(Frame.WINDOW_UPDATE).map(({ streamId }) => streamId)).toEqual([0, 0, 0]);
});

test('a stream window that is overrun ends the stream', async () => {
  const small = await openEngine({
    settings: { receiveWindowBytes: 70_000 },
    onRequest: ({ message }) => {
      message.consume = false;
    },
  });
  const peer = await RawHttp2.connect(small.port);
  peer.write(OPEN, ...Array.from({ length: 5 }, () => data(1, Buffer.alloc(16_384))));
  expect(await peer.resetCode(1)).toBe(FLOW_CONTROL_ERROR);
  expect(small.received[0]?.message.resets[0]?.detail).toBe('stream window overrun');
  peer.destroy();
  await small.close();
});

test('settings are acknowledged once each, and a PING is given back', async () => {
  raw.write(settings([4, 5]), settings(), frame(Frame.PING, 0, 0, 'abcdefgh'));
  const ping = await raw.next(Frame.PING);
  expect(ping).toMatchObject({ flags: ACK, payload: Buffer.from('abcdefgh') });
  expect(raw.of(Frame.SETTINGS).filter(({ flags }) => flags === ACK)).toHaveLength(3);
});
