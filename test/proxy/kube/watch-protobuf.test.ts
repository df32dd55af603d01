import { expect, test } from 'vitest';
import {
  delimited,
  eventOf,
  field,
  frameOf,
  framerOf,
  framesOf,
  numberField,
  PROTOBUF_TYPE,
  protobufEvent,
  varint,
} from '../../fixtures/watch/framing.ts';

const all = (...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));

const VERSION = field(6, '7');
const METADATA = field(1, VERSION);
const END = all(field(1, 'k8s.io/initial-events-end'), field(2, 'true'));
const LIST_META = field(1, field(2, '7'));
const ADDED = { type: 'ADDED' };
const ADDED_AT_7 = { type: 'ADDED', resourceVersion: '7' };
const TYPE_META = field(1, all(field(1, 'v1'), field(2, 'Pod')));

const added = (object: Buffer): Buffer => protobufEvent('ADDED', 'Pod', object);
const bookmark = (metadata: Buffer): Buffer => protobufEvent('BOOKMARK', 'Pod', field(1, metadata));
const raw = (...parts: (Buffer | string)[]): Buffer =>
  delimited(all(field(1, 'ADDED'), field(2, field(1, all(...parts)))));

test.each([
  ['a version', added(METADATA), ADDED_AT_7],
  ['other fields around it', added(all(field(2, 'x'), METADATA, field(3, ''))), ADDED_AT_7],
  [
    'fields of every wire type before it',
    added(
      field(
        1,
        all(
          numberField(7, 300),
          field(1, 'name'),
          varint(9 * 8 + 1),
          '12345678',
          varint(10 * 8 + 5),
          '1234',
          VERSION,
        ),
      ),
    ),
    ADDED_AT_7,
  ],
  ['two versions', added(field(1, all(field(6, '6'), VERSION))), ADDED_AT_7],
  ['two metadata', added(all(field(1, field(6, '6')), METADATA)), ADDED_AT_7],
  [
    'the type last',
    delimited(
      all(field(2, field(1, all('k8s\0', TYPE_META, field(2, METADATA)))), field(1, 'ADDED')),
    ),
    ADDED_AT_7,
  ],
  ['no version', added(field(1, field(1, 'name'))), ADDED],
  ['an empty version', added(field(1, field(6, ''))), ADDED],
  ['a version that is a number', added(field(1, numberField(6, 7))), ADDED],
  ['a version in another field', added(field(2, VERSION)), ADDED],
  ['no metadata', added(all()), ADDED],
  ['no object', delimited(field(1, 'ADDED')), ADDED],
  ['an object in JSON', raw('{"metadata":{"resourceVersion":"7"}}'), ADDED],
  ['an object that is too short', raw('k8s'), ADDED],
  ['an unknown type', protobufEvent('RENAMED', 'Pod', METADATA), { type: 'UNKNOWN' }],
  ['no type', delimited(field(3, 'ADDED')), { type: 'UNKNOWN' }],
  ['nothing at all', delimited(all()), { type: 'UNKNOWN' }],
  // Field 2 of an ObjectMeta is generateName, field 6 of a ListMeta does not exist.
  ['a generateName', added(LIST_META), ADDED],
  ['a list', protobufEvent('ADDED', 'PodList', LIST_META), ADDED_AT_7],
  ['a table', protobufEvent('ADDED', 'Table', LIST_META), ADDED_AT_7],
  ['an object at the version field of a list', protobufEvent('ADDED', 'PodList', METADATA), ADDED],
  [
    'the code of an ERROR',
    protobufEvent('ERROR', 'Status', all(LIST_META, numberField(6, 410))),
    {
      type: 'ERROR',
      resourceVersion: '7',
      errorCode: 410,
    },
  ],
  [
    'two codes',
    protobufEvent('ERROR', 'Status', all(numberField(6, 1), numberField(6, 410))),
    {
      type: 'ERROR',
      errorCode: 410,
    },
  ],
  ['an ERROR without a code', protobufEvent('ERROR', 'Status', field(6, '410')), { type: 'ERROR' }],
  ['the field of a code elsewhere', added(all(METADATA, numberField(6, 410))), ADDED_AT_7],
  [
    'the end of the initial events',
    bookmark(all(VERSION, field(12, END))),
    {
      type: 'BOOKMARK',
      resourceVersion: '7',
      initialEventsEnd: true,
    },
  ],
  [
    'more annotations',
    bookmark(
      all(
        field(12, all(field(1, 'a'), field(2, 'true'))),
        field(12, END),
        field(12, all(field(1, 'b'))),
      ),
    ),
    { type: 'BOOKMARK', initialEventsEnd: true },
  ],
  [
    'the annotation, value first',
    bookmark(field(12, all(field(2, 'true'), END.subarray(0, -6)))),
    {
      type: 'BOOKMARK',
      initialEventsEnd: true,
    },
  ],
  [
    'the annotation without "true"',
    bookmark(field(12, all(END, field(2, 'false')))),
    {
      type: 'BOOKMARK',
    },
  ],
  [
    'the annotation withdrawn',
    bookmark(all(field(12, END), field(12, all(END, field(2, ''))))),
    {
      type: 'BOOKMARK',
    },
  ],
  ['the annotation as a label', bookmark(field(11, END)), { type: 'BOOKMARK' }],
  ['the annotation on an object', added(field(1, field(12, END))), ADDED],
])('protobuf with %s', (_, body, event) => {
  expect(eventOf(frameOf(PROTOBUF_TYPE, body))).toEqual(event);
});

test.each([
  ['a field that is longer than its message', all(field(1, 'ADDED'), varint(2 * 8 + 2), varint(9))],
  ['a tag that does not end', Buffer.from([0x80])],
  ['a length that does not end', Buffer.from([0x0a, 0xff])],
  ['a varint of eleven bytes', all(varint(8), Buffer.alloc(10, 0xff), Buffer.from([1]))],
  ['a length beyond all bounds', all(varint(2 * 8 + 2), Buffer.alloc(8, 0xff), Buffer.from([1]))],
  ['field number 0', field(0, 'x')],
  ['a group', Buffer.from([0x0b])],
  ['a wire type that does not exist', Buffer.from([0x0f, 0])],
  ['a fixed number that is cut', Buffer.from([0x0d, 0, 0])],
  ['a broken extension', all(field(1, 'ADDED'), field(2, Buffer.from([0x0a])))],
  [
    'a broken object',
    all(field(1, 'ADDED'), field(2, field(1, all('k8s\0', Buffer.from([0x0a]))))),
  ],
  ['a broken TypeMeta', all(field(2, field(1, all('k8s\0', field(1, Buffer.from([0x0a]))))))],
  ['broken members', all(field(2, field(1, all('k8s\0', field(2, Buffer.from([0x12]))))))],
  [
    'broken metadata',
    all(field(2, field(1, all('k8s\0', field(2, field(1, Buffer.from([0x32]))))))),
  ],
  ['a broken annotation', bookmark(field(12, Buffer.from([0x0a]))).subarray(4)],
])('a protobuf message with %s ends tracking', (_, message) => {
  const body = delimited(message);
  const framer = framerOf(PROTOBUF_TYPE);
  const types: string[] = [];
  framer.push(all(body, added(METADATA)), (frame) => types.push(frame.type));
  expect([types, framer.lost]).toEqual([['UNKNOWN'], 'malformed']);
});

test('a frame spans its length and its message, wherever it is cut', () => {
  const body = all(added(METADATA), bookmark(VERSION), added(METADATA));
  for (let at = 0; at <= body.length; at++) {
    const frames = framesOf(PROTOBUF_TYPE, [body.subarray(0, at), body.subarray(at)]);
    expect(frames.map(({ bytes }) => bytes)).toEqual([
      added(METADATA),
      bookmark(VERSION),
      added(METADATA),
    ]);
  }
});

test('what one event says is not said of the next', () => {
  const error = protobufEvent('ERROR', 'Status', all(LIST_META, numberField(6, 410)));
  const end = bookmark(all(VERSION, field(12, END)));
  const nothing = delimited(all());
  const body = all(error, protobufEvent('ERROR', 'Status', all()), end, bookmark(all()), nothing);
  const frames = framesOf(PROTOBUF_TYPE, [body]);
  expect(frames.map(eventOf)).toEqual([
    { type: 'ERROR', resourceVersion: '7', errorCode: 410 },
    { type: 'ERROR' },
    { type: 'BOOKMARK', resourceVersion: '7', initialEventsEnd: true },
    { type: 'BOOKMARK' },
    { type: 'UNKNOWN' },
  ]);
});
