import { expect, test } from 'vitest';
import type { RequestIdentity } from '../../../proxy/identity/client.ts';
import type { Endpoint } from '../../../proxy/upstream/endpoint.ts';
import { ReadPlaces, readerOf } from '../../../proxy/upstream/read-places.ts';

const [first, second] = [{ name: 'e1' } as Endpoint, { name: 'e2' } as Endpoint];
const bearer: RequestIdentity = { class: 'bearer', certificate: undefined };
const anonymous: RequestIdentity = { class: 'anonymous', certificate: undefined };

function certificate(user: string): RequestIdentity {
  return { class: 'certificate', certificate: { user } } as RequestIdentity;
}

test('the same user with the same agent is one reader, and nobody else is', () => {
  const agent = ['user-agent', 'kubelet/v1.34'];
  const token = ['authorization', 'Bearer secret'];
  const readers = [
    readerOf(certificate('alice'), agent),
    readerOf(certificate('bob'), agent),
    readerOf(certificate('alice'), ['user-agent', 'kubectl/v1.34']),
    readerOf(certificate('alice'), []),
    readerOf(bearer, [...agent, ...token]),
    readerOf(bearer, [...agent, 'authorization', 'Bearer other']),
  ];
  expect(new Set(readers).size).toBe(readers.length);
  expect(readerOf(certificate('alice'), agent)).toBe(readers[0]);
  // A token beside a certificate does not count, as with the apiserver.
  expect(readerOf(certificate('alice'), [...token, ...agent])).toBe(readers[0]);
});

test('a reader cannot be read: neither the user nor the token is in it', () => {
  const reader = readerOf(bearer, ['authorization', 'Bearer secret-token']) ?? '';
  expect(reader).toMatch(/^[A-Za-z0-9+/]{43}=$/);
});

test('anonymous clients are not one reader', () => {
  const places = new ReadPlaces();
  const reader = readerOf(anonymous, ['user-agent', 'curl']);
  expect(reader).toBeUndefined();
  places.set(reader, first);
  expect(places.of(reader)).toBeUndefined();
});

test('of more than ten thousand readers the one that moved longest ago is forgotten', () => {
  const places = new ReadPlaces();
  for (let i = 0; i < 10_000; i++) places.set(`r${i}`, first);
  places.set('r0', second);
  places.set('new', first);
  expect(places.size).toBe(10_000);
  expect(places.of('r0')).toBe(second);
  expect(places.of('r1')).toBeUndefined();
  expect(places.of('new')).toBe(first);
});
