// Laws that hold for every stream, over streams and cuts that nobody has thought of.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_FRAME_BYTES, type WatchFrame } from '../../../proxy/kube/watch-frame.ts';
import { readBody, readCaptures } from '../../fixtures/watch/captures.ts';
import {
  cut,
  eventsOf,
  field,
  framerOf,
  framesOf,
  JSON_TYPE,
  numberField,
  PROTOBUF_TYPE,
  protobufEvent,
} from '../../fixtures/watch/framing.ts';

const CAPTURES = readCaptures().map(
  (capture) => [capture.contentType, readBody(capture), capture.events] as const,
);

const offsets = fc.array(fc.nat(), { maxLength: 12 });

test('any cut of a captured stream gives the same events, and all of its bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom(...CAPTURES), offsets, ([type, body, events], at) => {
      const frames = framesOf(type, cut(body, at));
      expect(eventsOf(frames)).toEqual(events);
      expect(Buffer.concat(frames.map(({ bytes }) => bytes)).equals(body)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

interface Mutation {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  remove: fc.nat({ max: 5 }),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 5 }),
    fc.constantFrom('"', '\\', '{', '}', '[', ']', '\n', '\\u').map((text) => Buffer.from(text)),
  ),
});

function mutate(body: Buffer, mutations: readonly Mutation[]): Buffer {
  let mutant = body;
  for (const { at, remove, insert } of mutations) {
    const from = at % (mutant.length + 1);
    mutant = Buffer.concat([mutant.subarray(0, from), insert, mutant.subarray(from + remove)]);
  }
  return mutant;
}

test('a damaged stream never throws, loses nothing, and is cut at the same places anyhow', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CAPTURES),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      offsets,
      ([type, body], mutations, at) => {
        const mutant = mutate(body, mutations);
        const framer = framerOf(type);
        const frames: WatchFrame[] = [];
        for (const chunk of cut(mutant, at)) framer.push(chunk, (frame) => frames.push(frame));
        const passed = Buffer.concat(frames.map(({ bytes }) => bytes));
        expect(passed.equals(mutant.subarray(0, passed.length))).toBe(true);
        expect(passed.length + framer.bufferedBytes).toBe(mutant.length);
        if (framer.lost !== undefined) expect(framer.bufferedBytes).toBe(0);
        const tracked = eventsOf(framesOf(type, [mutant])).filter(isTracked);
        expect(eventsOf(frames).filter(isTracked)).toEqual(tracked);
      },
    ),
    { numRuns: 500 },
  );
});

/** A stream that is lost amid a chunk is UNKNOWN from the cut on, in more or fewer pieces. */
function isTracked({ type }: { type: string }): boolean {
  return type !== 'UNKNOWN';
}

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t\r\n ');
const version = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom('', '0', 'a-b', 'é', '\u2028', '"}'),
);
const names = fc.constantFrom(
  'type',
  'object',
  'metadata',
  'resourceVersion',
  'annotations',
  'code',
  'k8s.io/initial-events-end',
);
/** With its first character as an escape, which JSON.parse reads as the same. */
const escaped = (text: string): string =>
  `"\\u${(text.codePointAt(0) ?? 0x7f).toString(16).padStart(4, '0')}${text.slice(1)}"`;

const text = fc.oneof(
  { weight: 4, arbitrary: names.map((name) => JSON.stringify(name)) },
  { weight: 4, arbitrary: version.map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 90 }).map((s) => JSON.stringify(s)),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary-ascii' }).map((s) => JSON.stringify(JSON.stringify(s))),
  },
  { weight: 1, arbitrary: names.map(escaped) },
);
const scalar = fc.oneof(text, fc.constantFrom('null', 'true', '-1.5e+3', '0', '410'));

function list(open: string, items: fc.Arbitrary<string>, close: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(items, { maxLength: 5 }), blank, blank)
    .map(([parts, a, b]) => `${open}${a}${parts.join(`${b},${a}`)}${b}${close}`);
}

const member = (key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(key, blank, blank, value).map(([k, a, b, v]) => `${k}${a}:${b}${v}`);

const named = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  member(fc.constant(JSON.stringify(name)), value);

const { value: anything } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    list('[', tie('value'), ']'),
    list('{', member(text, tie('value')), '}'),
  ),
}));

/** The likely members in any order and number, among others and among what looks like them. */
function objectOf(...likely: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  const items = [
    ...likely.map((arbitrary) => ({ weight: 3, arbitrary })),
    { weight: 1, arbitrary: member(text, anything) },
    { weight: 1, arbitrary: member(text, list('{', fc.oneof(...likely), '}')) },
    { weight: 1, arbitrary: member(text, list('[', list('{', fc.oneof(...likely), '}'), ']')) },
  ];
  return list('{', fc.oneof(...items), '}');
}

const stringOf = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  value.map((content) => JSON.stringify(content));
const annotations = objectOf(
  named('k8s.io/initial-events-end', stringOf(fc.constantFrom('true', 'false'))),
);
const metadata = objectOf(
  named('resourceVersion', stringOf(version)),
  named('annotations', annotations),
);
const object = objectOf(named('metadata', metadata), named('code', fc.nat().map(String)));
const type = stringOf(fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR', 'X'));
const event = objectOf(named('type', type), named('object', object));

/** What JSON.parse finds, with the rules of the frame. */
function parsed(json: string): unknown {
  const { type: found, object: body } = JSON.parse(json);
  const known = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].includes(found);
  if (!known) return { type: 'UNKNOWN' };
  const own = memberOf(body, 'metadata');
  const resourceVersion = memberOf(own, 'resourceVersion');
  const plain = typeof resourceVersion === 'string' && /^[ !#-[\]-~]+$/.test(resourceVersion);
  const code = memberOf(body, 'code');
  const isError = found === 'ERROR' && Number.isSafeInteger(code);
  const end = memberOf(memberOf(own, 'annotations'), 'k8s.io/initial-events-end') === 'true';
  return {
    type: found,
    ...(plain ? { resourceVersion } : {}),
    ...(isError ? { errorCode: code } : {}),
    ...(end && found === 'BOOKMARK' ? { initialEventsEnd: true } : {}),
  };
}

function memberOf(value: unknown, key: string): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined;
}

test('any JSON is read as JSON.parse reads it, or not at all where it is spelled with escapes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(event, blank), { maxLength: 4 }), offsets, (parts, at) => {
      const body = Buffer.from(parts.map(([json, space]) => json + space).join(''));
      const frames = framesOf(JSON_TYPE, cut(body, at));
      const events = eventsOf(frames);
      expect(events.length).toBe(parts.length);
      expect(Buffer.concat(frames.map(({ bytes }) => bytes)).equals(body)).toBe(true);
      for (const [index, [json]] of parts.entries()) {
        const found = events[index];
        const missed = found?.type === 'UNKNOWN' || found?.resourceVersion === undefined;
        // Escapes may hide something, but they never make it something else.
        if (!(missed && json.includes('\\'))) expect(found).toEqual(parsed(json));
      }
    }),
    { numRuns: 1000 },
  );
});

const bytes = fc.uint8Array({ maxLength: 40 }).map((content) => Buffer.from(content));
const unrelated = fc.oneof(
  fc.tuple(fc.integer({ min: 13, max: 5000 }), bytes).map(([number, b]) => field(number, b)),
  fc.tuple(fc.integer({ min: 13, max: 5000 }), fc.maxSafeNat()).map(([n, v]) => numberField(n, v)),
);
const fields = fc.array(unrelated, { maxLength: 6 }).map((parts) => Buffer.concat(parts));

test('any protobuf object gives its version, whatever else it holds', () => {
  fc.assert(
    fc.property(fields, fields, fields, fc.nat(), offsets, (before, amid, after, number, at) => {
      const own = field(1, Buffer.concat([amid, field(6, String(number)), after]));
      const body = protobufEvent('MODIFIED', 'Pod', Buffer.concat([before, own, after]));
      const frames = framesOf(PROTOBUF_TYPE, cut(Buffer.concat([body, body]), at));
      const expected = { type: 'MODIFIED', resourceVersion: String(number) };
      expect(eventsOf(frames)).toEqual([expected, expected]);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['a string without an end', JSON_TYPE, '{"type":"ADDED","object":"', 'x'],
  ['an object without an end', JSON_TYPE, '{"a":', '{"a":'],
  ['a backslash without an end', JSON_TYPE, '{"type":"', '\\'],
  ['a long message', PROTOBUF_TYPE, '\x01\0\0\0', 'x'],
])('%s is not held beyond 16 MiB', (_, contentType, start, more) => {
  const framer = framerOf(contentType);
  const chunk = Buffer.from(more.repeat(100_000));
  let mostBytes = 0;
  let passedBytes = 0;
  const push = (part: Buffer): void => {
    framer.push(part, (frame) => {
      passedBytes += frame.bytes.length;
    });
    mostBytes = Math.max(mostBytes, framer.bufferedBytes);
  };
  push(Buffer.from(start, 'latin1'));
  for (let sent = 0; sent < 1.1 * MAX_FRAME_BYTES; sent += chunk.length) push(chunk);
  expect(mostBytes).toBeLessThanOrEqual(MAX_FRAME_BYTES + 4);
  if (contentType === JSON_TYPE)
    expect([framer.lost, framer.bufferedBytes]).toEqual(['too-large', 0]);
  expect(passedBytes).toBeGreaterThan(MAX_FRAME_BYTES);
});
