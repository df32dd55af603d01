import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { CallerNames, fingerprintOf } from '../../../proxy/identity/caller-name.ts';
import { identityFromCertificate } from '../../../proxy/identity/certificate-identity.ts';
import { Client } from '../../../proxy/identity/client.ts';
import { certificateDer, commonName } from './der-certificate.ts';

const names = new CallerNames('the key of a door');
const WEBSOCKET = 'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.dG9rZW4';

function nameOf(headers: string[], client = new Client('192.0.2.7', 'h2', undefined)) {
  return client.nameOf(client.identify(headers), headers, names);
}

test('the same token has the same name at all doors with one key, and another with another', () => {
  const name = names.ofToken('t0k3n');
  expect(name).toMatch(/^bearer #[0-9a-f]{6}$/);
  expect(new CallerNames('the key of a door').ofToken('t0k3n')).toBe(name);
  expect(new CallerNames('another key').ofToken('t0k3n')).not.toBe(name);
  expect(names.ofToken('t0k3n2')).not.toBe(name);
});

test.each([
  [['authorization', 'Bearer t0k3n'], 't0k3n'],
  [['Authorization', ' bearer t0k3n '], 't0k3n'],
  [['sec-websocket-protocol', WEBSOCKET], 'dG9rZW4'],
  [['authorization', 'Bearer t0k3n', 'sec-websocket-protocol', WEBSOCKET], 't0k3n'],
  [['authorization', 'Basic x', 'sec-websocket-protocol', WEBSOCKET], 'dG9rZW4'],
])('%j is named by its token', (headers, token) => {
  expect(nameOf(headers)).toBe(names.ofToken(token));
});

test.each([[[]], [['authorization', 'Basic dTpw']], [['x-remote-user', 'jane']]])(
  '%j is anonymous',
  (headers) => {
    expect(nameOf(headers)).toBe('anonymous');
  },
);

test('a certificate says who it is, also beside a token', () => {
  const expiresAt = new Date(Date.now() + 60_000);
  const jane = identityFromCertificate(certificateDer([[commonName('jane')]]));
  if (jane === undefined) throw new Error('no identity');
  const client = new Client('192.0.2.7', 'h2', { ...jane, expiresAt });
  expect(nameOf(['authorization', 'Bearer t0k3n'], client)).toBe('jane');
});

test('each request of a connection is named by its own token', () => {
  const client = new Client('192.0.2.7', 'h2', undefined);
  const tokens = ['a', 'a', 'b', undefined, 'a', 'b'];
  const found = tokens.map((token) =>
    nameOf(token === undefined ? [] : ['authorization', `Bearer ${token}`], client),
  );
  expect(found).toEqual(
    tokens.map((token) => (token === undefined ? 'anonymous' : names.ofToken(token))),
  );
});

test('tokens that differ at one place of their ends, or in length, have other fingerprints', () => {
  const token = 'abcdefgh'.repeat(20);
  const others = [`${token}x`, token.slice(1)];
  for (const at of [0, 1, 15, 31, 128, 144, 158, 159]) {
    others.push(`${token.slice(0, at)}#${token.slice(at + 1)}`);
  }
  const short = ['a', 'b', 'ab', 'ba', 'a'.repeat(64), 'a'.repeat(65)];
  const all = [token, ...others, ...short].map(fingerprintOf);
  expect(new Set(all).size).toBe(all.length);
  expect(all.every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true);
});

test('a connection does not keep the token that it has named', () => {
  const client = new Client('192.0.2.7', 'h2', undefined);
  expect(nameOf(['authorization', 'Bearer t0k3n-of-a-connection'], client)).toMatch(/^bearer #/);
  expect(inspect(client, { depth: null, showHidden: true })).not.toContain('t0k3n');
});
