// The requests of the scenario, each with the labels that it is to be counted by.

/** What the door is to file a request under. */
export interface Filed {
  readonly verb: string;
  readonly resource: string;
  readonly scope: string;
}

export interface MixedRequest extends Filed {
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
}

export const SPACE = '/api/v1/namespaces/metrics';
/** Nothing inside kube-apiserver asks for these. */
const TEMPLATES = `${SPACE}/podtemplates`;
const ALL_TEMPLATES = '/api/v1/podtemplates';
const THINGS = '/apis/example.com/v1/things';
const NAMED = 'fieldSelector=metadata.name%3Dx';
const JSON_TYPE = 'application/json';

/** A custom resource, which kube-apiserver files in its own way. */
export const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
};

/** One round: what makes an object comes before what needs it. */
export function requestsOfRound(round: number): MixedRequest[] {
  const template = {
    apiVersion: 'v1',
    kind: 'PodTemplate',
    metadata: { name: `t-${round}` },
    template: { spec: { containers: [{ name: 'a', image: 'a' }] } },
  };
  const object = `${TEMPLATES}/t-${round}`;
  const one = { resource: 'podtemplates', scope: 'resource' };
  const cluster = { verb: 'LIST', resource: 'podtemplates', scope: 'cluster' };
  const get = (path: string, filed: Filed): MixedRequest => ({ method: 'GET', path, ...filed });
  const write = (method: string, path: string, verb: string, type = JSON_TYPE): MixedRequest => ({
    ...{ method, path, contentType: type, body: JSON.stringify(template), verb },
    ...one,
  });
  const connect = (resource: string): Filed => ({ verb: 'CONNECT', resource, scope: 'resource' });
  return [
    write('POST', TEMPLATES, 'POST'),
    write('POST', `${TEMPLATES}?dryRun=All&fieldManager=dry`, 'POST'),
    get(ALL_TEMPLATES, cluster),
    get(`${ALL_TEMPLATES}?watch=false`, cluster),
    get(`${ALL_TEMPLATES}?watch=0&limit=5`, cluster),
    get(`${ALL_TEMPLATES}?${NAMED}`, cluster),
    get(TEMPLATES, { ...cluster, scope: 'namespace' }),
    get(`${THINGS}?${NAMED}`, { ...cluster, resource: 'things' }),
    get('/apis/apps/v1/deployments', { ...cluster, resource: 'deployments' }),
    get(object, { verb: 'GET', ...one }),
    get(`${TEMPLATES}/nobody`, { verb: 'GET', ...one }),
    get('/api/v1/nodes/n1?watch=true', { verb: 'GET', resource: 'nodes', scope: 'resource' }),
    get('/healthz?watch=true', { verb: 'GET', resource: '', scope: '' }),
    get(`${SPACE}/pods/p/log?follow=true`, connect('pods')),
    { method: 'POST', path: `${SPACE}/pods/p/exec?command=ls`, ...connect('pods') },
    get('/api/v1/nodes/n1/proxy/healthz', connect('nodes')),
    write('PATCH', object, 'PATCH', 'application/merge-patch+json'),
    write('PATCH', `${object}?fieldManager=a&force=true`, 'APPLY', 'application/apply-patch+yaml'),
    write('PUT', object, 'PUT'),
    { method: 'DELETE', path: object, verb: 'DELETE', ...one },
  ];
}

/** Every kind of watch: `path`, which has a query, is to be completed with a time limit. */
export const WATCH_KINDS: readonly MixedRequest[] = [
  ...['watch=true', 'watch=1', 'watch', 'watch=', 'watch=true&watch=false'].map((query) =>
    watchOf(`${ALL_TEMPLATES}?${query}`, 'podtemplates', 'cluster'),
  ),
  watchOf(`${ALL_TEMPLATES}?watch=1&${NAMED}`, 'podtemplates', 'cluster'),
  watchOf(`${TEMPLATES}?watch=1`, 'podtemplates', 'namespace'),
  watchOf('/api/v1/watch/podtemplates?', 'podtemplates', 'cluster'),
  watchOf('/api/v1/watch/namespaces/metrics/podtemplates?', 'podtemplates', 'namespace'),
  watchOf('/api/v1/watch/namespaces/metrics/podtemplates/x?', 'podtemplates', 'resource'),
  watchOf(
    `${ALL_TEMPLATES}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true` +
      '&resourceVersionMatch=NotOlderThan',
    'podtemplates',
    'cluster',
  ),
  watchOf(`${THINGS}?watch=1`, 'things', 'cluster'),
  watchOf(`${THINGS}?watch=1&${NAMED}`, 'things', 'cluster'),
  watchOf('/apis/apps/v1/deployments?watch=1', 'deployments', 'cluster'),
  // Refused with 400, and a watch all the same.
  watchOf(`${ALL_TEMPLATES}?watch=1&fieldSelector=bogus`, 'podtemplates', 'cluster'),
];

function watchOf(path: string, resource: string, scope: string): MixedRequest {
  return { method: 'GET', path, verb: 'WATCH', resource, scope };
}

export function keyOf({ verb, resource, scope }: Filed): string {
  return `${verb} ${resource || '-'} ${scope || '-'}`;
}
