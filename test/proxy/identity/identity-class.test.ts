import { expect, test } from 'vitest';
import { identityFromCertificate } from '../../../proxy/identity/certificate-identity.ts';
import { classOf } from '../../../proxy/identity/identity-class.ts';
import { certificateDer, commonName } from './der-certificate.ts';

const jane = identityFromCertificate(certificateDer([[commonName('jane')]]));

const WEBSOCKET_TOKEN = 'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.dG9rZW4';

test.each([
  [['authorization', 'Bearer t'], 'bearer'],
  [['Authorization', 'bearer t'], 'bearer'],
  [['authorization', '  BEARER t  '], 'bearer'],
  [['authorization', 'Bearer t x'], 'bearer'],
  [['authorization', 'Bearer t', 'authorization', 'Basic x'], 'bearer'],
  [['sec-websocket-protocol', WEBSOCKET_TOKEN], 'bearer'],
  [[], 'anonymous'],
  [['authorization', ''], 'anonymous'],
  [['authorization', 'Bearer'], 'anonymous'],
  [['authorization', 'Bearer '], 'anonymous'],
  [['authorization', 'Bearer  t'], 'anonymous'],
  [['authorization', 'Bearert'], 'anonymous'],
  [['authorization', 'Basic dTpw'], 'anonymous'],
  [['authorization', 'Basic x', 'authorization', 'Bearer t'], 'anonymous'],
  [['sec-websocket-protocol', 'v4.channel.k8s.io'], 'anonymous'],
  [['sec-websocket-protocol', 'base64url.bearer.authorization.k8s.io.'], 'anonymous'],
  [['x-remote-user', 'jane'], 'anonymous'],
])('%j without a certificate is %s', (headers, expected) => {
  expect(classOf(headers, undefined)).toBe(expected);
  // A valid certificate is asked first, whatever else the request holds.
  expect(classOf(headers, jane)).toBe('certificate');
});

test('an invalid certificate is a failed login, unless a token can still speak', () => {
  expect(() => classOf([], 'invalid')).toThrow('Unauthorized');
  expect(() => classOf(['authorization', 'Basic x'], 'invalid')).toThrow('Unauthorized');
  expect(classOf(['authorization', 'Bearer t'], 'invalid')).toBe('bearer');
});
