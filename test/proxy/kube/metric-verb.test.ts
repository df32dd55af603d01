import { expect, test } from 'vitest';
import { metricVerb } from '../../../proxy/kube/metric-verb.ts';
import { parseRequestInfo, scopeOf } from '../../../proxy/kube/request-info.ts';

// The classifier vectors: [request, verb, scope, label]. Those that differ from the apiserver's own
// label say so.
const LABELS: [string, string, string, string][] = [
  ['GET /api/v1/pods', 'list', 'cluster', 'LIST'],
  ['GET /api/v1/namespaces/a/pods/p', 'get', 'resource', 'GET'],
  ['GET /api/v1/pods?watch', 'watch', 'cluster', 'WATCH'],
  ['GET /api/v1/pods?watch=FALSE', 'list', 'cluster', 'LIST'],
  ['GET /api/v1/pods?watch=true&watch=false', 'watch', 'cluster', 'WATCH'],
  ['GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1', 'watch', 'resource', 'WATCH'],
  // The apiserver's logs and 429 counters say GET.
  ['GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1', 'list', 'resource', 'LIST'],
  // The apiserver's gauge of long-running requests says LIST, and GET for the next one.
  ['GET /api/v1/watch/pods', 'watch', 'cluster', 'WATCH'],
  ['GET /api/v1/watch/namespaces/a/pods/p', 'watch', 'resource', 'WATCH'],
  // The apiserver says WATCH since 1.24.
  ['GET /api/v1/nodes/n1?watch=true', 'get', 'resource', 'GET'],
  ['GET /api/v1/namespaces/a/pods/p/log?follow=true', 'get', 'resource', 'CONNECT'],
  ['POST /api/v1/namespaces/a/pods/p/exec', 'create', 'resource', 'CONNECT'],
  ['GET /api/v1/namespaces/a/pods/p/attach', 'get', 'resource', 'CONNECT'],
  ['POST /api/v1/namespaces/a/pods/p/portforward', 'create', 'resource', 'CONNECT'],
  ['GET /api/v1/nodes/n1/proxy/metrics', 'get', 'resource', 'CONNECT'],
  ['GET /api/v1/pods?watch=1&fieldSelector=bogus', 'watch', 'cluster', 'WATCH'],
  ['PATCH /api/v1/namespaces/a/pods/p', 'patch', 'resource', 'PATCH'],
  ['DELETE /api/v1/namespaces/a/pods', 'deletecollection', 'namespace', 'DELETE'],
  ['POST /api/v1/namespaces/a/pods', 'create', 'resource', 'POST'],
  ['PUT /api/v1/namespaces/a/pods/p', 'update', 'resource', 'PUT'],
  ['GET /api/v1/pods?watch=true&sendInitialEvents=true', 'watch', 'cluster', 'WATCH'],
  // The apiserver says WATCH.
  ['GET /healthz?watch=true', 'get', '', 'GET'],
  ['HEAD /healthz', 'head', '', 'GET'],
  ['POST /healthz', 'post', '', 'POST'],
  ['BREW /api/v1/pods', '', 'cluster', 'other'],
  ['WATCH /x', 'watch', '', 'other'],
  ['PROXY /x', 'proxy', '', 'other'],
];

test.each(LABELS)('%s has verb %j, scope %j and label %s', (request, verb, scope, label) => {
  const [method = '', target = ''] = request.split(' ');
  const info = parseRequestInfo(method, target);
  expect([info.verb, scopeOf(info), metricVerb(info)]).toEqual([verb, scope, label]);
});

test('a patch is APPLY only with exactly the media type of server-side apply', () => {
  const info = parseRequestInfo('PATCH', '/api/v1/namespaces/a/pods/p');
  expect(metricVerb(info, 'application/apply-patch+yaml')).toBe('APPLY');
  expect(metricVerb(info, 'application/merge-patch+json')).toBe('PATCH');
});

test('no target makes it throw, and the label stays one of the closed set', () => {
  const labels = 'APPLY CONNECT DELETE GET LIST PATCH POST PUT WATCH other'.split(' ');
  const pieces = ['/', 'api', 'apis', 'v1', 'watch', 'proxy', '%', '%2', '%ff', '?', '&', '='];
  pieces.push('\0', '\xff', '#', 'http://x', 'fieldSelector=metadata.name', '\\', ';', ' ');
  // A linear congruential generator: the same 5,000 targets on every run.
  let seed = 42;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  for (let i = 0; i < 5000; i++) {
    const target = Array.from({ length: next(12) }, () => pieces[next(pieces.length)]).join('');
    const info = parseRequestInfo(['GET', 'DELETE', '', '%'][next(4)] ?? '', target);
    expect(labels).toContain(metricVerb(info));
  }
});
