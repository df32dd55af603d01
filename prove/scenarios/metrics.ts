import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import { type DoorProcess, startDoor } from '../../tools/door.ts';
import { poll } from '../../tools/poll.ts';
import { requestDirectly } from '../apiserver-client.ts';
import { type Sample, sumSamples } from '../apiserver-metrics.ts';
import { growth, readDoor } from '../metrics/door-metrics.ts';
import { measureEventLatency } from '../metrics/event-latency.ts';
import { leaseRow } from '../metrics/lease-latency.ts';
import { misfiledRow } from '../metrics/misfiled.ts';
import {
  DEFINITION,
  keyOf,
  type MixedRequest,
  requestsOfRound,
  WATCH_KINDS,
} from '../metrics/mix.ts';
import { Prometheus } from '../metrics/prometheus.ts';
import { type TimedAnswer, TimedClient } from '../metrics/timed-client.ts';
import { atMost, holds, measured, notRun, type Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

const ROUNDS = 150;
const WATCHES_OF_A_KIND = 20;
const WATCH_SECONDS = 30;
const AT_ONCE = 4;
const MAX_LATENCY_DIFFERENCE_MS = 2;
const MAX_SUM_DIFFERENCE_PERCENT = 1;
const WHAT = '3000 requests and 300 watches through the door';
const TOTAL = 'apiserver_request_total';
const DURATION = 'apiserver_request_duration_seconds';
const SLI = 'apiserver_request_sli_duration_seconds';
/** As the panels of kubernetes-mixin and of deploy/grafana ask. */
const QUERIES = [
  `histogram_quantile(0.99, sum by (le) (rate(${SLI}_bucket{verb=~"LIST|GET"}[1m])))`,
  `sum(rate(${SLI}_bucket{verb=~"LIST|GET",scope="cluster",le="30"}[1m]))`,
  `sum(rate(${SLI}_bucket{verb=~"LIST|GET",scope=~"resource|",le="1"}[1m]))`,
  `sum(rate(${TOTAL}{code=~"2.."}[1m]))`,
  'histogram_quantile(0.99, sum by (le) (rate(evenkeel_watch_event_latency_seconds_bucket[1m])))',
  'histogram_quantile(0.9, sum by (le) (rate(evenkeel_watch_write_to_delivery_seconds_bucket[1m])))',
];

/** What was sent, and how long each took its client. */
interface Sent {
  readonly request: MixedRequest;
  readonly answer: TimedAnswer;
}

async function measureMetrics(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const { say, onEnd } = context;
  const directory = join(context.directory, 'metrics');
  await mkdir(directory);
  const controlPlane = await startControlPlane({
    directory: join(directory, 'cluster'),
    replicas: 1,
    log: say,
  });
  await onEnd(() => controlPlane.stop());
  const { pki, children, replicas: endpoints } = controlPlane;
  const door = await startDoor({ directory, pki, children, endpoints });
  await prepare(controlPlane);
  say('looking for Prometheus');
  const folder = join(directory, 'prometheus');
  const prometheus = await Prometheus.start(folder, children, door.adminUrl, context.signal);
  const rows = await measureCounts(context, controlPlane, door);
  context.signal.throwIfAborted();
  say('timing events, straight and through the door');
  rows.push(...(await latencyRows(controlPlane, door)));
  context.signal.throwIfAborted();
  say('timing renewals of a lease, from write to delivery');
  rows.push(await leaseRow(controlPlane, door.url, door.adminUrl));
  rows.push(...(await prometheusRows(prometheus)));
  return rows;
}

async function prepare(controlPlane: ControlPlane): Promise<void> {
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  const post = (path: string, body: object): Promise<string> =>
    requestDirectly(controlPlane, replica, { method: 'POST', path, body });
  await post('/api/v1/namespaces', { metadata: { name: 'metrics' } });
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', DEFINITION);
  await poll('the custom resource', () =>
    requestDirectly(controlPlane, replica, { path: '/apis/example.com/v1/things' }).catch(
      () => undefined,
    ),
  );
}

async function measureCounts(
  { say, onEnd, signal }: ScenarioContext,
  { pki }: ControlPlane,
  { url, adminUrl }: DoorProcess,
): Promise<Row[]> {
  const client = new TimedClient({ url, ca: pki.clusterCa.cert, certificate: pki.admin });
  await onEnd(() => Promise.resolve(client.close()));
  const before = await readDoor(adminUrl);
  // The handshake is no request's.
  await client.connect();
  say(`opening ${WATCH_KINDS.length * WATCHES_OF_A_KIND} watches`);
  const watches = await openWatches(client);
  const during = await readDoor(adminUrl);
  const misfiled = await misfiledRow(adminUrl, WATCHES_OF_A_KIND);
  say(`sending ${ROUNDS * requestsOfRound(0).length} requests`);
  const sent: Sent[] = [];
  let round = 0;
  const work = async (): Promise<void> => {
    while (round < ROUNDS) {
      signal.throwIfAborted();
      round += 1;
      for (const request of requestsOfRound(round)) {
        sent.push({ request, answer: await client.send(request) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  say('waiting for the watches to end');
  sent.push(...(await watches.ended));
  const after = await settled(adminUrl, before, sent.length);
  return [
    ...countRows(before, after, sent),
    ...openRows(before, during, watches.open),
    misfiled,
    ...sumRows(before, after, sent),
  ];
}

/** Opens all of them, one kind after the other, and resolves when all have been answered. */
async function openWatches(client: TimedClient) {
  const ended: Promise<Sent>[] = [];
  for (const kind of WATCH_KINDS) {
    const separator = kind.path.endsWith('?') ? '' : '&';
    const path = `${kind.path}${separator}timeoutSeconds=${WATCH_SECONDS}`;
    const request = { ...kind, path };
    const answered = Array.from({ length: WATCHES_OF_A_KIND }, () => {
      const answer = Promise.withResolvers<void>();
      ended.push(client.send(request, answer.resolve).then((sent) => ({ request, answer: sent })));
      return answer.promise;
    });
    await Promise.all(answered);
  }
  const refused = WATCH_KINDS.filter(({ path }) => path.includes('bogus')).length;
  const open = (WATCH_KINDS.length - refused) * WATCHES_OF_A_KIND;
  return { open, ended: Promise.all(ended) };
}

/** The door counts a request after its last byte has left it, so a little later than its client. */
function settled(adminUrl: string, before: readonly Sample[], count: number): Promise<Sample[]> {
  const known = sumSamples(before, TOTAL, {});
  return poll('the door to have counted everything', async () => {
    const samples = await readDoor(adminUrl);
    return sumSamples(samples, TOTAL, {}) - known >= count ? samples : undefined;
  });
}

function countRows(
  before: readonly Sample[],
  after: readonly Sample[],
  sent: readonly Sent[],
): Row[] {
  const expected = new Map<string, number>();
  for (const { request } of sent) {
    const key = keyOf(request);
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  const isRead = (key: string): boolean => /^(GET|LIST) /.test(key);
  const families = [TOTAL, `${DURATION}_count`, 'evenkeel_requests_total'].map((name) => {
    const counted = growth(name, before, after);
    const wrong = [...new Set([...expected.keys(), ...counted.keys()])].filter(
      (key) => expected.get(key) !== counted.get(key),
    );
    const figure = wrong.map((key) => `${key}: ${counted.get(key)} of ${expected.get(key)}`);
    return holds(
      `${name} by verb, resource and scope`,
      `as ${sent.length} were sent, in ${expected.size} kinds`,
      figure.length === 0 ? 'equal' : figure.join('; '),
      figure.length === 0,
    );
  });
  const sli = growth(`${SLI}_count`, before, after);
  const watchesThere = [...sli.keys()].filter((key) => /^(WATCH|CONNECT) /.test(key));
  const reads = [...expected].filter(([key]) => isRead(key));
  const extra = reads.filter(([key, count]) => sli.get(key) !== count);
  const refused = sent.filter(({ answer }) => answer.status === 0).length;
  return [
    ...families,
    holds(
      'watches in any latency SLI, or under GET or LIST',
      'none',
      watchesThere.length + extra.length === 0 ? 'none' : [...watchesThere, ...extra].join(', '),
      watchesThere.length + extra.length === 0,
    ),
    atMost({ what: 'requests without an answer', value: refused, unit: '' }, 0),
  ];
}

function openRows(before: readonly Sample[], during: readonly Sample[], open: number): Row[] {
  const gauge = (samples: readonly Sample[], name: string, labels = {}): number =>
    sumSamples(samples, name, labels);
  const name = 'apiserver_longrunning_requests';
  const shown = gauge(during, name, { verb: 'WATCH' }) - gauge(before, name, { verb: 'WATCH' });
  const all = gauge(during, name) - gauge(before, name);
  const placed = gauge(during, 'evenkeel_watches') - gauge(before, 'evenkeel_watches');
  return [
    holds(
      'open watches in apiserver_longrunning_requests, and in evenkeel_watches',
      `${open}, all of them WATCH`,
      `${shown} of ${all}, ${placed}`,
      shown === open && all === open && placed === open,
    ),
  ];
}

function sumRows(
  before: readonly Sample[],
  after: readonly Sample[],
  sent: readonly Sent[],
): Row[] {
  const door = growth(`${DURATION}_sum`, before, after);
  const total = (isCounted: (key: string) => boolean): [door: number, client: number] => [
    [...door].reduce((sum, [key, seconds]) => sum + (isCounted(key) ? seconds : 0), 0),
    sent.reduce(
      (sum, { request, answer }) => sum + (isCounted(keyOf(request)) ? answer.seconds : 0),
      0,
    ),
  ];
  const [all, allClient] = total(() => true);
  const isShort = (key: string): boolean => !key.startsWith('WATCH ');
  const [short, shortClient] = total(isShort);
  const shortCount = sent.filter(({ request }) => isShort(keyOf(request))).length;
  const percent = (Math.abs(all - allClient) / allClient) * 100;
  return [
    holds(
      `${DURATION}_sum beside the clients' own times`,
      `within ${MAX_SUM_DIFFERENCE_PERCENT} %`,
      `${all.toFixed(1)} s and ${allClient.toFixed(1)} s: ${percent.toFixed(2)} %`,
      percent <= MAX_SUM_DIFFERENCE_PERCENT,
    ),
    measured({
      what: 'of a request that is no watch, what its client waits besides',
      value: ((shortClient - short) / shortCount) * 1000,
      unit: `ms of ${((shortClient / shortCount) * 1000).toFixed(1)} ms`,
    }),
  ];
}

async function latencyRows(controlPlane: ControlPlane, door: DoorProcess): Promise<Row[]> {
  const latencies = await measureEventLatency(controlPlane, door.url, door.adminUrl);
  return latencies.map(({ quantile, events, clientMs, doorMs, noiseMs }) => {
    const what = `event latency at p${quantile * 100}: the door's figure, and a client's`;
    const floor = `within ${MAX_LATENCY_DIFFERENCE_MS} ms`;
    const figure = `${doorMs.toFixed(2)} ms and ${clientMs.toFixed(2)} ms, ${events} events`;
    const good = Math.abs(clientMs - doorMs) <= MAX_LATENCY_DIFFERENCE_MS;
    if (good || noiseMs <= MAX_LATENCY_DIFFERENCE_MS) return holds(what, floor, figure, good);
    const busy = `too busy a machine: two watches without the door differ by ${noiseMs.toFixed(1)} ms`;
    return notRun(what, floor, `${busy} (${figure})`);
  });
}

async function prometheusRows(prometheus: Prometheus | string): Promise<Row[]> {
  const what = 'Prometheus scrapes the door, and the panels have figures';
  const floor = `${QUERIES.length} queries answered`;
  if (typeof prometheus === 'string') return [notRun(what, floor, prometheus)];
  const up = await poll('a scrape', async () => {
    const [value] = await prometheus.query('up{job="evenkeel"}');
    return value;
  });
  const answers = await Promise.all(QUERIES.map((query) => prometheus.query(query)));
  const good = answers.filter(([value]) => value !== undefined && value >= 0).length;
  const error = await prometheus.lastError();
  const figure = error === '' ? `${good} queries answered, up is ${up}` : error;
  return [holds(what, floor, figure, up === 1 && error === '' && good === QUERIES.length)];
}

/** What the door counts is what was asked of it. */
export const metrics: Scenario = {
  name: 'metrics',
  title: 'the door files and times every request and watch as what it is',
  run: measureMetrics,
};
