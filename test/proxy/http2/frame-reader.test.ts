import { expect, test } from 'vitest';
import { FrameReader, type FrameSink } from '../../../proxy/http2/frame-reader.ts';
import { END_STREAM, Frame, frame, PADDED, settings } from '../../../tools/http2-frames.ts';

/** What a sink was told, with the pieces of one DATA frame put together. */
class Sink implements FrameSink {
  readonly events: string[] = [];
  onFrame(...[type, flags, id, input, start, end]: Parameters<FrameSink['onFrame']>): void {
    this.events.push(`${type} ${flags} ${id} ${input.toString('hex', start, end)}`);
  }
  onDataFrame(streamId: number, length: number): void {
    this.events.push(`data ${streamId} ${length}`, '', 'overhead 0', 'open');
  }
  onData(_streamId: number, bytes: Buffer, overheadBytes: number, endStream: boolean): void {
    const last = this.events.length;
    expect(this.events[last - 1]).toBe('open');
    this.events[last - 3] += bytes.toString('latin1');
    const overhead = Number(this.events[last - 2]?.split(' ')[1]) + overheadBytes;
    this.events[last - 2] = `overhead ${overhead}`;
    if (endStream) this.events[last - 1] = 'END_STREAM';
  }
}

function read(...inputs: Buffer[]): { events: string[]; midFrame: boolean } {
  const sink = new Sink();
  const reader = new FrameReader(sink);
  for (const input of inputs) reader.push(input);
  return { events: sink.events, midFrame: reader.midFrame };
}

const RECORDED = Buffer.concat([
  settings([4, 65_535], [1, 0]),
  frame(Frame.HEADERS, 4, 1, 'block'),
  frame(Frame.DATA, 0, 1, 'some data'),
  frame(Frame.DATA, 0, 1),
  frame(Frame.DATA, PADDED, 1, '\x03padded\0\0\0'),
  frame(Frame.DATA, PADDED, 1, '\0no padding'),
  frame(Frame.DATA, PADDED, 1, '\x02\0\0'),
  frame(Frame.PING, 0, 0, 'opaque!!'),
  frame(Frame.DATA, PADDED | END_STREAM, 1, '\x05end\0\0\0\0\0'),
  frame(0xfa, 0xff, 7, 'unknown'),
  frame(Frame.DATA, END_STREAM, 3),
  frame(Frame.SETTINGS, 1, 0),
]);

const EXPECTED = [
  `4 0 0 ${settings([4, 65_535], [1, 0]).toString('hex', 9)}`,
  `1 4 1 ${Buffer.from('block').toString('hex')}`,
  ...['data 1 9', 'some data', 'overhead 0', 'open'],
  ...['data 1 0', '', 'overhead 0', 'open'],
  ...['data 1 10', 'padded', 'overhead 4', 'open'],
  ...['data 1 11', 'no padding', 'overhead 1', 'open'],
  ...['data 1 3', '', 'overhead 3', 'open'],
  `6 0 0 ${Buffer.from('opaque!!').toString('hex')}`,
  ...['data 1 9', 'end', 'overhead 6', 'END_STREAM'],
  `250 255 7 ${Buffer.from('unknown').toString('hex')}`,
  ...['data 3 0', '', 'overhead 0', 'END_STREAM'],
  '4 1 0 ',
];

test('a stream of bytes is cut into its frames', () => {
  expect(read(RECORDED)).toEqual({ events: EXPECTED, midFrame: false });
});

test('the events are the same wherever the input is split in two', () => {
  for (let at = 0; at <= RECORDED.length; at++) {
    const parts = [RECORDED.subarray(0, at), RECORDED.subarray(at)];
    expect(read(...parts), `split at ${at}`).toEqual({ events: EXPECTED, midFrame: false });
  }
});

test.each([1, 2, 3, 5, 8, 13])('the events are the same in pieces of %i bytes', (bytes) => {
  const parts: Buffer[] = [];
  for (let at = 0; at < RECORDED.length; at += bytes) parts.push(RECORDED.subarray(at, at + bytes));
  expect(read(...parts)).toEqual({ events: EXPECTED, midFrame: false });
});

test('the first bit of a stream id is ignored', () => {
  const input = frame(Frame.PING, 0, 0, 'opaque!!');
  input[5] = 0x80;
  expect(read(input).events[0]).toMatch(/^6 0 0 /);
});

test('data is passed on as it arrives, before its frame is whole', () => {
  const input = frame(Frame.DATA, 0, 1, 'abcdef');
  const { events, midFrame } = read(input.subarray(0, 12));
  expect(events).toEqual(['data 1 6', 'abc', 'overhead 0', 'open']);
  expect(midFrame).toBe(true);
});

test.each([
  ['a header that is cut short', frame(Frame.PING, 0, 0, 'opaque!!').subarray(0, 5)],
  ['a payload that is cut short', frame(Frame.PING, 0, 0, 'opaque!!').subarray(0, 16)],
  ['padding that is cut short', frame(Frame.DATA, PADDED, 1, '\x03abc\0\0\0').subarray(0, 14)],
  ['a missing pad length', frame(Frame.DATA, PADDED, 1, '\x03abc\0\0\0').subarray(0, 9)],
])('%s leaves the reader in the middle of a frame', (_what, input) => {
  expect(read(input).midFrame).toBe(true);
});

test('a frame of 16384 bytes is taken, one more is not', () => {
  const whole = frame(0xfa, 0, 0, Buffer.alloc(16_384));
  expect(read(whole).events).toHaveLength(1);
  const larger = frame(0xfa, 0, 0, Buffer.alloc(16_385));
  expect(() => read(larger.subarray(0, 9))).toThrow('FRAME_SIZE_ERROR: frame of 16385 bytes');
  const data = frame(Frame.DATA, 0, 1, Buffer.alloc(16_385));
  expect(() => read(data.subarray(0, 9))).toThrow('FRAME_SIZE_ERROR');
});

test('padding of the whole frame but its length is legal, one more is not', () => {
  expect(read(frame(Frame.DATA, PADDED, 1, '\x02\0\0')).events[2]).toBe('overhead 3');
  const longer = frame(Frame.DATA, PADDED, 1, '\x03\0\0');
  expect(() => read(longer)).toThrow('PROTOCOL_ERROR: padding longer than its DATA frame');
});

test('a padded frame without a pad length is refused', () => {
  expect(() => read(frame(Frame.DATA, PADDED, 1))).toThrow('FRAME_SIZE_ERROR');
});

test('a reader that is stopped reads nothing more of the input in hand', () => {
  const seen: number[] = [];
  const reader = new FrameReader({
    onFrame: (type) => {
      seen.push(type);
      reader.stop();
    },
    onDataFrame: () => {},
    onData: () => {},
  });
  const ping = frame(Frame.PING, 0, 0, 'opaque!!');
  reader.push(Buffer.concat([ping, ping]));
  reader.push(ping);
  expect(seen).toEqual([Frame.PING]);
});
