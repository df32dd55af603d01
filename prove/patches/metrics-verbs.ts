// Which verb a real kube-apiserver's metrics give to requests of which the verb is not plain, as it
// is published and with its patches.
import { join } from 'node:path';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, type Replica, startControlPlane } from '../../tools/control-plane.ts';
import { poll } from '../../tools/poll.ts';
import { requestDirectly } from '../apiserver-client.ts';
import { readMetrics, type Sample } from '../apiserver-metrics.ts';
import { holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { requirePatched } from './patched-program.ts';

interface Probe {
  readonly what: string;
  readonly path: string;
  readonly resource: string;
  readonly verb: 'GET' | 'LIST' | 'WATCH';
}

/** By metric, the verbs of the series that one request has added to. */
type Observed = ReadonlyMap<string, string>;

const GAUGE = 'apiserver_longrunning_requests';
const SIZES = 'apiserver_response_sizes_count';
const SLI = 'apiserver_request_sli_duration_seconds_count';
const AFTERWARDS = [
  'apiserver_request_duration_seconds_count',
  SLI,
  'apiserver_request_total',
  SIZES,
];
/** Watches have no sizes, and no latency trackers, on which the SLI hangs (endpoints/filters). */
const NOT_OF_WATCHES = [SIZES, SLI];
const WHAT = 'the verb of requests in the metrics of a kube-apiserver';
const WATCH = 'timeoutSeconds=2';
const BY_NAME = 'fieldSelector=metadata.name%3Dit';
const CORE = '/api/v1';
const CUSTOM = '/apis/prove.example.com/v1/widgets';

// Of resources that kube-apiserver does not read for itself, or its own requests would be among them.
const PROBES: readonly Probe[] = [
  probe('a list', `${CORE}/podtemplates`, 'LIST'),
  probe('a watch', `${CORE}/podtemplates?watch=true&${WATCH}`, 'WATCH'),
  probe('a legacy watch', `${CORE}/watch/podtemplates?${WATCH}`, 'WATCH'),
  probe(
    'a legacy watch of one name',
    `${CORE}/watch/namespaces/default/podtemplates/it?${WATCH}`,
    'WATCH',
  ),
  probe('a get', `${CORE}/namespaces/default/podtemplates/it`, 'GET'),
  probe('a get with watch=true', `${CORE}/namespaces/default/podtemplates/it?watch=true`, 'GET'),
  probe('a list of one name', `${CORE}/namespaces/default/podtemplates?${BY_NAME}`, 'LIST'),
  probe(
    'a watch of one name',
    `${CORE}/namespaces/default/podtemplates?${BY_NAME}&watch=1&${WATCH}`,
    'WATCH',
  ),
  probe('a list of one custom resource', `${CUSTOM}?${BY_NAME}`, 'LIST'),
  probe('a watch of one custom resource', `${CUSTOM}?${BY_NAME}&watch=1&${WATCH}`, 'WATCH'),
];

const OBJECTS = [
  {
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.prove.example.com' },
      spec: {
        group: 'prove.example.com',
        scope: 'Cluster',
        names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object' } },
          },
        ],
      },
    },
  },
  {
    path: `${CORE}/namespaces/default/podtemplates`,
    body: {
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: 'it' },
      template: { spec: { containers: [{ name: 'it', image: 'it' }] } },
    },
  },
];

function probe(what: string, path: string, verb: Probe['verb']): Probe {
  return { what, path, verb, resource: path.startsWith(CUSTOM) ? 'widgets' : 'podtemplates' };
}

/** Rows of item 4: each request's verb in every metric that counts it, stock beside patched. */
export async function measureMetrics(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver']);
  if (missing.length > 0) return [notRun(WHAT, 'one verb', `no ${missing.join(', ')}`)];
  const patched = await requirePatched('kube-apiserver', context);
  if (patched.kind === 'missing') return [notRun(WHAT, 'one verb', patched.why)];
  const before = await observeAll('kube-apiserver', context);
  const after = await observeAll(patched.name, context);
  return [...PROBES.map((one) => probeRow(one, before, after)), seriesRow(before, after)];
}

interface Site {
  readonly observed: ReadonlyMap<Probe, Observed>;
  /** All series of the probed resources, without their verbs. */
  readonly series: ReadonlySet<string>;
}

async function observeAll(apiserver: string, context: ScenarioContext): Promise<Site> {
  const controlPlane = await startControlPlane({
    directory: join(context.directory, apiserver),
    replicas: 1,
    apiserver,
    log: context.say,
  });
  await context.onEnd(() => controlPlane.stop());
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  for (const { path, body } of OBJECTS) {
    await requestDirectly(controlPlane, replica, { method: 'POST', path, body });
  }
  await poll('the custom resource to be served', async () => {
    const request = requestDirectly(controlPlane, replica, { path: CUSTOM });
    return request.then(
      () => true,
      () => undefined,
    );
  });
  const observed = new Map<Probe, Observed>();
  for (const one of PROBES) {
    context.say(`${apiserver}: ${one.what}`);
    observed.set(one, await observe(one, controlPlane, replica));
    context.signal.throwIfAborted();
  }
  const samples = await readMetrics(controlPlane, replica);
  const series = new Set(samples.filter(isProbed).map(withoutVerb));
  await controlPlane.stop();
  return { observed, series };
}

async function observe(
  { path, resource, verb }: Probe,
  controlPlane: ControlPlane,
  replica: Replica,
): Promise<Observed> {
  const before = await readMetrics(controlPlane, replica);
  const grown = async (metric: string): Promise<string | undefined> =>
    grownVerbs(metric, resource, before, await readMetrics(controlPlane, replica)) || undefined;
  const request = requestDirectly(controlPlane, replica, { path });
  const observed = new Map<string, string>();
  try {
    if (verb === 'WATCH') {
      observed.set(GAUGE, await poll('the watch to be counted', () => grown(GAUGE)));
    }
  } finally {
    await request;
  }
  // A client has the end of its answer before the server has counted it.
  await poll('the request to be counted', () => grown('apiserver_request_total'));
  const after = await readMetrics(controlPlane, replica);
  for (const metric of AFTERWARDS) {
    const verbs = grownVerbs(metric, resource, before, after);
    if (verbs !== '') observed.set(metric, verbs);
  }
  return observed;
}

/** Verbs of the series of `metric` about `resource` with a higher value than before. */
function grownVerbs(
  metric: string,
  resource: string,
  before: readonly Sample[],
  after: readonly Sample[],
): string {
  const key = ({ name, labels }: Sample): string => JSON.stringify([name, labels]);
  const values = new Map(before.map((sample) => [key(sample), sample.value]));
  return after
    .filter(({ name, labels }) => name === metric && labels.resource === resource)
    .filter((sample) => sample.value > (values.get(key(sample)) ?? 0))
    .map(({ labels }) => labels.verb ?? '')
    .sort()
    .join('+');
}

/** The metrics in which a request has to be found, and no other. */
function expected({ verb }: Probe): readonly string[] {
  if (verb !== 'WATCH') return AFTERWARDS;
  return [GAUGE, ...AFTERWARDS.filter((metric) => !NOT_OF_WATCHES.includes(metric))];
}

function probeRow(one: Probe, before: Site, after: Site): Row {
  const patched = after.observed.get(one) ?? new Map();
  const metrics = expected(one);
  const right =
    metrics.every((metric) => patched.get(metric) === one.verb) && patched.size === metrics.length;
  const figure = `stock ${describe(before.observed.get(one))}; patched ${describe(patched)}`;
  return holds(one.what, `${one.verb} in ${metrics.length} metrics, in no other`, figure, right);
}

/** `WATCH`, or where metrics differ `request_total WATCH, longrunning_requests LIST, ...`. */
function describe(observed: Observed = new Map()): string {
  const byVerb = new Map<string, string[]>();
  for (const [metric, verb] of observed) {
    const short = metric.replace(/^apiserver_|_count$/g, '');
    byVerb.set(verb, [...(byVerb.get(verb) ?? []), short]);
  }
  const sizes = observed.get(SIZES) === 'WATCH' ? ' with response_sizes' : '';
  const parts = [...byVerb].map(([verb, metrics]) => `${verb} in ${metrics.join(', ')}`);
  return byVerb.size === 1 ? `${[...byVerb.keys()][0]}${sizes}` : parts.join(' and ');
}

/** Besides the verb, no series may come or go. */
function seriesRow(before: Site, after: Site): Row {
  const gone = [...before.series].filter((series) => !after.series.has(series));
  const fresh = [...after.series].filter((series) => !before.series.has(series));
  const figure = `${after.series.size} series, ${gone.length} gone, ${fresh.length} new`;
  const first = gone[0] ?? fresh[0] ?? '';
  const good = gone.length === 0 && fresh.length === 0 && after.series.size > 0;
  return holds('series of the same resources, verbs aside', 'the same', `${figure} ${first}`, good);
}

function isProbed({ name, labels }: Sample): boolean {
  const counted = AFTERWARDS.includes(name) || name === GAUGE;
  // What was refused while the custom resource was not served yet is a matter of time.
  if (labels.code !== undefined && labels.code !== '200') return false;
  return counted && PROBES.some(({ resource }) => resource === labels.resource);
}

function withoutVerb({ name, labels: { verb: _verb, ...labels } }: Sample): string {
  return JSON.stringify([name, labels]);
}
