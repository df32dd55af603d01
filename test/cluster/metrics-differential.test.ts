// The door's request metrics beside those of the kube-apiserver that served the same requests: equal
// where that is right, and different in each of the ways that docs/metrics.md lists.
import { expect, vi } from 'vitest';
import {
  parseSamples,
  readMetrics,
  type Sample,
  sumSamples,
} from '../../prove/apiserver-metrics.ts';
import { adminPage } from './support/admin.ts';
import { type Cluster, useCluster } from './support/cluster.ts';
import { exchange, type RequestSpec } from './support/exchange.ts';

const { test, cluster } = useCluster({ replicas: 1, prepare });

const SPACE = '/api/v1/namespaces/metrics';
/** Nothing inside kube-apiserver asks for these. */
const TEMPLATES = `${SPACE}/podtemplates`;
const ALL_TEMPLATES = '/api/v1/podtemplates';
const THINGS = '/apis/example.com/v1/things';
const TOTAL = 'apiserver_request_total';
const NAMED = 'fieldSelector=metadata.name%3Dx';
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object' } },
      },
    ],
  },
};

type Ask = RequestSpec & { readonly as?: 'admin' | 'nobody' };

async function ask(at: Cluster, { as = 'admin', ...spec }: Ask): Promise<number> {
  const identity = as === 'admin' ? { token: at.tokens.admin } : {};
  const target = { url: at.door.url, ca: at.pki.clusterCa.cert, identity };
  return (await exchange('h2', target, spec)).status;
}

function json(method: string, path: string, body: object): Ask {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  return { method, path, headers: { 'content-type': type }, body: JSON.stringify(body) };
}

async function prepare(at: Cluster): Promise<void> {
  expect(await ask(at, json('POST', '/api/v1/namespaces', { metadata: { name: 'metrics' } }))).toBe(
    201,
  );
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  expect(await ask(at, json('POST', definitions, DEFINITION))).toBe(201);
  await vi.waitFor(async () => expect(await ask(at, { path: THINGS })).toBe(200), {
    timeout: 20_000,
    interval: 200,
  });
}

interface Both {
  readonly apiserver: readonly Sample[];
  readonly door: readonly Sample[];
}

async function readBoth(at: Cluster): Promise<Both> {
  const door = parseSamples((await adminPage(at.door, '/metrics')).body);
  return { apiserver: await readMetrics(at, at.direct), door };
}

/** What each side has counted of a family meanwhile, by all its labels but the component. */
function differences(name: string, before: Both, after: Both): Record<keyof Both, string[]> {
  const of = (side: keyof Both): string[] => {
    const known = new Map(before[side].map((sample) => [keyOf(sample), sample.value]));
    return after[side]
      .filter((sample) => sample.name === name)
      .map((sample) => ({ key: keyOf(sample), by: sample.value - (known.get(keyOf(sample)) ?? 0) }))
      .filter(({ key, by }) => by > 0 && /podtemplates|things|"pods"|nodes|healthz|livez/.test(key))
      .map(({ key, by }) => `${key} ${by}`)
      .toSorted();
  };
  return { apiserver: of('apiserver'), door: of('door') };
}

function keyOf({ name, labels }: Sample): string {
  const { component: _component, ...rest } = labels;
  return name + JSON.stringify(Object.entries(rest).toSorted());
}

async function countWhile(name: string, asks: readonly Ask[]) {
  const at = cluster();
  const before = await readBoth(at);
  const statuses = await Promise.all(asks.map((spec) => ask(at, spec)));
  // Both count a request after its last byte has left.
  await vi.waitFor(async () => {
    const after = await readBoth(at);
    const counted = sumOf(after.door) - sumOf(before.door);
    expect(counted).toBeGreaterThanOrEqual(asks.length);
  });
  return { statuses, ...differences(name, before, await readBoth(at)) };
}

function sumOf(samples: readonly Sample[]): number {
  return sumSamples(samples, TOTAL, {});
}

const template = (name: string): object => ({
  metadata: { name },
  template: { spec: { containers: [{ name: 'a', image: 'a' }] } },
});
const watch = (path: string): Ask => ({
  path: `${path}${path.includes('?') ? '&' : '?'}timeoutSeconds=1`,
});

/** Where the apiserver is right. */
const ALIKE: readonly (readonly Ask[])[] = [
  [
    json('POST', TEMPLATES, template('x')),
    json('POST', `${TEMPLATES}?dryRun=All`, template('dry')),
    json('POST', `${TEMPLATES}?dryRun=Some`, template('dry')),
    json('POST', TEMPLATES, { kind: 'Nonsense' }),
  ],
  [
    { path: ALL_TEMPLATES },
    { path: `${ALL_TEMPLATES}?watch=false` },
    { path: `${ALL_TEMPLATES}?watch=FALSE&limit=1` },
    { path: `${ALL_TEMPLATES}?watch=0` },
    { path: TEMPLATES },
    { path: `${TEMPLATES}?${NAMED}` },
    { path: `${ALL_TEMPLATES}?${NAMED}` },
    { path: `${TEMPLATES}/x` },
    { path: `${TEMPLATES}/nobody` },
    { path: THINGS },
    { path: `${THINGS}/nobody` },
    { path: '/livez' },
    { path: `${SPACE}/pods/p/log?follow=true` },
    { method: 'POST', path: `${SPACE}/pods/p/exec?command=ls` },
    { path: '/api/v1/nodes/n1/proxy/healthz' },
  ],
  [
    watch(`${ALL_TEMPLATES}?watch=true`),
    watch(`${ALL_TEMPLATES}?watch=1`),
    watch(`${ALL_TEMPLATES}?watch`),
    watch(`${ALL_TEMPLATES}?watch=`),
    watch(`${ALL_TEMPLATES}?watch=true&watch=false`),
    watch(`${ALL_TEMPLATES}?watch=1&${NAMED}`),
    watch(`${TEMPLATES}?watch=1`),
    watch('/api/v1/watch/podtemplates'),
    watch('/api/v1/watch/namespaces/metrics/podtemplates'),
    watch('/api/v1/watch/namespaces/metrics/podtemplates/x'),
    watch(`${ALL_TEMPLATES}?watch=1&fieldSelector=bogus`),
    watch(
      `${ALL_TEMPLATES}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    ),
    watch(`${THINGS}?watch=1`),
  ],
  [
    json('PUT', `${TEMPLATES}/x`, template('x')),
    json('PATCH', `${TEMPLATES}/x`, { metadata: { labels: { a: 'b' } } }),
    {
      method: 'PATCH',
      path: `${TEMPLATES}/y?fieldManager=test`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'PodTemplate', ...template('y') }),
    },
  ],
  [
    { method: 'DELETE', path: `${TEMPLATES}/y` },
    { method: 'DELETE', path: TEMPLATES },
  ],
];

test('where kube-apiserver is right, the door has the same series and counts', async () => {
  let requests = 0;
  for (const asks of ALIKE) {
    const { apiserver, door } = await countWhile(TOTAL, asks);
    expect(door).toEqual(apiserver);
    const counted = door.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    expect(counted).toBe(asks.length);
    requests += counted;
  }
  expect(requests).toBeGreaterThan(35);
});

/** The verb, scope and subresource of the only series of a side that has grown. */
function labelsOf(lines: readonly string[]): string[] {
  expect(lines.length).toBe(1);
  const pick = (label: string): string =>
    new RegExp(`\\["${label}","([^"]*)"\\]`).exec(lines[0] ?? '')?.[1] ?? 'none';
  return [pick('verb'), pick('scope'), pick('subresource')];
}

/** Where it is not: what it says, and what the door says. */
const OTHERWISE: readonly (readonly [Ask, readonly string[], readonly string[]])[] = [
  [{ path: '/api/v1/nodes/n1?watch=true' }, ['WATCH', 'resource', ''], ['GET', 'resource', '']],
  [{ path: '/healthz?watch=true' }, ['WATCH', '', '/healthz'], ['GET', '', '/healthz']],
  [{ path: `${THINGS}?${NAMED}` }, ['GET', 'resource', ''], ['LIST', 'cluster', '']],
  [watch(`${THINGS}?watch=1&${NAMED}`), ['WATCH', 'resource', ''], ['WATCH', 'cluster', '']],
];

test('where it is wrong, each says what the table of differences says', async () => {
  for (const [spec, apiserverLabels, doorLabels] of OTHERWISE) {
    const { apiserver, door } = await countWhile(TOTAL, [spec]);
    expect([spec.path, labelsOf(apiserver)]).toEqual([spec.path, apiserverLabels]);
    expect([spec.path, labelsOf(door)]).toEqual([spec.path, doorLabels]);
  }
});

test('open watches on legacy paths are LIST and GET to kube-apiserver, and WATCH to the door', async () => {
  const at = cluster();
  const name = 'apiserver_longrunning_requests';
  const ended = Promise.all(
    [
      '/api/v1/watch/podtemplates',
      '/api/v1/watch/namespaces/metrics/podtemplates/x',
      `${ALL_TEMPLATES}?watch=1&${NAMED}`,
    ].map((path) => ask(at, { path: `${path}${path.includes('?') ? '&' : '?'}timeoutSeconds=4` })),
  );
  await vi.waitFor(async () => {
    const { apiserver, door } = await readBoth(at);
    const open = (samples: readonly Sample[]): string[] =>
      samples
        .filter((one) => one.name === name && one.labels.resource === 'podtemplates')
        .filter(({ value }) => value > 0)
        .map(({ labels, value }) => `${labels.verb} ${labels.scope} ${value}`)
        .toSorted();
    expect(open(apiserver)).toEqual(['GET resource 1', 'LIST cluster 1', 'WATCH resource 1']);
    expect(open(door)).toEqual(['WATCH cluster 2', 'WATCH resource 1']);
  });
  await ended;
});

test('kube-apiserver has watches among sizes and latency SLIs, the door has none', async () => {
  const { apiserver, door } = await readBoth(cluster());
  const verbs = (samples: readonly Sample[], name: string): (string | undefined)[] => [
    ...new Set(samples.filter((one) => one.name === name).map(({ labels }) => labels.verb)),
  ];
  for (const name of [
    'apiserver_response_sizes_count',
    'apiserver_request_sli_duration_seconds_count',
  ]) {
    expect(verbs(apiserver, name)).toContain('WATCH');
    expect(verbs(door, name)).not.toContain('WATCH');
    expect(verbs(door, name)).not.toContain('CONNECT');
    expect(verbs(door, name)).toContain('LIST');
  }
});

test('who is refused, and what is discovered, is counted by the door alone', async () => {
  const asks: Ask[] = [
    { path: ALL_TEMPLATES, as: 'nobody' },
    { path: ALL_TEMPLATES, headers: { authorization: 'Bearer nonsense' }, as: 'nobody' },
  ];
  const { statuses, apiserver, door } = await countWhile(TOTAL, asks);
  expect(statuses).toEqual([403, 401]);
  expect(apiserver).toEqual([]);
  expect(door.length).toBe(2);
  const at = cluster();
  for (const path of ['/version', '/api', '/apis/apps/v1', '/openapi/v2', '/livez/ping'])
    await ask(at, { path });
  const after = await readBoth(at);
  for (const subresource of ['/version', '/api', '/apis', '/openapi/v2']) {
    expect(sumSamples(after.door, TOTAL, { subresource })).toBeGreaterThan(0);
    expect(sumSamples(after.apiserver, TOTAL, { subresource })).toBe(0);
  }
});

test('the families, their labels and their buckets are those of kube-apiserver', async () => {
  const { apiserver, door } = await readBoth(cluster());
  const shapes = (samples: readonly Sample[]): Map<string, string> =>
    new Map(
      samples.map(({ name, labels }) => {
        const bound = labels.le === undefined ? '' : ` le=${labels.le}`;
        return [`${name}${bound}`, Object.keys(labels).toSorted().join(',')];
      }),
    );
  const theirs = shapes(apiserver);
  const ours = [...shapes(door)].filter(([name]) => name.startsWith('apiserver_'));
  expect(ours.length).toBeGreaterThan(60);
  for (const [name, labels] of ours) {
    // Whatever of it this cluster has had reason to count.
    if (theirs.has(name)) expect([name, labels]).toEqual([name, theirs.get(name)]);
  }
  const missing = ours.map(([name]) => name).filter((name) => !theirs.has(name));
  expect(missing.filter((name) => !/terminations|aborts/.test(name))).toEqual([]);
});
