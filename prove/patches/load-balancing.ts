// Where the watches of many client-go clients are, some time after one of three kube-apiservers was
// restarted behind a balancer that sees nothing but connections. Real clients hold a watch for five
// to ten minutes (minWatchTimeout in client-go's reflector); here all of it goes eight times as fast.
// The replicas' own ten seconds, in which the load-aware one tells and learns, stay as they are.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, type Replica, startControlPlane } from '../../tools/control-plane.ts';
import { type InformerStats, startInformers } from '../../tools/informers.ts';
import { readMetrics, sumSamples } from '../apiserver-metrics.ts';
import { atMost, holds, measured, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { maxOverMean } from '../watches/fleet.ts';
import { requirePatched } from './patched-program.ts';
import { TcpBalancer } from './tcp-balancer.ts';

const CLIENTS = 300;
const COMPRESSION = 8;
const MINUTES = 10;
const WINDOW_MS = (MINUTES * 60_000) / COMPRESSION;
const WATCH_SECONDS = Math.round(300 / COMPRESSION);
/** A kubelet renews its lease every 10 s, and has about as much again to say. */
const REQUEST_INTERVAL_MS = 5000 / COMPRESSION;
/** Without it a replica waits a minute for its watches before it is gone. */
const GRACE_SECONDS = 2;
const LOOK_MS = 15_000;
/** Nobody comes back to a replica that was away, unless somebody is sent: two of three have all. */
const MIN_UNTOUCHED = 1.4;
/** GOAWAY begins at 1.1 of the share; the rest is what chance leaves and a window that ends. */
const MAX_BY_LOAD = 1.2;
const WHAT = `${CLIENTS} client-go clients through a TCP balancer, one of three replicas restarted`;

interface Setting {
  readonly name: string;
  readonly flag: string;
  /** Floors of the largest count of watches over their mean. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

const SETTINGS: readonly Setting[] = [
  { name: 'goaway-chance 0', flag: '--goaway-chance=0', atLeast: MIN_UNTOUCHED },
  { name: 'goaway-chance 0.001', flag: '--goaway-chance=0.001' },
  { name: 'goaway-chance 0.02', flag: '--goaway-chance=0.02' },
  { name: 'by load, at most 0.02', flag: '--goaway-max-chance=0.02', atMost: MAX_BY_LOAD },
];

interface Figures {
  readonly counts: readonly number[];
  /** From before the restart on. */
  readonly stats: InformerStats;
  /** Connections that clients have opened in the window. */
  readonly connections: number;
  /**
   * Lists that they have asked for again in it. A replica that has just started has no history: who
   * moves there from a resourceVersion before its start is told so by a 410 (watch_cache.go), and
   * lists.
   */
  readonly relists: number;
}

/** Rows of item 1's end to end: about a minute and a half for each setting. */
export async function measureLoadBalancing(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver', 'informers']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const patched = await requirePatched('kube-apiserver', context);
  if (patched.kind === 'missing') return [notRun(WHAT, 'all of it', patched.why)];
  const rows: Row[] = [];
  let failed = 0;
  let sent = 0;
  for (const setting of SETTINGS) {
    const { counts, stats, connections, relists } = await measureSetting(
      context,
      patched.name,
      setting,
    );
    failed += stats.requestErrors + stats.refused;
    sent += stats.requests + stats.lists + stats.watches;
    const what = `${setting.name}: largest of the mean of watches, ${MINUTES} min x 1/${COMPRESSION}`;
    rows.push(
      rowOf(setting, `${what} (${counts.join(', ')})`, maxOverMean(counts)),
      measured({ what: `${setting.name}: connections opened in it`, value: connections, unit: '' }),
      measured({ what: `${setting.name}: relists in it`, value: relists, unit: '' }),
    );
  }
  const what = `requests that failed, of ${sent} from before the restart on`;
  return [...rows, atMost({ what, value: failed, unit: '' }, 0)];
}

/** Of the settings in between nothing is expected: they are what there is to choose from. */
function rowOf({ atLeast, atMost }: Setting, what: string, ratio: number): Row {
  const figure = ratio.toFixed(2);
  if (atLeast !== undefined) return holds(what, `>= ${atLeast}`, figure, ratio >= atLeast);
  if (atMost !== undefined) return holds(what, `<= ${atMost}`, figure, ratio <= atMost);
  return { what, floor: '', figure, verdict: 'measured' };
}

async function measureSetting(
  context: ScenarioContext,
  apiserver: string,
  { name, flag }: Setting,
): Promise<Figures> {
  const { say, signal, onEnd } = context;
  const tell = (line: string): void => say(`${name}: ${line}`);
  const controlPlane = await startControlPlane({
    directory: join(context.directory, `balance-${flag.replace(/\W+/g, '-')}`),
    replicas: 3,
    apiserver,
    apiserverFlags: [flag, `--shutdown-watch-termination-grace-period=${GRACE_SECONDS}s`],
    log: tell,
  });
  await onEnd(() => controlPlane.stop());
  const { replicas, pki } = controlPlane;
  const last = replicas[2];
  if (last === undefined) throw new Error('fewer than three replicas');
  const balancer = new TcpBalancer(replicas.map(({ port }) => port));
  await balancer.listen();
  await onEnd(() => balancer.close());
  const watches = await watchCounter(controlPlane);
  tell(`starting ${CLIENTS} clients`);
  const informers = await startInformers(controlPlane, {
    kubeconfig: await controlPlane.kubeconfig(balancer.url, { certificate: pki.admin }),
    directKubeconfig: await controlPlane.kubeconfig(last.url, { certificate: pki.admin }),
    clients: CLIENTS,
    resources: ['configmaps'],
    namespace: 'default',
    protobuf: true,
    watchSeconds: WATCH_SECONDS,
    requestIntervalMs: REQUEST_INTERVAL_MS,
  });
  await informers.reset();
  tell(`watches ${(await watches()).join(', ')}; restarting ${last.name}`);
  await last.terminate();
  await last.restart();
  const before = balancer.accepted;
  const { relists } = await informers.stats();
  tell(`${relists} relists by the restart`);
  for (let passedMs = 0; passedMs < WINDOW_MS; passedMs += LOOK_MS) {
    tell(`watches ${(await watches()).join(', ')}, ${balancer.accepted - before} connections`);
    await delay(LOOK_MS, undefined, { signal });
  }
  const counts = await watches();
  const stats = await informers.stats();
  const connections = balancer.accepted - before;
  tell(`watches ${counts.join(', ')}, ${connections} connections`);
  await informers.quit();
  await balancer.close();
  await controlPlane.stop();
  return { counts, stats, connections, relists: stats.relists - relists };
}

/** Counts the clients' watches at each replica, without those that replicas have themselves. */
async function watchCounter(controlPlane: ControlPlane): Promise<() => Promise<number[]>> {
  const labels = { verb: 'WATCH', resource: 'configmaps' };
  const count = async (replica: Replica): Promise<number> =>
    sumSamples(await readMetrics(controlPlane, replica), 'apiserver_longrunning_requests', labels);
  const countAll = (): Promise<number[]> => Promise.all(controlPlane.replicas.map(count));
  const own = await countAll();
  return async () => (await countAll()).map((found, index) => found - (own[index] ?? 0));
}
