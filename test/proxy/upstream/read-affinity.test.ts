import { expect, test } from 'vitest';
import { parseRequestInfo } from '../../../proxy/kube/request-info.ts';
import type { Endpoint } from '../../../proxy/upstream/endpoint.ts';
import { EndpointLoad } from '../../../proxy/upstream/endpoint-load.ts';
import { isCachedRead, ReadAffinity } from '../../../proxy/upstream/read-affinity.ts';
import { isTooFarAhead } from '../../../proxy/upstream/retry-policy.ts';

const PODS = '/api/v1/pods';
const [first, second] = [endpoint('e1'), endpoint('e2')];

function endpoint(name: string): Endpoint {
  return { name, load: new EndpointLoad() } as Endpoint;
}

const nowhere = (): undefined => undefined;

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
  expect(reads.preferredFor(cached, nowhere)).toBeUndefined();
  reads.sent(read(PODS), first);
  expect(reads.preferredFor(cached, nowhere)).toBe(first);
  reads.sent(cached, second);
  expect(reads.preferredFor(cached, nowhere)).toBe(second);
});

test('a new connection begins where the same client has read before', () => {
  const cached = read(`${PODS}?resourceVersion=0`);
  const reads = new ReadAffinity();
  expect(reads.preferredFor(read(PODS), () => first)).toBeUndefined();
  expect(reads.preferredFor(cached, () => first)).toBe(first);
  // Once it has been served it has a place of its own.
  reads.sent(cached, first);
  expect(reads.preferredFor(cached, () => second)).toBe(first);
});

test('a connection counts as a reader of one endpoint at most, and of none when it is gone', () => {
  const [one, other] = [endpoint('e1'), endpoint('e2')];
  const reads = new ReadAffinity();
  const counts = () => [one.load.readers, other.load.readers];
  for (const place of [one, one, other]) reads.sent(read(PODS), place);
  expect(counts()).toEqual([0, 1]);
  reads.close();
  reads.sent(read(PODS), one);
  expect(counts()).toEqual([0, 0]);
});

test('only a new place of the reads is told', () => {
  const reads = new ReadAffinity();
  expect(reads.sent(read(PODS), first)).toBe(true);
  expect(reads.sent(read(PODS), first)).toBe(false);
  expect(reads.sent(read(PODS, 'POST'), second)).toBe(false);
  expect(reads.sent(read(PODS), second)).toBe(true);
});

test('what the cache does not answer prefers nobody, and is nobody’s measure', () => {
  const reads = new ReadAffinity();
  reads.sent(read(PODS), first);
  expect(reads.preferredFor(read(PODS), nowhere)).toBeUndefined();
  reads.sent(read('/api/v1/namespaces/a/pods/b'), second);
  reads.sent(read(PODS, 'POST'), second);
  expect(reads.preferredFor(read(`${PODS}?resourceVersion=0`), nowhere)).toBe(first);
});

test('a 504 that says when to come back is one of a cache that is behind', () => {
  expect(isTooFarAhead([':status', '504', 'retry-after', '1'])).toBe(true);
  expect(isTooFarAhead([':status', '504', 'content-type', 'application/json'])).toBe(false);
  expect(isTooFarAhead([':status', '429', 'retry-after', '1'])).toBe(false);
});
