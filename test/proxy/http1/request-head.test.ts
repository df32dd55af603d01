import { expect, test } from 'vitest';
import { requestHead } from '../../../proxy/http1/request-head.ts';

function translate(
  fields: string[],
  line: { method?: string; url?: string; version?: string } = {},
) {
  const { method = 'GET', url = '/', version = '1.1' } = line;
  return requestHead({ method, url, httpVersion: version, rawHeaders: fields }, 10);
}

function headOf(result: ReturnType<typeof requestHead>) {
  if ('refusal' in result) throw new Error(`refused: ${result.refusal.message}`);
  return result.head;
}

const pseudo = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/'];

test.each([
  [
    'keeps order and duplicates',
    ['Host', 'a', 'B', '1', 'A', '2', 'B', '3'],
    ['b', '1', 'a', '2', 'b', '3'],
  ],
  ['keeps content-length', ['Host', 'a', 'Content-Length', '5'], ['content-length', '5']],
  ['drops transfer-encoding', ['Host', 'a', 'Transfer-Encoding', 'chunked'], []],
  [
    'drops what Connection names',
    ['Host', 'a', 'X-Remote-User', 'x', 'connection', ' x-REMOTE-user ,b', 'B', '1'],
    [],
  ],
  [
    'drops what any Connection names',
    ['Host', 'a', 'B', '1', 'Connection', 'b', 'Connection', 'c', 'C', '1'],
    [],
  ],
  [
    'does not let Connection drop the framing',
    ['Host', 'a', 'Content-Length', '5', 'Connection', 'content-length, host'],
    ['content-length', '5'],
  ],
  [
    'does not let Connection take off who asks and for whom',
    [
      'Host',
      'a',
      'Authorization',
      'x',
      'Impersonate-User',
      'y',
      'Connection',
      'authorization, impersonate-user',
    ],
    ['authorization', 'x', 'impersonate-user', 'y'],
  ],
  [
    'drops fields of the connection',
    [
      'Host',
      'a',
      'TE',
      'trailers',
      'Keep-Alive',
      'x',
      'Proxy-Connection',
      'x',
      'Upgrade',
      'x',
      'HTTP2-Settings',
      'x',
    ],
    [],
  ],
  ['keeps a field called __proto__', ['Host', 'a', '__proto__', 'x'], ['__proto__', 'x']],
])('a head %s', (_name, fields, expected) => {
  expect(headOf(translate(fields)).headers).toEqual([...pseudo, ...expected]);
});

test.each([
  ['/a/../b?c=%2e#d', 'a', '/a/../b?c=%2e#d'],
  ['//double//slash', 'a', '//double//slash'],
  ['http://b', 'b', '/'],
  ['HTTPS://b:1/x?y', 'b:1', '/x?y'],
  ['https://b?y', 'b', '/?y'],
])('the target %s means %s and %s', (url, authority, path) => {
  expect(headOf(translate(['Host', 'a'], { url })).headers).toEqual([
    ...[':method', 'GET', ':scheme', 'https', ':authority', authority, ':path', path],
  ]);
});

test('a star is a target of OPTIONS alone', () => {
  const line = { url: '*', method: 'OPTIONS' };
  expect(headOf(translate(['Host', 'a'], line)).headers).toContain('*');
  expect(translate(['Host', 'a'], { url: '*' })).toMatchObject({ refusal: { status: 400 } });
});

test.each<[string, string[], Parameters<typeof translate>[1], number]>([
  ['no Host', [], {}, 400],
  ['two Hosts', ['Host', 'a', 'host', 'a'], {}, 400],
  ['a space in Host', ['Host', 'a b'], {}, 400],
  ['user information in Host', ['Host', 'u@a'], {}, 400],
  ['an empty authority', ['Host', 'a'], { url: 'https:///x' }, 400],
  ['a relative target', ['Host', 'a'], { url: 'x' }, 400],
  ['gzip, chunked', ['Host', 'a', 'Transfer-Encoding', 'gzip, chunked'], {}, 501],
  ['chunks in HTTP/1.0', ['Transfer-Encoding', 'chunked'], { version: '1.0' }, 400],
  ['another version', ['Host', 'a'], { version: '2.0' }, 505],
  ['another expectation', ['Host', 'a', 'Expect', 'x'], {}, 417],
  ['too many fields', ['Host', 'a', ...Array.from({ length: 20 }, () => 'x')], {}, 431],
])('%s is refused', (_name, fields, line, status) => {
  expect(translate(fields, line)).toMatchObject({ refusal: { status } });
});

test.each([
  [['Content-Length', '0'], false],
  [['Content-Length', '000'], false],
  [['Content-Length', '1'], true],
  [['Transfer-Encoding', 'Chunked'], true],
  [[], false],
])('%j announces a body: %s', (fields, hasBody) => {
  expect(headOf(translate(['Host', 'a', ...fields])).hasBody).toBe(hasBody);
});

test.each<[string, string[], string | undefined, string]>([
  ['granted', ['Connection', 'keep-alive, UPGRADE', 'Upgrade', 'SPDY/3.1'], 'SPDY/3.1', '1.1'],
  ['not named by Connection', ['Connection', 'close', 'Upgrade', 'websocket'], undefined, '1.1'],
  ['h2c', ['Connection', 'Upgrade', 'Upgrade', 'h2c'], undefined, '1.1'],
  ['HTTP/1.0', ['Connection', 'Upgrade', 'Upgrade', 'websocket'], undefined, '1.0'],
  ['a body', ['Connection', 'Upgrade', 'Upgrade', 'x', 'Content-Length', '1'], undefined, '1.1'],
])('an upgrade: %s', (_name, fields, upgrade, version) => {
  expect(headOf(translate(['Host', 'a', ...fields], { version })).upgrade).toBe(upgrade);
});

test('an expectation counts when a body follows, and in HTTP/1.1', () => {
  const expectation = ['Host', 'a', 'Expect', '100-Continue'];
  const withBody = [...expectation, 'Content-Length', '1'];
  expect(headOf(translate(withBody))).toMatchObject({ expectsContinue: true });
  expect(headOf(translate(expectation))).toMatchObject({ expectsContinue: false });
  const old = headOf(translate(withBody, { version: '1.0' }));
  expect(old.expectsContinue).toBe(false);
  expect(old.headers).not.toContain('expect');
});
