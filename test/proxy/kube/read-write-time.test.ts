import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readWriteTime } from '../../../proxy/kube/read-write-time.ts';
import { readBody, readCaptures } from '../../fixtures/watch/captures.ts';
import {
  field,
  framesOf,
  JSON_TYPE,
  numberField,
  protobufEvent,
} from '../../fixtures/watch/framing.ts';

const CAPTURES = new Map(readCaptures().map((capture) => [capture.name, capture]));

/** What each ADDED and MODIFIED of a capture shows. */
function timesIn(name: string, isLease = false): (string | undefined)[] {
  const capture = CAPTURES.get(name);
  if (capture === undefined) throw new Error(`${name} was not captured`);
  return framesOf(capture.contentType, [readBody(capture)])
    .filter(({ type }) => type === 'ADDED' || type === 'MODIFIED')
    .map(({ bytes }) => {
      const time = readWriteTime(bytes, isLease);
      return time && `${time.source} ${new Date(time.atMs).toISOString()}`;
    });
}

test.each(['leases', 'leases-protobuf'])('%s of a kube-apiserver show their renewals', (name) => {
  const [created, ...renewed] = timesIn(name, true);
  // It was created without a renewal: the annotation by that name is none.
  expect(created).toMatch(/^managed_fields 20\d\d-.*:\d\d\.000Z$/);
  expect(renewed).toEqual([
    'renew_time 2026-11-25T08:00:00.123Z',
    'renew_time 2026-11-25T08:00:02.000Z',
    'renew_time 2026-11-25T08:00:04.120Z',
  ]);
});

test.each([
  ['pods', 'pods-protobuf'],
  ['metadata', 'metadata-protobuf'],
])('%s show the time of their last write in both encodings, to the second', (json, protobuf) => {
  const times = timesIn(json);
  // The last one tells of the deletion, and its managed fields are those of the write before.
  expect(times.pop()).toBeUndefined();
  expect(times.length).toBeGreaterThan(1);
  for (const time of times) expect(time).toMatch(/^managed_fields 20\d\d-.*:\d\d\.000Z$/);
  expect(timesIn(protobuf)).toEqual([...times, undefined]);
});

test('custom resources show it too, with their keys in another order', () => {
  expect(timesIn('custom-resource')).toEqual([expect.stringMatching(/^managed_fields /)]);
});

test('a table shows none', () => {
  const times = timesIn('table');
  expect(new Set(times)).toEqual(new Set([undefined]));
});

const SECOND = Date.parse('2026-11-25T08:00:00Z');

function jsonEvent(object: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
}

test.each([
  ['no metadata', {}],
  ['no managed fields', { metadata: { name: 'a' } }],
  ['empty managed fields', { metadata: { managedFields: [] } }],
  ['an entry without a time', { metadata: { managedFields: [{ manager: 'a' }] } }],
  ['managed fields that are no list', { metadata: { managedFields: { time: at(0) } } }],
  ['a time that is none', { metadata: { managedFields: [{ time: 'yesterday' }] } }],
  ['a time in local form', { metadata: { managedFields: [{ time: '2026-11-25T08:00:00' }] } }],
  [
    'a day that does not exist',
    { metadata: { managedFields: [{ time: '2026-13-25T08:00:00Z' }] } },
  ],
  [
    'an object that is being deleted',
    { metadata: { deletionTimestamp: at(0), managedFields: [{ time: at(0) }] } },
  ],
])('%s shows no time', (_what, object) => {
  expect(readWriteTime(jsonEvent(object), true)).toBeUndefined();
});

function at(seconds: number): string {
  return new Date(SECOND + 1000 * seconds).toISOString().replace('.000', '');
}

test('of several managers the last one counts, wherever it stands', () => {
  const managedFields = [1, 5, 3].map((seconds) => ({ manager: 'a', time: at(seconds) }));
  const json = jsonEvent({ metadata: { managedFields } });
  expect(readWriteTime(json, false)).toEqual({ atMs: SECOND + 5000, source: 'managed_fields' });
  const entries = [1, 5, 3].map((seconds) => field(17, field(4, protobufTime(seconds))));
  const protobuf = protobufEvent('MODIFIED', 'Pod', field(1, Buffer.concat(entries)));
  expect(readWriteTime(protobuf, false)).toEqual({ atMs: SECOND + 5000, source: 'managed_fields' });
});

function protobufTime(seconds: number, nanos = 0): Buffer {
  return Buffer.concat([numberField(1, SECOND / 1000 + seconds), numberField(2, nanos)]);
}

test('an object in protobuf that is being deleted shows no time', () => {
  const entry = field(17, field(4, protobufTime(1)));
  const deleted = Buffer.concat([field(9, protobufTime(1)), entry]);
  const objectOf = (metadata: Buffer): Buffer =>
    protobufEvent('MODIFIED', 'Lease', Buffer.concat([field(1, metadata), field(2, renewal)]));
  const renewal = field(4, protobufTime(2, 120_999_999));
  expect(readWriteTime(objectOf(deleted), true)).toBeUndefined();
  expect(readWriteTime(objectOf(entry), true)).toEqual({
    atMs: SECOND + 2120,
    source: 'renew_time',
  });
  expect(readWriteTime(objectOf(entry), false)?.source).toBe('managed_fields');
});

test('an event whose labels fill what is read of it shows no time', () => {
  const metadata = { annotations: { a: 'x'.repeat(70_000) }, managedFields: [{ time: at(1) }] };
  expect(readWriteTime(jsonEvent({ metadata }), false)).toBeUndefined();
  const behind = { metadata: { managedFields: [{ time: at(1) }] }, data: 'x'.repeat(70_000) };
  expect(readWriteTime(jsonEvent(behind), false)?.atMs).toBe(SECOND + 1000);
});

const time = fc.oneof(fc.constantFrom(at(1), at(2), 'x', '2026-11-25T08:00:02.5Z'), fc.json());
const noise = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 });
const object = fc
  .tuple(noise, noise, fc.array(fc.tuple(noise, time), { maxLength: 3 }), noise, time, fc.boolean())
  .map(([first, before, entries, after, renewTime, leads]) => {
    const managedFields = entries.map(([rest, one]) => ({ ...rest, time: one }));
    const metadata = { ...before, managedFields, ...after };
    const spec = { holder: '"renewTime":"', renewTime };
    return leads ? { ...first, metadata, spec } : { spec, metadata, ...first };
  });

test('what is read without parsing is what JSON.parse finds', () => {
  fc.assert(
    fc.property(object, fc.boolean(), fc.constantFrom(0, 1), (one, isLease, indent) => {
      const text = JSON.stringify({ type: 'ADDED', object: one }, null, indent);
      expect(readWriteTime(Buffer.from(text), isLease)).toEqual(expected(text, isLease));
    }),
    { numRuns: 500 },
  );
});

function expected(text: string, isLease: boolean) {
  const { metadata, spec } = JSON.parse(text).object;
  if (Object.hasOwn(metadata ?? {}, 'deletionTimestamp')) return undefined;
  if (isLease && isTime(spec?.renewTime)) {
    return { atMs: Date.parse(spec.renewTime), source: 'renew_time' };
  }
  const entries: unknown[] = Array.isArray(metadata?.managedFields) ? metadata.managedFields : [];
  const times = entries.map((entry) => (entry as { time?: unknown } | null)?.time).filter(isTime);
  if (times.length === 0) return undefined;
  return { atMs: Math.max(...times.map((one) => Date.parse(one))), source: 'managed_fields' };
}

function isTime(text: unknown): text is string {
  return typeof text === 'string' && /^2026.*Z$/.test(text);
}

test('no mutilated event makes the reading fail', () => {
  const frames = [...CAPTURES.values()].flatMap((capture) =>
    framesOf(capture.contentType, [readBody(capture)]).map(({ bytes }) => bytes),
  );
  const byte = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.array(byte, { maxLength: 4 }), (frame, changes) => {
      const bytes = Buffer.from(frame);
      for (const [where, value] of changes) bytes[where % bytes.length] = value;
      const found = readWriteTime(bytes, true);
      expect(found === undefined || found.atMs >= 0).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('the framer hands on what is read here', () => {
  const [frame] = framesOf(JSON_TYPE, [
    jsonEvent({ metadata: { managedFields: [{ time: at(9) }] } }),
  ]);
  expect(readWriteTime(frame?.bytes ?? Buffer.alloc(0), false)?.atMs).toBe(SECOND + 9000);
});
