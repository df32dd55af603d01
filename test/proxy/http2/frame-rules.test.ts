import { expect, test } from 'vitest';
import { FrameReader } from '../../../proxy/http2/frame-reader.ts';
import { FrameRules } from '../../../proxy/http2/frame-rules.ts';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  Frame,
  frame,
  PADDED,
  PRIORITY,
  settings,
  uint32,
} from '../../../tools/http2-frames.ts';

/** Reads frames behind a first SETTINGS, and writes down what comes out of the rules. */
function read(...input: Buffer[]): string[] {
  return readFrom(settings(), ...input).slice(1);
}

function readFrom(...input: Buffer[]): string[] {
  const calls: string[] = [];
  const text = (bytes: Buffer, start: number, end: number) => bytes.toString('latin1', start, end);
  const rules = new FrameRules(
    {
      onHeaderBlock: ({ streamId, endStream, dependsOnItself }, bytes, start, end) => {
        const marks = `${endStream ? ' end' : ''}${dependsOnItself ? ' itself' : ''}`;
        calls.push(`block ${streamId}${marks} ${text(bytes, start, end)}`);
      },
      onDataFrame: (id, length) => calls.push(`data ${id} ${length}`),
      onData: () => {},
      onResetStream: (id, code) => calls.push(`reset ${id} ${code}`),
      onStreamError: (id, code, detail) => calls.push(`error ${id} ${code} ${detail}`),
    },
    {
      onSettings: (payload) => calls.push(`settings ${payload.toString('hex')}`),
      onSettingsAck: () => calls.push('settings ack'),
      onPing: (bytes, start, ack) =>
        calls.push(`ping ${text(bytes, start, start + 8)}${ack ? ' ack' : ''}`),
      onGoaway: (last, code, detail) => calls.push(`goaway ${last} ${code} ${detail}`),
      onWindowUpdate: (id, increment) => calls.push(`window ${id} ${increment}`),
      onIdleFrame: () => calls.push('idle'),
    },
    1000,
  );
  const reader = new FrameReader(rules);
  for (const part of input) reader.push(part);
  return calls;
}

const SELF = uint32(1);
const OTHER = uint32(0x8000_0003);
const WEIGHT = Buffer.of(15);

test.each([
  ['HEADERS', [frame(1, END_HEADERS, 1, 'abc')], ['block 1 abc']],
  ['HEADERS that end the stream', [frame(1, END_HEADERS | END_STREAM, 1, 'a')], ['block 1 end a']],
  ['padded HEADERS', [frame(1, END_HEADERS | PADDED, 1, '\x02abc\0\0')], ['block 1 abc']],
  [
    'HEADERS with a priority',
    [frame(1, END_HEADERS | PRIORITY, 1, Buffer.concat([OTHER, WEIGHT, Buffer.from('abc')]))],
    ['block 1 abc'],
  ],
  [
    'padded HEADERS with a priority on themselves',
    [
      frame(
        1,
        END_HEADERS | PRIORITY | PADDED,
        1,
        Buffer.concat([Buffer.of(1), SELF, WEIGHT, Buffer.from('abc\0')]),
      ),
    ],
    ['block 1 itself abc'],
  ],
  [
    'a block in three frames',
    [frame(1, END_STREAM, 1, 'a'), frame(9, 0, 1, 'b'), frame(9, END_HEADERS, 1, 'c')],
    ['block 1 end abc'],
  ],
  ['an empty block', [frame(1, 0, 1), frame(9, 0, 1), frame(9, END_HEADERS, 1)], ['block 1 ']],
  ['RST_STREAM', [frame(3, 0, 5, uint32(8))], ['reset 5 8']],
  ['PRIORITY', [frame(2, 0, 5, Buffer.concat([OTHER, WEIGHT]))], ['idle']],
  [
    'a PRIORITY on itself',
    [frame(2, 0, 1, Buffer.concat([SELF, WEIGHT]))],
    ['idle', 'error 1 1 stream depends on itself'],
  ],
  ['SETTINGS', [settings([1, 2])], ['settings 000100000002']],
  ['an ack of SETTINGS', [frame(4, ACK, 0)], ['settings ack']],
  ['PING', [frame(6, 0, 0, '12345678')], ['ping 12345678']],
  ['an ack of PING', [frame(6, ACK, 0, '12345678')], ['ping 12345678 ack']],
  [
    'GOAWAY',
    [frame(7, 0, 0, Buffer.concat([uint32(9, 2), Buffer.from('why')]))],
    ['goaway 9 2 why'],
  ],
  ['WINDOW_UPDATE of the connection', [frame(8, 0, 0, uint32(5))], ['window 0 5']],
  ['WINDOW_UPDATE of a stream', [frame(8, 0, 3, uint32(0x8000_0005))], ['window 3 5']],
  ['an increment of 0', [frame(8, 0, 3, uint32(0))], ['error 3 1 window increment 0']],
  ['a frame of an unknown type', [frame(0xfa, 0xff, 9, 'x')], ['idle']],
  ['DATA', [frame(0, 0, 1, 'abc')], ['data 1 3']],
])('%s is passed on', (_what, input, calls) => {
  expect(read(...input)).toEqual(calls);
});

const BLOCK = frame(Frame.HEADERS, 0, 1, 'a');

test.each([
  ['DATA on stream 0', [frame(0, 0, 0, 'a')], 'PROTOCOL_ERROR'],
  ['HEADERS on stream 0', [frame(1, END_HEADERS, 0, 'a')], 'PROTOCOL_ERROR'],
  ['PRIORITY on stream 0', [frame(2, 0, 0, Buffer.alloc(5))], 'PROTOCOL_ERROR'],
  ['RST_STREAM on stream 0', [frame(3, 0, 0, uint32(8))], 'PROTOCOL_ERROR'],
  ['SETTINGS on a stream', [frame(4, 0, 1)], 'PROTOCOL_ERROR'],
  ['PING on a stream', [frame(6, 0, 1, '12345678')], 'PROTOCOL_ERROR'],
  ['GOAWAY on a stream', [frame(7, 0, 1, uint32(0, 0))], 'PROTOCOL_ERROR'],
  ['PUSH_PROMISE', [frame(5, END_HEADERS, 1, uint32(2))], 'PROTOCOL_ERROR'],
  ['PRIORITY of 4 bytes', [frame(2, 0, 1, uint32(3))], 'FRAME_SIZE_ERROR'],
  ['RST_STREAM of 5 bytes', [frame(3, 0, 1, 'abcde')], 'FRAME_SIZE_ERROR'],
  ['SETTINGS of 5 bytes', [frame(4, 0, 0, 'abcde')], 'FRAME_SIZE_ERROR'],
  ['an ack of SETTINGS with a payload', [frame(4, ACK, 0, 'abcdef')], 'FRAME_SIZE_ERROR'],
  ['PING of 7 bytes', [frame(6, 0, 0, '1234567')], 'FRAME_SIZE_ERROR'],
  ['GOAWAY of 7 bytes', [frame(7, 0, 0, '1234567')], 'FRAME_SIZE_ERROR'],
  ['WINDOW_UPDATE of 3 bytes', [frame(8, 0, 0, 'abc')], 'FRAME_SIZE_ERROR'],
  ['an increment of 0 for the connection', [frame(8, 0, 0, uint32(0))], 'PROTOCOL_ERROR'],
  ['padded HEADERS without a pad length', [frame(1, PADDED, 1)], 'FRAME_SIZE_ERROR'],
  ['HEADERS too short for their priority', [frame(1, PRIORITY, 1, 'abcd')], 'FRAME_SIZE_ERROR'],
  ['HEADERS with too much padding', [frame(1, PADDED, 1, '\x04abc')], 'PROTOCOL_ERROR'],
  [
    'padding that reaches into the priority',
    [frame(1, PADDED | PRIORITY, 1, '\x02\0\0\0\0\0a')],
    'PROTOCOL_ERROR',
  ],
  ['CONTINUATION without HEADERS', [frame(9, END_HEADERS, 1, 'a')], 'PROTOCOL_ERROR'],
  ['CONTINUATION on stream 0', [frame(9, END_HEADERS, 0, 'a')], 'PROTOCOL_ERROR'],
  [
    'CONTINUATION behind a whole block',
    [frame(1, END_HEADERS, 1, 'a'), frame(9, END_HEADERS, 1, 'b')],
    'PROTOCOL_ERROR',
  ],
  ['CONTINUATION of another stream', [BLOCK, frame(9, END_HEADERS, 3, 'b')], 'PROTOCOL_ERROR'],
  ['DATA inside a block', [BLOCK, frame(0, 0, 1, 'a')], 'PROTOCOL_ERROR'],
  ['HEADERS inside a block', [BLOCK, BLOCK], 'PROTOCOL_ERROR'],
  ['PING inside a block', [BLOCK, frame(6, 0, 0, '12345678')], 'PROTOCOL_ERROR'],
  ['an unknown frame inside a block', [BLOCK, frame(0xfa, 0, 1)], 'PROTOCOL_ERROR'],
])('%s ends the connection', (_what, input, code) => {
  expect(() => read(...input)).toThrow(code);
});

test.each([
  ['a PING', frame(6, 0, 0, '12345678')],
  ['DATA', frame(0, 0, 1, 'a')],
  ['an ack of SETTINGS', frame(4, ACK, 0)],
])('a connection that begins with %s is refused', (_what, first) => {
  expect(() => readFrom(first)).toThrow('PROTOCOL_ERROR: first frame is not SETTINGS');
});

test('a header block is bounded over all its frames', () => {
  const part = 'x'.repeat(250);
  const start = frame(1, 0, 1, part);
  const more = frame(9, 0, 1, part);
  expect(read(start, more, more, frame(9, END_HEADERS, 1, part))).toHaveLength(1);
  expect(() => read(start, more, more, more, frame(9, END_HEADERS, 1, 'x'))).toThrow(
    'ENHANCE_YOUR_CALM: header block too large',
  );
});

test('empty CONTINUATION frames are bounded too', () => {
  const flood = Array.from({ length: 100 }, () => frame(9, 0, 1));
  expect(() => read(BLOCK, ...flood)).toThrow('ENHANCE_YOUR_CALM');
});
