import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { FrameReader } from '../../proxy/http2/frame-reader.ts';
import { data, frame } from '../../tools/http2-frames.ts';
import type { Law } from './law.ts';
import { cut, cuts } from './mutations.ts';

const PADDED = 0x8;

const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const streamId = fc.nat(0x7fff_ffff);
const dataFrame = fc
  .tuple(streamId, payload, fc.option(fc.nat(255), { nil: undefined }), fc.boolean())
  .map(([id, bytes, padding, end]) => {
    const flags = (end ? 1 : 0) | (padding === undefined ? 0 : PADDED);
    if (padding === undefined) return data(id, bytes, flags);
    return data(id, Buffer.concat([Buffer.of(padding), bytes, Buffer.alloc(padding)]), flags);
  });
const otherFrame = fc
  .tuple(fc.integer({ min: 1, max: 255 }), fc.nat(255), streamId, payload)
  .map(([type, flags, id, bytes]) => frame(type, flags, id, bytes));
const frames = fc
  .array(fc.oneof(dataFrame, otherFrame), { maxLength: 12 })
  .map((list) => Buffer.concat(list));

/** What the reader says, with the pieces of one DATA frame put together. */
function eventsOf(pieces: readonly Buffer[]): unknown[] {
  const events: unknown[] = [];
  let body: { id: number; length: number; bytes: string; overhead: number; end: boolean };
  const reader = new FrameReader({
    onFrame: (type, flags, id, input, start, end) =>
      events.push([type, flags, id, input.toString('hex', start, end)]),
    onDataFrame: (id, length) => {
      body = { id, length, bytes: '', overhead: 0, end: false };
      events.push(body);
    },
    onData: (_id, bytes, overhead, end) => {
      body.bytes += bytes.toString('hex');
      body.overhead += overhead;
      body.end ||= end;
    },
  });
  for (const piece of pieces) reader.push(piece);
  return events;
}

export const FRAME_LAW: Law = {
  name: 'frame-splits',
  title: 'frames are the same in whatever pieces they arrive',
  property: () =>
    fc.property(frames, cuts, (bytes, sizes) => {
      deepEqual(eventsOf(cut(bytes, sizes)), eventsOf([bytes]));
    }),
};
