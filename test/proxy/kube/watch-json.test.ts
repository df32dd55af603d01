import { expect, test } from 'vitest';
import { eventOf, eventsOf, frameOf, framesOf, JSON_TYPE } from '../../fixtures/watch/framing.ts';

const version = (text: string) => ({ type: 'ADDED', resourceVersion: text });
const ADDED = { type: 'ADDED' };
const UNKNOWN = { type: 'UNKNOWN' };
const METADATA = '"metadata":{"resourceVersion":"7"}';
const END = '"annotations":{"k8s.io/initial-events-end":"true"}';

test.each([
  // The members, wherever they stand.
  ['the usual order', `{"type":"ADDED","object":{"kind":"Pod",${METADATA}}}`, version('7')],
  ['type last', `{"object":{${METADATA}},"type":"ADDED"}`, version('7')],
  [
    'metadata last',
    `{"type":"ADDED","object":{"spec":{"a":[{}]},"x":[],${METADATA}}}`,
    version('7'),
  ],
  [
    'a version behind managedFields',
    '{"type":"ADDED","object":{"metadata":{"managedFields":[{"a":{"b":"c"}}],"resourceVersion":"7"}}}',
    version('7'),
  ],
  [
    'white space everywhere',
    '{ "type" : "ADDED" ,\n"object"\t:\r{ "metadata" : { "resourceVersion" : "7" } } }',
    version('7'),
  ],
  ['an opaque version', wrap('"metadata":{"resourceVersion":"a-Z_/7="}'), version('a-Z_/7=')],
  // The same names elsewhere mean nothing.
  [
    'metadata in a pod template',
    `{"type":"ADDED","object":{"spec":{"template":{${METADATA}}}}}`,
    ADDED,
  ],
  ['metadata in an array', `{"type":"ADDED","object":{"rows":[{${METADATA}}]}}`, ADDED],
  ['a version in a specification', wrap('"spec":{"a":1,"resourceVersion":"7"}'), ADDED],
  ['metadata beside the object', `{"type":"ADDED",${METADATA}}`, ADDED],
  ['a version beside metadata', '{"type":"ADDED","object":{"resourceVersion":"7"}}', ADDED],
  ['a version in annotations', wrap('"metadata":{"annotations":{"resourceVersion":"7"}}'), ADDED],
  ['an object in an array', `{"type":"ADDED","object":[{${METADATA}}]}`, ADDED],
  ['the names as values', wrap('"metadata":{"name":"resourceVersion","x":"7"}'), ADDED],
  ['names in an array of names', wrap('"metadata":{"x":["resourceVersion","7"]}'), ADDED],
  ['a type within the object', wrap('"type":"ERROR"'), ADDED],
  // The last of equal keys counts, whole.
  ['two versions', wrap('"metadata":{"resourceVersion":"6","resourceVersion":"7"}'), version('7')],
  ['two metadata', wrap(`"metadata":{"resourceVersion":"6"},${METADATA}`), version('7')],
  ['a second metadata without a version', wrap(`${METADATA},"metadata":{}`), ADDED],
  ['a second metadata that is null', wrap(`${METADATA},"metadata":null`), ADDED],
  ['a second object', `{"type":"ADDED","object":{${METADATA}},"object":{}}`, ADDED],
  ['two types', `{"type":"ERROR","object":{${METADATA}},"type":"ADDED"}`, version('7')],
  // What is there but cannot be used.
  ['a number as version', wrap('"metadata":{"resourceVersion":7}'), ADDED],
  ['an empty version', wrap('"metadata":{"resourceVersion":""}'), ADDED],
  ['null as version', wrap('"metadata":{"resourceVersion":null}'), ADDED],
  ['an escape in the version', wrap('"metadata":{"resourceVersion":"\\u0037"}'), ADDED],
  ['metadata that is a string', wrap('"metadata":"resourceVersion"'), ADDED],
  ['null as metadata', wrap('"metadata":null,"spec":{"resourceVersion":"7"}'), ADDED],
  ['an array as metadata', wrap('"metadata":[{"resourceVersion":"7"}]'), ADDED],
  ['no object', '{"type":"ADDED"}', ADDED],
  ['null as object', '{"type":"ADDED","object":null}', ADDED],
  ['no type', `{"object":{${METADATA}}}`, UNKNOWN],
  ['another type', `{"type":"added","object":{${METADATA}}}`, UNKNOWN],
  ['a type that goes on', '{"type":"ADDEDX"}', UNKNOWN],
  ['an escape in the type', '{"type":"\\u0041DDED"}', UNKNOWN],
  ['a type that is no string', '{"type":[],"x":"ADDED"}', UNKNOWN],
  ['an empty object', '{}', UNKNOWN],
  // Keys that could be ours in disguise.
  ['an escaped type', '{"typ\\u0065":"ERROR","type":"ADDED"}', UNKNOWN],
  ['an escaped object', `{"type":"ADDED","object":{${METADATA}},"\\u006fbject":{}}`, UNKNOWN],
  ['an escaped metadata', wrap(`${METADATA},"meta\\u0064ata":{}`), UNKNOWN],
  [
    'an escaped version',
    wrap('"metadata":{"resourceVersion":"6","resource\\u0056ersion":"7"}'),
    UNKNOWN,
  ],
  [
    'an escaped annotation',
    wrap(`${METADATA.slice(0, -1)},"annotations":{"\\"":""}}`),
    version('7'),
  ],
  [
    'an escaped end of the initial events',
    wrap(`"metadata":{"annotations":{"\\u006b8s.io/initial-events-end":"false"}}`),
    UNKNOWN,
  ],
  // Strings that look like structure.
  ['braces in strings', wrap(`"a":"}}}{{[","b}":"]",${METADATA}`), version('7')],
  ['escaped quotes', wrap(`"a":"\\"}","b":"\\\\",${METADATA}`), version('7')],
  ['a quote as \\u0022', wrap(`"a":"\\u0022}",${METADATA}`), version('7')],
  ['text beyond ASCII', wrap(`"a":"é😀\u2028}","ключ":1,${METADATA}`), version('7')],
  ['a long string', wrap(`"a":"${'x}'.repeat(999)}",${METADATA}`), version('7')],
  [
    'a long string with escapes',
    wrap(`"a":"${'x}'.repeat(40)}\\"}\\\\${'x'.repeat(99)}\\\\",${METADATA}`),
    version('7'),
  ],
  [
    'JSON in a string',
    wrap(`"a":${JSON.stringify(`{${METADATA}}`.repeat(9))},${METADATA}`),
    version('7'),
  ],
  // What only some types have.
  [
    'the code of an ERROR',
    '{"type":"ERROR","object":{"code":410}}',
    { type: 'ERROR', errorCode: 410 },
  ],
  [
    'a code, then more',
    '{"type":"ERROR","object":{"code": -1 ,"a":2}}',
    { type: 'ERROR', errorCode: -1 },
  ],
  [
    'two codes',
    '{"type":"ERROR","object":{"code":1,"code":410}}',
    { type: 'ERROR', errorCode: 410 },
  ],
  ['a code that is no whole number', '{"type":"ERROR","object":{"code":41.5}}', { type: 'ERROR' }],
  ['a code in quotes', '{"type":"ERROR","object":{"code":"410"}}', { type: 'ERROR' }],
  ['a code in details', '{"type":"ERROR","object":{"details":{"code":410}}}', { type: 'ERROR' }],
  ['the code of another object', wrap('"code":410'), ADDED],
  [
    'the end of the initial events',
    `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7",${END}}}}`,
    { type: 'BOOKMARK', resourceVersion: '7', initialEventsEnd: true },
  ],
  [
    'its annotation without "true"',
    `{"type":"BOOKMARK","object":{"metadata":{${END.replace('true', 'false')}}}}`,
    { type: 'BOOKMARK' },
  ],
  [
    'its annotation as a label',
    `{"type":"BOOKMARK","object":{"metadata":{"labels":{${END}}}}}`,
    { type: 'BOOKMARK' },
  ],
  [
    'its annotation withdrawn',
    `{"type":"BOOKMARK","object":{"metadata":{${END},"annotations":{}}}}`,
    { type: 'BOOKMARK' },
  ],
  ['its annotation on an object', wrap(`"metadata":{${END}}`), ADDED],
])('JSON with %s', (_, body, event) => {
  expect(eventOf(frameOf(JSON_TYPE, body))).toEqual(event);
  for (let at = 1; at < Math.min(body.length, 200); at++) {
    const frames = framesOf(
      JSON_TYPE,
      [body.slice(0, at), body.slice(at)].map((s) => Buffer.from(s)),
    );
    expect(eventsOf(frames)).toEqual([event]);
  }
});

function wrap(members: string): string {
  return `{"type":"ADDED","object":{${members}}}`;
}

test.each([
  ['line feeds', '{"type":"ADDED"}\n{"type":"DELETED"}\n'],
  ['nothing', '{"type":"ADDED"}{"type":"DELETED"}'],
  ['white space of all kinds', ' \n{"type":"ADDED"}\r\n\t {"type":"DELETED"}'],
  ['line feeds within', '{\n"type":\n"ADDED"\n}\n{"type":"DELETED"\n}'],
])('events with %s between them', (_, body) => {
  expect(eventsOf(framesOf(JSON_TYPE, [body]))).toEqual([ADDED, { type: 'DELETED' }]);
});

test('what one event says is not said of the next', () => {
  const error = '{"type":"ERROR","object":{"metadata":{"resourceVersion":"7"},"code":410}}';
  const end = `{"type":"BOOKMARK","object":{"metadata":{${END}}}}`;
  const bodies = [
    error,
    error.replace('type', 'size'),
    error.replace('object', 'abject').replace('ERROR', 'ADDED'),
    error.replace('object', 'abject'),
    end,
    end.replace('object', 'abject'),
    '{"typ\\u0065":""}',
    '{"type":"ADDED"}',
  ];
  expect(eventsOf(framesOf(JSON_TYPE, [bodies.join('')]))).toEqual([
    { type: 'ERROR', resourceVersion: '7', errorCode: 410 },
    UNKNOWN,
    ADDED,
    { type: 'ERROR' },
    { type: 'BOOKMARK', initialEventsEnd: true },
    { type: 'BOOKMARK' },
    UNKNOWN,
    ADDED,
  ]);
});
