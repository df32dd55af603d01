import { expect, test } from 'vitest';
import {
  declaredLength,
  requestProblem,
  responseProblem,
  trailersProblem,
} from '../../../proxy/http2/field-rules.ts';

const LINE = [':method', 'GET', ':scheme', 'https', ':authority', 'host:6443', ':path', '/api'];

function withPseudo(name: string, value: string | undefined): string[] {
  const at = LINE.indexOf(name);
  const rest = LINE.toSpliced(at, 2);
  return value === undefined ? rest : [name, value, ...rest];
}

test.each([
  ['as clients send it', LINE],
  ['with fields', [...LINE, 'accept', 'application/json', 'x-empty', '', 'x-tab', 'a\tb']],
  ['with bytes above ASCII in a value', [...LINE, 'x-name', 'J\xfcrgen']],
  ['with te: trailers', [...LINE, 'te', 'Trailers']],
  ['with the same host', [...LINE, 'host', 'host:6443']],
  ['with host in place of :authority', [...withPseudo(':authority', undefined), 'host', 'h']],
  ['to an IPv6 address', withPseudo(':authority', '[::1]:6443')],
  ['with a query', withPseudo(':path', '/api?watch=1&x=%20')],
  ['for OPTIONS *', [':method', 'OPTIONS', ':scheme', 'https', ':path', '*']],
  ['for CONNECT', [':method', 'CONNECT', ':authority', 'host:443']],
  ['with a method of its own', withPseudo(':method', 'M-SEARCH')],
])('a request %s is well formed', (_what, headers) => {
  expect(requestProblem(headers)).toBeUndefined();
});

test.each([
  // Pseudo-header fields.
  ['no :method', withPseudo(':method', undefined), ':method missing'],
  ['an empty :method', withPseudo(':method', ''), ':method missing'],
  ['a request line in :method', withPseudo(':method', 'GET / HTTP/1.1'), 'invalid value'],
  ['a comma in :method', withPseudo(':method', 'GET,POST'), 'not a token'],
  ['no :scheme', withPseudo(':scheme', undefined), ':scheme missing'],
  ['an unknown :scheme', withPseudo(':scheme', 'file'), ':scheme missing or unknown'],
  ['a URL in :scheme', withPseudo(':scheme', 'https://other/?'), ':scheme missing or unknown'],
  ['no :path', withPseudo(':path', undefined), ':path missing'],
  ['an empty :path', withPseudo(':path', ''), ':path missing'],
  ['a relative :path', withPseudo(':path', 'api'), ':path missing or malformed'],
  ['an absolute URI as :path', withPseudo(':path', 'https://h/api'), ':path missing or malformed'],
  ['GET *', withPseudo(':path', '*'), ':path missing or malformed'],
  ['a space in :path', withPseudo(':path', '/a HTTP/1.1'), 'invalid value of :path'],
  ['CR LF in :path', withPseudo(':path', '/a\r\nx: y'), 'invalid value of :path'],
  ['NUL in :path', withPseudo(':path', '/a\0'), 'invalid value of :path'],
  ['a tab in :path', withPseudo(':path', '/a\tb'), 'invalid value of :path'],
  ['a space in :authority', withPseudo(':authority', 'a b'), 'invalid value of :authority'],
  ['CR LF in :authority', withPseudo(':authority', 'a\r\nb'), 'invalid value of :authority'],
  ['user information in :authority', withPseudo(':authority', 'u@h'), 'malformed :authority'],
  ['a path in :authority', withPseudo(':authority', 'h/x'), 'malformed :authority'],
  ['a query in :authority', withPseudo(':authority', 'h?x'), 'malformed :authority'],
  [':method twice', [':method', 'GET', ...LINE], ':method twice'],
  [':path twice', [':path', '/x', ...LINE], ':path twice'],
  [':authority twice', [':authority', 'x', ...LINE], ':authority twice'],
  [':status', [':status', '200', ...LINE], 'unknown pseudo-header field'],
  [':protocol', [':protocol', 'websocket', ...LINE], 'unknown pseudo-header field'],
  ['the name of a member of Object', [':constructor', 'x', ...LINE], 'unknown pseudo-header'],
  ['an upper-case pseudo-header', [':Path', '/x', ...LINE], 'unknown pseudo-header field'],
  [':path behind a field', [...withPseudo(':path', undefined), 'a', 'b', ':path', '/'], 'after a'],
  ['CONNECT with a path', [...LINE.with(1, 'CONNECT')], 'malformed CONNECT'],
  ['CONNECT to nowhere', [':method', 'CONNECT'], 'malformed CONNECT'],
  // Two names for one target.
  ['another host', [...LINE, 'host', 'other'], 'host differs from :authority'],
  ['host twice', [...LINE, 'host', 'host:6443', 'host', 'host:6443'], 'host twice'],
  ['a malformed host', [...withPseudo(':authority', undefined), 'host', 'a/b'], 'malformed host'],
  // What HTTP/1.1 frames a message with (H2.TE), or a hop is steered with.
  ['transfer-encoding', [...LINE, 'transfer-encoding', 'chunked'], 'connection-specific'],
  ['connection', [...LINE, 'connection', 'x-remote-user'], 'connection-specific'],
  ['keep-alive', [...LINE, 'keep-alive', 'timeout=5'], 'connection-specific'],
  ['proxy-connection', [...LINE, 'proxy-connection', 'close'], 'connection-specific'],
  ['upgrade', [...LINE, 'upgrade', 'websocket'], 'connection-specific'],
  ['te: chunked', [...LINE, 'te', 'trailers, chunked'], 'te other than trailers'],
  // Names and values that end a line of HTTP/1.1, or begin another.
  ['an upper-case name', [...LINE, 'Accept', 'x'], 'invalid field name'],
  ['an empty name', [...LINE, '', 'x'], 'invalid field name'],
  ['a space in a name', [...LINE, 'x y', 'z'], 'invalid field name'],
  ['a space behind a name', [...LINE, 'transfer-encoding ', 'chunked'], 'invalid field name'],
  ['a colon in a name', [...LINE, 'a:b', 'c'], 'invalid field name'],
  ['CR LF in a name', [...LINE, 'a\r\nb', 'c'], 'invalid field name'],
  ['NUL in a name', [...LINE, 'a\0', 'c'], 'invalid field name'],
  ['a byte above ASCII in a name', [...LINE, '\xe4', 'c'], 'invalid field name'],
  ['CR LF in a value', [...LINE, 'a', 'b\r\ntransfer-encoding: chunked'], 'invalid value'],
  ['LF alone in a value', [...LINE, 'a', 'b\nc'], 'invalid value of field a'],
  ['CR alone in a value', [...LINE, 'a', 'b\rc'], 'invalid value of field a'],
  ['NUL in a value', [...LINE, 'a', 'b\0'], 'invalid value of field a'],
  ['DEL in a value', [...LINE, 'a', 'b\x7f'], 'invalid value of field a'],
  ['a space before a value', [...LINE, 'a', ' b'], 'invalid value of field a'],
  ['a tab behind a value', [...LINE, 'a', 'b\t'], 'invalid value of field a'],
])('a request with %s is malformed', (_what, headers, problem) => {
  expect(requestProblem(headers)).toContain(problem);
});

test.each([
  ['200', [':status', '200', 'date', 'today'], undefined],
  ['103', [':status', '103'], undefined],
  ['no status', ['date', 'today'], ':status missing'],
  ['two', [':status', '200', ':status', '200'], ':status twice'],
  ['a status of two digits', [':status', '99'], ':status missing or malformed'],
  ['a reason', [':status', '200 OK'], 'invalid value of :status'],
  ['a path', [':status', '200', ':path', '/'], 'unknown pseudo-header field'],
  ['transfer-encoding', [':status', '200', 'transfer-encoding', 'x'], 'connection-specific'],
])('a response with %s', (_what, headers, problem) => {
  const found = responseProblem(headers);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});

test('trailers hold fields, and no pseudo-header field', () => {
  expect(trailersProblem(['grpc-status', '0'])).toBeUndefined();
  expect(trailersProblem([':status', '200'])).toBe('unknown pseudo-header field');
  expect(trailersProblem(['connection', 'close'])).toContain('connection-specific');
});

test.each([
  [[], -1],
  [['content-length', '0'], 0],
  [['content-length', '123'], 123],
  [['content-length', '5', 'content-length', '5'], 5],
  [['content-length', '5', 'content-length', '6'], Number.NaN],
  [['content-length', '5, 5'], Number.NaN],
  [['content-length', ''], Number.NaN],
  [['content-length', '+5'], Number.NaN],
  [['content-length', '-5'], Number.NaN],
  [['content-length', '0x5'], Number.NaN],
  [['content-length', '1e3'], Number.NaN],
  [['content-length', '5 '], Number.NaN],
  [['content-length', '1'.repeat(16)], Number.NaN],
])('%j declares a length of %d', (headers, length) => {
  expect(declaredLength(headers)).toBe(length);
});

test('a byte that is refused in a short value is refused in a long one, and no other', () => {
  const long = 'a'.repeat(900);
  for (let byte = 0; byte <= 0xff; byte++) {
    const character = String.fromCharCode(byte);
    const wanted = requestProblem([...LINE, 'a', `b${character}c`]);
    for (const at of [1, 31, 32, 33, 450, 899]) {
      const value = long.slice(0, at) + character + long.slice(at);
      expect(requestProblem([...LINE, 'a', value]), `byte ${byte} at ${at}`).toBe(wanted);
    }
    const refused = (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
    expect(wanted, `byte ${byte}`).toBe(refused ? 'invalid value of field a' : undefined);
  }
});
