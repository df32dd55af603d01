import { expect, test } from 'vitest';
import type { WatchFrame } from '../../../proxy/kube/watch-frame.ts';
import { createWatchFramer } from '../../../proxy/kube/watch-framer.ts';
import { readBody, readCaptures } from '../../fixtures/watch/captures.ts';
import {
  delimited,
  eventsOf,
  field,
  framerOf,
  framesOf,
  JSON_TYPE,
  PROTOBUF_TYPE,
} from '../../fixtures/watch/framing.ts';

// client-go's own limit, which is not ours to change.
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

test.each([
  ['application/json', undefined, true],
  ['Application/JSON; charset=utf-8', undefined, true],
  ['application/json', 'identity', true],
  ['application/vnd.kubernetes.protobuf;stream=watch', undefined, true],
  ['application/vnd.kubernetes.protobuf; Stream=Watch', undefined, true],
  ['application/vnd.kubernetes.protobuf', undefined, false],
  ['application/vnd.kubernetes.protobuf;stream=no', undefined, false],
  ['application/json', 'gzip', false],
  ['application/cbor-seq', undefined, false],
  ['application/cbor', undefined, false],
  ['application/yaml;stream=watch', undefined, false],
  ['application/jsonlines', undefined, false],
  ['text/plain', undefined, false],
  ['', undefined, false],
  [undefined, undefined, false],
])('a body of %j in encoding %j is tracked: %j', (contentType, contentEncoding, tracked) => {
  expect(createWatchFramer(contentType, contentEncoding) !== undefined).toBe(tracked);
});

const captures = readCaptures().map((capture) => [capture.name, capture] as const);

test.each(captures)('the capture %s holds what JSON.parse reads in it', (_, capture) => {
  const body = readBody(capture);
  const frames = framesOf(capture.contentType, [body]);
  expect(frames.map(({ type }) => type)).not.toContain('BLANK');
  expect(eventsOf(frames)).toEqual(capture.events);
  expect(Buffer.concat(frames.map(({ bytes }) => bytes))).toEqual(body);
});

test.each(captures)('the capture %s may come byte by byte', (_, capture) => {
  const body = readBody(capture);
  const frames = framesOf(
    capture.contentType,
    Array.from(body, (byte) => Buffer.from([byte])),
  );
  expect(eventsOf(frames)).toEqual(capture.events);
  expect(Buffer.concat(frames.map(({ bytes }) => bytes))).toEqual(body);
});

test('every kind of event has been captured', () => {
  const events = readCaptures().flatMap((capture) => capture.events);
  const kinds = new Set(
    events.map(({ type, initialEventsEnd = false }) => type + initialEventsEnd),
  );
  expect([...kinds].sort()).toEqual([
    'ADDEDfalse',
    'BOOKMARKfalse',
    'BOOKMARKtrue',
    'DELETEDfalse',
    'ERRORfalse',
    'MODIFIEDfalse',
  ]);
});

test('an event is handed on with its last byte, and white space as it comes', () => {
  const framer = framerOf(JSON_TYPE);
  const seen: string[] = [];
  const push = (text: string): void =>
    framer.push(Buffer.from(text), ({ type, bytes }) => seen.push(`${type} ${bytes}`));
  push('{"type":"ADD');
  expect([seen, framer.bufferedBytes]).toEqual([[], 12]);
  push('ED"}');
  expect([seen, framer.bufferedBytes]).toEqual([['ADDED {"type":"ADDED"}'], 0]);
  push('\r\n');
  expect(seen.slice(1)).toEqual(['BLANK \r\n']);
  push(' {"type":"ERROR"} \n\n{"type":"DELETED"}{');
  expect(seen.slice(2)).toEqual([
    'BLANK  ',
    'ERROR {"type":"ERROR"} \n\n',
    'DELETED {"type":"DELETED"}',
  ]);
  expect(framer.bufferedBytes).toBe(1);
});

test('an event that lies within a chunk is not copied', () => {
  const chunk = Buffer.from('{"type":"ADDED"}\n{"type":"MODIFIED"}\n');
  const frames: WatchFrame[] = [];
  framerOf(JSON_TYPE).push(chunk, (frame) => frames.push(frame));
  expect(frames.map(({ bytes }) => bytes.buffer === chunk.buffer)).toEqual([true, true]);
  expect(frames.map(({ bytes }) => bytes.byteOffset - chunk.byteOffset)).toEqual([0, 17]);
});

test('an event that spans chunks does not keep them', () => {
  const framer = framerOf(JSON_TYPE);
  const frames: WatchFrame[] = [];
  for (const part of ['{"type":', '"ADDED"', '}'].map((text) => Buffer.from(text))) {
    framer.push(part, (frame) => frames.push(frame));
    part.fill(0);
  }
  expect(frames.map(({ bytes }) => String(bytes))).toEqual(['{"type":"ADDED"}']);
});

/** A JSON event, line feed excluded, or a protobuf message, of so many bytes. */
function eventOfSize(contentType: string, bytes: number): Buffer {
  if (contentType === JSON_TYPE) {
    const start = '{"type":"ADDED","x":"';
    return Buffer.from(`${start}${'x'.repeat(bytes - start.length - 2)}"}`);
  }
  const type = field(1, 'ADDED');
  const overhead = field(3, 'x'.repeat(bytes - 100)).length - (bytes - 100);
  return delimited(Buffer.concat([type, field(3, 'x'.repeat(bytes - type.length - overhead))]));
}

test.each([
  [JSON_TYPE, 'one chunk'],
  [JSON_TYPE, 'many chunks'],
  [PROTOBUF_TYPE, 'one chunk'],
  [PROTOBUF_TYPE, 'many chunks'],
])('%s: an event of 16 MiB in %s is tracked, a longer one ends tracking', (type, how) => {
  const small = eventOfSize(type, 400);
  const fits = eventOfSize(type, MAX_FRAME_BYTES);
  const tooLong = eventOfSize(type, MAX_FRAME_BYTES + 1);
  const body = Buffer.concat([small, fits, small, tooLong, small]);
  const framer = framerOf(type);
  const frames: WatchFrame[] = [];
  const chunkBytes = how === 'one chunk' ? body.length : 300_000;
  let mostBuffered = 0;
  for (let at = 0; at < body.length; at += chunkBytes) {
    framer.push(body.subarray(at, at + chunkBytes), (frame) => frames.push(frame));
    mostBuffered = Math.max(mostBuffered, framer.bufferedBytes);
  }
  expect(framer.lost).toBe('too-large');
  expect(frames.slice(0, 3).map((frame) => frame.type)).toEqual(['ADDED', 'ADDED', 'ADDED']);
  expect(new Set(frames.slice(3).map((frame) => frame.type))).toEqual(new Set(['UNKNOWN']));
  expect(Buffer.concat(frames.map(({ bytes }) => bytes)).equals(body)).toBe(true);
  expect(mostBuffered).toBeLessThanOrEqual(MAX_FRAME_BYTES + 4);
  expect(framer.bufferedBytes).toBe(0);
});

test('a length of more than 16 MiB is believed: nothing is held back for it', () => {
  const framer = framerOf(PROTOBUF_TYPE);
  const frames: WatchFrame[] = [];
  framer.push(Buffer.from([0x01, 0x00, 0x00, 0x01]), (frame) => frames.push(frame));
  expect([framer.lost, framer.bufferedBytes, frames.length]).toEqual(['too-large', 0, 1]);
});

test.each([
  [JSON_TYPE, 'an array', '[{"type":"ADDED"}]'],
  [JSON_TYPE, 'a word', 'null'],
  [JSON_TYPE, 'HTML', '<html>{}</html>'],
  [JSON_TYPE, 'brackets that do not match', '{"object":{"metadata":{]}}}'],
  [PROTOBUF_TYPE, 'JSON', '\0\0\0\x10{"type":"ADDED"}'],
])('%s: %s passes through, and nothing behind it is tracked', (type, _, body) => {
  const event = type === JSON_TYPE ? '{"type":"ADDED"}' : delimited(field(1, 'ADDED'));
  const good = Buffer.from(event as string);
  const framer = framerOf(type);
  const frames: WatchFrame[] = [];
  const chunks = [good, Buffer.from(body), good];
  for (const chunk of chunks) framer.push(chunk, (frame) => frames.push(frame));
  expect(frames.map((frame) => frame.type)).toEqual(['ADDED', 'UNKNOWN', 'UNKNOWN']);
  expect(frames.map(({ bytes }) => bytes)).toEqual(chunks);
  expect([framer.lost, framer.bufferedBytes]).toEqual(['malformed', 0]);
});
