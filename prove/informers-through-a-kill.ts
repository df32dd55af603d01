// client-go informers and a flow of requests through the door, while one of three replicas dies and
// comes back.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missingBinaries } from '../tools/binaries.ts';
import { type ControlPlane, type Replica, startControlPlane } from '../tools/control-plane.ts';
import { startDoor } from '../tools/door.ts';
import { type InformerCheck, startInformers } from '../tools/informers.ts';
import { requestDirectly } from './apiserver-client.ts';
import { largestDeviationPercent, readMetrics, sumSamples } from './apiserver-metrics.ts';
import { type LoadRequest, type RequestCounts, RequestLoad } from './request-load.ts';
import { atMost, holds, measured, notRun, type Row } from './row.ts';
import type { ScenarioContext } from './scenario.ts';

const CLIENTS = 30;
const KINDS = ['configmaps', 'secrets', 'pods', 'nodes', 'services'];
const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';
const OBJECTS = 200;
const OBJECT_CHARS = 2048;
const REQUESTS_PER_SECOND = 200;
/** Every so many requests one is a write, so that watches have something to carry. */
const WRITE_EVERY = 20;
const WINDOW_MS = 6000;
/** Short, so that the third window is about a replica with its full share. */
const SLOW_START_MS = 2000;
/** Two successes of the health check, the slow start, and some time to spare. */
const BACK_MS = SLOW_START_MS + 4000;
const MAX_DEVIATION_PERCENT = 20;
const WHAT = `${CLIENTS} clients x ${KINDS.length} informers through a kill and a restart`;

/** Rows of the scenario; a single one when the programs for it are missing. */
export async function measureInformers(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver', 'informers']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const { say, onEnd } = context;
  const directory = join(context.directory, 'informers');
  await mkdir(directory);
  const controlPlane = await startControlPlane({
    directory: join(directory, 'cluster'),
    replicas: 3,
    log: say,
  });
  await onEnd(() => controlPlane.stop());
  const { replicas, pki } = controlPlane;
  const door = await startDoor({
    directory,
    pki,
    children: controlPlane.children,
    endpoints: replicas,
    config: { balancing: { slowStart: `${SLOW_START_MS}ms` } },
  });
  await createObjects(controlPlane);
  const baseline = await countWatches(controlPlane, replicas);
  say(`starting ${CLIENTS} clients with ${KINDS.length} informers each`);
  const informers = await startInformers(controlPlane, {
    kubeconfig: await controlPlane.kubeconfig(door.url, { certificate: pki.admin }),
    directKubeconfig: await controlPlane.kubeconfig(replicas[0]?.url ?? '', {
      certificate: pki.admin,
    }),
    clients: CLIENTS,
    resources: KINDS,
  });
  const load = startLoad(door.url, controlPlane);
  await onEnd(async () => {
    await load.stop();
  });
  const watches = (await countWatches(controlPlane, replicas)).map(
    (count, index) => count - (baseline[index] ?? 0),
  );
  const spread = await measureSpread(context, controlPlane);
  const counts = await load.stop();
  say('comparing every store with a direct LIST');
  const check = await informers.check();
  await informers.quit();
  return [
    spreadRow('watches per replica, three ready', watches),
    ...spread,
    ...storeRows(check),
    ...requestRows(counts),
  ];
}

/** Counts requests per replica with three ready ones, then two, then three again. */
async function measureSpread(
  { say, signal }: ScenarioContext,
  controlPlane: ControlPlane,
): Promise<Row[]> {
  const { replicas } = controlPlane;
  const [killed, ...others] = replicas;
  if (killed === undefined) throw new Error('a control plane without a replica');
  const window = async (what: string, ready: readonly Replica[]): Promise<Row> => {
    signal.throwIfAborted();
    say(`counting requests for ${WINDOW_MS / 1000} s: ${what}`);
    const before = await countReads(controlPlane, ready);
    await delay(WINDOW_MS, undefined, { signal });
    const after = await countReads(controlPlane, ready);
    const counts = after.map((count, index) => count - (before[index] ?? 0));
    return spreadRow(`requests per replica, ${what}`, counts);
  };
  const three = await window('three ready', replicas);
  say(`killing ${killed.name}`);
  await killed.kill();
  const two = await window('one killed', others);
  say(`restarting ${killed.name}`);
  await killed.restart();
  await delay(BACK_MS, undefined, { signal });
  return [three, two, await window('three again', replicas)];
}

function startLoad(url: string, { pki }: ControlPlane): RequestLoad {
  let turn = 0;
  return new RequestLoad({
    url,
    ca: pki.clusterCa.cert,
    certificate: pki.admin,
    connections: 4,
    requestsPerSecond: REQUESTS_PER_SECOND,
    next(): LoadRequest {
      turn += 1;
      const path = `${CONFIGMAPS}/${objectName(turn % OBJECTS)}`;
      if (turn % WRITE_EVERY !== 0) return { method: 'GET', path };
      return { method: 'PATCH', path, body: JSON.stringify({ data: { turn: `${turn}` } }) };
    },
  });
}

async function createObjects(controlPlane: ControlPlane): Promise<void> {
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  for (let index = 0; index < OBJECTS; index += 1) {
    const body = {
      metadata: { name: objectName(index) },
      data: { text: 'x'.repeat(OBJECT_CHARS) },
    };
    await requestDirectly(controlPlane, replica, { method: 'POST', path: CONFIGMAPS, body });
  }
}

function objectName(index: number): string {
  return `prove-${index}`;
}

/** GETs of single configmaps: nothing but our load sends those. */
function countReads(controlPlane: ControlPlane, replicas: readonly Replica[]): Promise<number[]> {
  const labels = { verb: 'GET', resource: 'configmaps', scope: 'resource' };
  return Promise.all(
    replicas.map(async (replica) =>
      sumSamples(await readMetrics(controlPlane, replica), 'apiserver_request_total', labels),
    ),
  );
}

/** Open watches of the informers' kinds, those of the apiserver itself included. */
function countWatches(controlPlane: ControlPlane, replicas: readonly Replica[]): Promise<number[]> {
  return Promise.all(
    replicas.map(async (replica) => {
      const samples = await readMetrics(controlPlane, replica);
      return KINDS.map((resource) =>
        sumSamples(samples, 'apiserver_longrunning_requests', { verb: 'WATCH', resource }),
      ).reduce((total, count) => total + count, 0);
    }),
  );
}

function spreadRow(what: string, counts: readonly number[]): Row {
  const percent = largestDeviationPercent(counts);
  return holds(
    what,
    `within ${MAX_DEVIATION_PERCENT} % of the mean`,
    `${counts.join(', ')}: within ${percent.toFixed(1)} %`,
    percent <= MAX_DEVIATION_PERCENT,
  );
}

function storeRows(check: InformerCheck): Row[] {
  const { equal, differenceCount, objects, differences } = check;
  const total = Object.values(objects).reduce((sum, count) => sum + count, 0);
  const first = differences[0] === undefined ? '' : `, such as ${differences[0]}`;
  return [
    holds(
      'every informer store equals a direct LIST',
      '0 differences',
      `${differenceCount} differences in ${total} objects${first}`,
      equal && total > 0,
    ),
    atMost({ what: 'updates to an older version', value: check.regressions, unit: '' }, 0),
    measured({ what: 'relists', value: check.relists, unit: `of ${check.lists} lists` }),
    measured({ what: 'watches that broke off', value: check.watchErrors, unit: '' }),
    measured({ what: 'watches that ended in order', value: check.watchEnds, unit: '' }),
    measured({ what: 'back-offs of client-go', value: check.listWatchErrors, unit: '' }),
  ];
}

function requestRows({ sent, failures }: RequestCounts): Row[] {
  const of = (wanted: (name: string) => boolean): [string, number][] =>
    [...failures].filter(([name]) => wanted(name));
  const text = (found: [string, number][]): string =>
    found.map(([name, count]) => `${count} x ${name}`).join(', ') || `none of ${sent}`;
  const writes = of((name) => name.startsWith('PATCH'));
  const others = of((name) => !name.startsWith('PATCH'));
  return [
    holds('reads that a client saw fail', 'none', text(others), others.length === 0),
    // A write in flight at the kill may have been done: no proxy can send it again.
    { what: 'writes that a client saw fail', floor: '', figure: text(writes), verdict: 'measured' },
  ];
}
