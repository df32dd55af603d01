import { createHash, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { ProxyError } from '../../../proxy/errors.ts';
import { identityFromCertificate } from '../../../proxy/identity/certificate-identity.ts';
import {
  attribute,
  certificateDer,
  commonName as cn,
  type NameAttribute,
  organization as o,
  STRING_TAG,
  uidAttribute as uid,
} from './der-certificate.ts';

type Subject = readonly (readonly NameAttribute[])[];

function read(...subject: Subject): ReturnType<typeof identityFromCertificate> {
  return identityFromCertificate(certificateDer(subject));
}

function refusal(...subject: Subject): string {
  try {
    read(...subject);
  } catch (error) {
    if (error instanceof ProxyError && error.code === 'unauthorized') return error.message;
    throw error;
  }
  return 'accepted';
}

test('the last common name is the user and every organization a group, in order', () => {
  const identity = read([o('g2')], [cn('first')], [o('g1')], [cn('second')], [o('g1')]);
  expect(identity?.user).toBe('second');
  expect(identity?.groups).toEqual(['g2', 'g1', 'g1']);
  expect(identity?.uid).toBeUndefined();
});

test('attributes that share an RDN count like any others', () => {
  const identity = read([cn('one'), o('m1'), o('m2')], [o('z')], [cn('two'), uid('u')]);
  expect(identity).toMatchObject({ user: 'two', groups: ['m1', 'm2', 'z'], uid: 'u' });
});

// As printed names these would be somebody else: "CN=a, O=system:masters".
test.each(['a, O=system:masters', 'a/O=system:masters', 'a + O=x', '"a"', 'a\\,b', 'a#b=c'])(
  'the common name %j is a name and nothing more',
  (name) => {
    expect(read([cn(name)], [o('dev')])).toMatchObject({ user: name, groups: ['dev'] });
    expect(read([cn('u')], [o(name)])).toMatchObject({ user: 'u', groups: [name] });
  },
);

test.each(['a\nO=system:masters', 'a\r\nb', 'system:admin\0x', ' system:admin', 'system:admin '])(
  'the name %j is refused, because no header can carry it unchanged',
  (name) => {
    expect(refusal([cn(name)])).toContain('client certificate refused');
    expect(refusal([cn('u')], [o(name)])).toContain('client certificate refused');
  },
);

test.each([
  ['UTF8String', Buffer.from('jürgen 漢'), STRING_TAG.utf8, 'jürgen 漢'],
  ['BMPString', Buffer.from('004a00fc6f22', 'hex'), STRING_TAG.bmp, 'Jü漢'],
  ['TeletexString', Buffer.from([0x6a, 0xfc]), STRING_TAG.teletex, 'jü'],
  ['PrintableString', Buffer.from('jane'), STRING_TAG.printable, 'jane'],
  ['IA5String', Buffer.from('jane@x'), STRING_TAG.ia5, 'jane@x'],
])('a %s is read as text', (_kind, bytes, tag, user) => {
  expect(read([cn(bytes, tag)])?.user).toBe(user);
});

test.each([
  ['invalid UTF-8', Buffer.from([0x61, 0xff]), STRING_TAG.utf8],
  ['half a BMP character', Buffer.from([0x00, 0x61, 0x00]), STRING_TAG.bmp],
  ['a surrogate', Buffer.from('d800dc00', 'hex'), STRING_TAG.bmp],
  ['a number', Buffer.from([1]), 0x02],
])('%s as common name makes it no certificate at all', (_kind, bytes, tag) => {
  // Behind a good name, so that skipping the bad one would show.
  expect(refusal([cn('good')], [cn(bytes, tag)])).toContain('it cannot be read');
});

test('without a common name, or with an empty last one, it counts as no certificate', () => {
  expect(read([o('system:masters')])).toBeUndefined();
  expect(read()).toBeUndefined();
  expect(read([cn('x')], [cn('')])).toBeUndefined();
});

test('only the exact object identifiers count', () => {
  const identity = read(
    [cn('jane')],
    [attribute('2.5.4.3.1', 'fake')],
    [attribute('2.5.4.11', 'unit')],
    [attribute('2.5.4.97', 'organizationIdentifier')],
    [attribute('0.9.2342.19200300.100.1.1', 'LDAP UID')],
    [attribute('1.3.6.1.4.1.57683.22', 'not the UID')],
  );
  expect(identity).toMatchObject({ user: 'jane', groups: [], uid: undefined });
});

test('a second UID or an empty one is refused, and unread when UIDs are off', () => {
  expect(refusal([cn('jane')], [uid('a')], [uid('b')])).toContain('2 UIDs');
  expect(refusal([cn('jane')], [uid('')])).toContain('is empty');
  const twice = certificateDer([[cn('jane')], [uid('a')], [uid('b')]]);
  expect(identityFromCertificate(twice, { sendUid: false })?.uid).toBeUndefined();
});

test('the credential id is the SHA-256 of the whole certificate', () => {
  const der = certificateDer([[cn('jane')], [o('dev')]]);
  const identity = identityFromCertificate(new X509Certificate(der));
  const id = `X509SHA256=${createHash('sha256').update(der).digest('hex')}`;
  expect([...(identity?.extra ?? [])]).toEqual([
    ['authentication.kubernetes.io/credential-id', [id]],
  ]);
  expect(identity?.headers).toEqual([
    ...['x-remote-user', 'jane', 'x-remote-group', 'dev'],
    ...['x-remote-extra-authentication.kubernetes.io%2fcredential-id', id],
  ]);
  expect(identity?.expiresAt.getTime()).toBeGreaterThan(Date.now());
});

test.each([[''], ['not a certificate'], ['0\x03\x02\x01\x01']])('%j is refused', (bytes) => {
  expect(() => identityFromCertificate(Buffer.from(bytes))).toThrow('it cannot be read');
});
