import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FrameError,
  type FrameSink,
  type FrameSplitter,
  JsonFrames,
  ProtobufFrames,
} from '../../../loadtests/swarm/frames.ts';

interface Framing {
  readonly name: string;
  readonly open: (sink: FrameSink) => FrameSplitter;
  readonly write: (events: readonly object[]) => Buffer;
  readonly strip: (frame: Buffer) => string;
}

const framings: readonly Framing[] = [
  {
    name: 'JSON',
    open: (sink) => new JsonFrames(sink),
    write: (events) => Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join('')),
    strip: (frame) => frame.toString(),
  },
  {
    name: 'protobuf',
    open: (sink) => new ProtobufFrames(sink),
    write: (events) =>
      Buffer.concat(
        events.flatMap((event) => {
          const body = Buffer.from(JSON.stringify(event));
          const length = Buffer.alloc(4);
          length.writeUInt32BE(body.length);
          return [length, body];
        }),
      ),
    strip: (frame) => frame.toString(),
  },
];

/** Braces, quotes and backslashes in strings are what a scan stumbles over. */
const nasty = fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', 'a', '\n', 'ü', '👍') });
const events = fc.array(
  fc.record({ type: nasty, object: fc.dictionary(nasty, fc.oneof(nasty, fc.jsonValue())) }),
  { maxLength: 6 },
);

function feedInParts(splitter: FrameSplitter, bytes: Buffer, cuts: readonly number[]): void {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    // A copy that is wiped afterwards: nobody may go on using the chunk's memory.
    const chunk = Buffer.from(bytes.subarray(from, to));
    splitter.feed(chunk);
    chunk.fill(0);
    from = to;
  }
}

test.each(framings)('$name events are the same however they are cut', (framing) => {
  fc.assert(
    fc.property(events, fc.array(fc.nat()), (sent, cuts) => {
      const got: string[] = [];
      const splitter = framing.open((frame) => void got.push(framing.strip(frame)));
      feedInParts(splitter, framing.write(sent), cuts);
      expect(got).toEqual(sent.map((event) => JSON.stringify(event)));
      // JSON's newline between two events is nobody's.
      expect(splitter.pendingBytes).toBe(0);
    }),
  );
});

test.each(framings)('$name that is damaged throws nothing but a FrameError', (framing) => {
  fc.assert(
    fc.property(events, fc.array(fc.nat()), fc.nat(), fc.nat(255), (sent, cuts, place, byte) => {
      const bytes = framing.write(sent);
      if (bytes.length > 0) bytes[place % bytes.length] = byte;
      try {
        feedInParts(
          framing.open(() => undefined),
          bytes,
          cuts,
        );
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

test('what is no object is said, and not searched for one', () => {
  const splitter = new JsonFrames(() => undefined);
  expect(() => splitter.feed(Buffer.from('<html>'))).toThrow(FrameError);
});

test('a length that no event has is refused before it is waited for', () => {
  const splitter = new ProtobufFrames(() => undefined);
  expect(() => splitter.feed(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow(FrameError);
});
