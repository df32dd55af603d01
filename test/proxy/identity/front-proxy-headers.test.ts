import { expect, test } from 'vitest';
import type { HeaderList } from '../../../proxy/http2/header-list.ts';
import {
  identityHeaders,
  type StampedIdentity,
  stampIdentity,
  stripIdentityHeaders,
  type UserIdentity,
} from '../../../proxy/identity/front-proxy-headers.ts';

const REQUEST: readonly string[] = [
  ':method',
  'GET',
  ':path',
  '/api/v1/pods',
  ':scheme',
  'https',
  ':authority',
  'door',
];

function identity(fields: Partial<UserIdentity> = {}): UserIdentity {
  return { user: 'jane', groups: [], extra: new Map(), ...fields };
}

function stamped(fields: Partial<UserIdentity> = {}): StampedIdentity {
  const whole = identity(fields);
  return { ...whole, headers: identityHeaders(whole) ?? [] };
}

// Every way to write an identity header that a client might try.
const SPOOFS: readonly string[][] = [
  ...[
    'x-remote-user',
    'X-Remote-User',
    'X-REMOTE-USER',
    'x-ReMoTe-UsEr',
    'x_remote_user',
    'X_Remote_User',
    'X_REMOTE_USER',
    'x-remote_user',
    'x_remote-user',
    'x.remote.user',
    'x-remote.user',
    'x remote user',
    'x-remote-user ',
    'x-remote-user\t',
    'x-remote-user\0',
    'x-remote-user-',
    'x-remote-group',
    'X-Remote-Group',
    'X-REMOTE-GROUP',
    'x_remote_group',
    'x-remote_group',
    'X_Remote-Group',
    'x-remote-groups',
    'x-remote-uid',
    'X-Remote-Uid',
    'X-Remote-UID',
    'x_remote_uid',
    'x-remote_uid',
    'x-remote-extra-scopes',
    'X-Remote-Extra-Scopes',
    'x-remote-extra-',
    'X-REMOTE-EXTRA-A',
    'x_remote_extra_scopes',
    'x-remote-extra_scopes',
    'x-remote_extra-scopes',
    'x-remote-extra-authentication.kubernetes.io%2fcredential-id',
    'x-remote-extra-%2e',
    'x-remote-name',
    'x-remote-',
  ].map((name) => [name, 'system:admin']),
  ['x-remote-group', 'system:masters', 'x-remote-group', 'system:masters'],
  ['x-remote-user', 'a', 'X-Remote-User', 'b', 'x_remote_user', 'c'],
  ['connection', 'x-remote-user', 'x-remote-user', 'system:admin'],
  ['Connection', 'close, X-Remote-User', 'X-Remote-User', 'system:admin'],
  ['connection', 'x-remote-group', 'connection', 'x-remote-user', 'x-remote-user', 'a'],
  ['x-remote-user', ''],
];

test.each(SPOOFS)('a client cannot bring %j', (...headers) => {
  const kept = stripIdentityHeaders([...REQUEST, 'accept', '*/*', ...headers, 'user-agent', 'x']);
  expect(kept).toEqual([...REQUEST, 'accept', '*/*', 'user-agent', 'x']);
});

test.each(SPOOFS)('beside %j what the door stamps stands alone and whole', (...headers) => {
  const request = stripIdentityHeaders([...REQUEST, ...headers]);
  stampIdentity(request, stamped({ groups: ['dev', 'ops'] }));
  expect(request).toEqual([
    ...REQUEST,
    ...['x-remote-user', 'jane', 'x-remote-group', 'dev', 'x-remote-group', 'ops'],
  ]);
});

test.each([
  ['connection', 'close'],
  ['keep-alive', 'timeout=5'],
  ['proxy-connection', 'keep-alive'],
  ['transfer-encoding', 'chunked'],
  ['upgrade', 'websocket'],
  ['http2-settings', 'AAMAAABk'],
  ['proxy-authorization', 'Basic x'],
  ['proxy-authenticate', 'Basic'],
  ['te', 'gzip'],
  ['connection', 'x-hop', 'x-hop', '1'],
  ['x-hop', '1', 'Connection', ' ,X-Hop ,', 'X-HOP', '2'],
])('hop-by-hop fields end here: %j', (...headers) => {
  expect(stripIdentityHeaders([...REQUEST, ...headers])).toEqual(REQUEST);
});

test('te passes only as trailers', () => {
  expect(stripIdentityHeaders(['te', 'trailers'])).toEqual(['te', 'trailers']);
  expect(stripIdentityHeaders(['te', 'gzip;q=0.5, Trailers'])).toEqual(['te', 'trailers']);
});

test.each([
  ['authorization', 'Bearer t'],
  ['impersonate-user', 'jane'],
  ['impersonate-group', 'dev'],
  ['impersonate-extra-scopes', 'x'],
])('naming %s in Connection does not take it off', (name, value) => {
  const kept = stripIdentityHeaders(['connection', name, name, value]);
  expect(kept).toEqual([name, value]);
});

test('pseudo-header fields stay, even when Connection names them', () => {
  expect(stripIdentityHeaders([...REQUEST, 'connection', ':path, :method'])).toEqual(REQUEST);
});

test.each(['x-forwarded-for', 'x-remote', 'x-real-ip', 'remote-user', 'xremote-user', 'cookie'])(
  '%s is none of our business',
  (name) => {
    expect(stripIdentityHeaders([name, '1'])).toEqual([name, '1']);
  },
);

test('names that other apiservers read identity from are stripped when configured', () => {
  const list: HeaderList = ['x-auth-user', 'a', 'X_Auth_User', 'b', 'x-auth-extra-k', 'c'];
  expect(stripIdentityHeaders(list, ['x-auth-user', 'x-auth-extra-'])).toEqual([]);
  expect(stripIdentityHeaders(['x-auth-users', 'a'], ['x-auth-user'])).toEqual([
    'x-auth-users',
    'a',
  ]);
});

test('the argument is left as it was, and never-indexed names stay so', () => {
  const list: HeaderList = ['authorization', 'Bearer t', 'x-remote-user', 'a'];
  list.neverIndexed = new Set(['authorization']);
  const kept = stripIdentityHeaders(list);
  expect(list).toHaveLength(4);
  expect(kept.neverIndexed).toEqual(new Set(['authorization']));
});

test('a token that comes with a certificate goes no further', () => {
  const list: HeaderList = ['authorization', 'Bearer t', 'a', '1', 'Authorization', 'Basic x'];
  expect(stampIdentity(list, stamped())).toEqual(['a', '1', 'x-remote-user', 'jane']);
});

test('uid and extras are sent with keys that a header name can hold', () => {
  const extra = new Map([['Example.org/Ké y%', ['1', '2']]]);
  expect(identityHeaders(identity({ uid: 'u1', extra }))).toEqual([
    ...['x-remote-user', 'jane', 'x-remote-uid', 'u1'],
    ...['x-remote-extra-example.org%2fk%c3%a9%20y%25', '1'],
    ...['x-remote-extra-example.org%2fk%c3%a9%20y%25', '2'],
  ]);
});

test('a name beyond latin-1 is sent as its UTF-8 bytes', () => {
  const headers = identityHeaders(identity({ user: 'jürgen 漢', groups: ['é'] })) ?? [];
  expect(Buffer.from(headers[1] ?? '', 'latin1').toString('utf8')).toBe('jürgen 漢');
  expect(headers.join('')).toMatch(/^[\0-\xff]*$/);
});

test.each(['a\nO=system:masters', 'a\r\nx-remote-group: b', 'a\0b', 'a\x7f', ' a', 'a ', '\ta'])(
  'an identity with %j is not sent at all',
  (text) => {
    expect(identityHeaders(identity({ user: text }))).toBeUndefined();
    expect(identityHeaders(identity({ groups: ['ok', text] }))).toBeUndefined();
    expect(identityHeaders(identity({ uid: text }))).toBeUndefined();
    expect(identityHeaders(identity({ extra: new Map([['k', [text]]]) }))).toBeUndefined();
  },
);
