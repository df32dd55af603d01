import { expect, test } from 'vitest';
import {
  type ResponseContext,
  responseHead,
  responseStatus,
  trailerPairs,
} from '../../../proxy/http1/response-head.ts';

const context: ResponseContext = { method: 'GET', http11: true, endStream: false, close: false };

test.each<[string, string[], Partial<ResponseContext>, string, string[]]>([
  ['chunked without a length', [':status', '200', 'a', '1'], {}, 'chunked', ['a', '1']],
  [
    'counted with a length, in its place',
    [':status', '200', 'content-length', '5', 'a', '1'],
    {},
    'length',
    ['content-length', '5', 'a', '1'],
  ],
  [
    'empty when the stream ends',
    [':status', '200'],
    { endStream: true },
    'length',
    ['content-length', '0'],
  ],
  ['closed for HTTP/1.0', [':status', '200'], { http11: false }, 'close', ['connection', 'close']],
  [
    'counted for HTTP/1.0 with a length',
    [':status', '200', 'content-length', '5'],
    { http11: false },
    'length',
    ['content-length', '5'],
  ],
  [
    'none for HEAD, with the length of GET',
    [':status', '200', 'content-length', '5'],
    { method: 'HEAD' },
    'none',
    ['content-length', '5'],
  ],
  [
    'none for 304, with the length of 200',
    [':status', '304', 'content-length', '5'],
    {},
    'none',
    ['content-length', '5'],
  ],
  ['none for 204, and no length', [':status', '204', 'content-length', '0'], {}, 'none', []],
  [
    'one length of two equal ones',
    [':status', '200', 'content-length', '5', 'content-length', '5'],
    {},
    'length',
    ['content-length', '5'],
  ],
  [
    'without fields of a connection',
    [
      ':status',
      '200',
      'connection',
      'x',
      'transfer-encoding',
      'x',
      'keep-alive',
      'x',
      'upgrade',
      'x',
    ],
    {},
    'chunked',
    [],
  ],
  [
    'with Trailer when chunked',
    [':status', '200', 'trailer', 'x'],
    {},
    'chunked',
    ['trailer', 'x'],
  ],
  [
    'without Trailer when counted',
    [':status', '200', 'trailer', 'x', 'content-length', '5'],
    {},
    'length',
    ['content-length', '5'],
  ],
  [
    'with duplicates in order',
    [':status', '200', 'b', '1', 'a', '2', 'b', '3'],
    {},
    'chunked',
    ['b', '1', 'a', '2', 'b', '3'],
  ],
  [
    'the last of its connection',
    [':status', '200'],
    { close: true },
    'chunked',
    ['connection', 'close'],
  ],
])('a response is %s', (_name, headers, partial, framing, fields) => {
  expect(responseHead(headers, { ...context, ...partial })).toMatchObject({ framing, fields });
});

test.each([['x'], ['-1'], ['5, 5'], [''], ['99999999999999999999']])(
  'the length "%s" cannot be used',
  (length) => {
    expect(() => responseHead([':status', '200', 'content-length', length], context)).toThrow(
      /content-length/,
    );
  },
);

test('two different lengths cannot be used', () => {
  const headers = [':status', '200', 'content-length', '5', 'content-length', '6'];
  expect(() => responseHead(headers, context)).toThrow(/content-length/);
});

test('trailers have no status and lose what frames or routes', () => {
  expect(responseStatus(['grpc-status', '0'])).toBeUndefined();
  const trailers = ['x', '1', 'content-length', '5', 'x', '2', 'connection', 'x', 'host', 'a'];
  expect(trailerPairs(trailers)).toEqual([
    ['x', '1'],
    ['x', '2'],
  ]);
});
