import { expect, test } from 'vitest';
import { parseRequestInfo } from '../../../proxy/kube/request-info.ts';
import type { Endpoint } from '../../../proxy/upstream/endpoint.ts';
import { isCachedRead, ReadAffinity } from '../../../proxy/upstream/read-affinity.ts';
import { isTooFarAhead } from '../../../proxy/upstream/retry-policy.ts';

const PODS = '/api/v1/pods';
const [first, second] = [{ name: 'e1' } as Endpoint, { name: 'e2' } as Endpoint];

function read(target: string, method = 'GET') {
  return parseRequestInfo(method, target);
}

test.each([
  [`${PODS}?resourceVersion=0`, true],
  [`${PODS}?limit=500&resourceVersion=12`, true],
  [`/api/v1/namespaces/a/pods/b?resourceVersion=0`, true],
  [PODS, false],
  [`${PODS}?resourceVersion=`, false],
  [`${PODS}?resourceVersionMatch=Exact`, false],
  [`${PODS}?watch=true&resourceVersion=12`, false],
  ['/version?resourceVersion=0', false],
])('%s may be answered by the watch cache: %s', (target, expected) => {
  expect(isCachedRead(read(target))).toBe(expected);
});

test('a read of the cache goes where the client has listed last', () => {
  const reads = new ReadAffinity();
  const cached = read(`${PODS}?resourceVersion=0`);
  expect(reads.preferredFor(cached)).toBeUndefined();
  reads.sent(read(PODS), first);
  expect(reads.preferredFor(cached)).toBe(first);
  reads.sent(cached, second);
  expect(reads.preferredFor(cached)).toBe(second);
});

test('what the cache does not answer prefers nobody, and is nobody’s measure', () => {
  const reads = new ReadAffinity();
  reads.sent(read(PODS), first);
  expect(reads.preferredFor(read(PODS))).toBeUndefined();
  reads.sent(read('/api/v1/namespaces/a/pods/b'), second);
  reads.sent(read(PODS, 'POST'), second);
  expect(reads.preferredFor(read(`${PODS}?resourceVersion=0`))).toBe(first);
});

test('a 504 that says when to come back is one of a cache that is behind', () => {
  expect(isTooFarAhead([':status', '504', 'retry-after', '1'])).toBe(true);
  expect(isTooFarAhead([':status', '504', 'content-type', 'application/json'])).toBe(false);
  expect(isTooFarAhead([':status', '429', 'retry-after', '1'])).toBe(false);
});
