// The load-aware GOAWAY of the patched kube-apiserver on three real replicas: who sends it, and when.
import { connect } from 'node:http2';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, type Replica, startControlPlane } from '../../tools/control-plane.ts';
import { poll } from '../../tools/poll.ts';
import { requestDirectly } from '../apiserver-client.ts';
import { atLeast, atMost, holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { requirePatched } from './patched-program.ts';

const WHAT = 'GOAWAY of three patched kube-apiservers, by load';
/** The highest that the flag takes. */
const CHANCE = 0.02;
/** Each replica tells the others every 10 s, and counts for them from its second time on. */
const KNOWN_LIMIT_MS = 60_000;
/** Far above the ten requests and the tenth of the share that a replica may have too many. */
const WATCHES = 600;
const WATCHES_PER_CONNECTION = 60;
const CONNECTIONS = 300;
const REQUESTS_PER_CONNECTION = 5;
// 1,500 requests at 0.02 are 30 GOAWAYs: fewer than 12 come about once in ten thousand times.
const MIN_GOAWAYS = 12;
const WATCH = '/api/v1/configmaps?watch=true&timeoutSeconds=300';
const LEASES =
  '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases' +
  '?labelSelector=apiserver.kubernetes.io/open-requests';

interface Lease {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly renewTime: string };
}

/** Rows of item 1. What client-go does with it over its next watches is in load-balancing.ts. */
export async function measureLoadAware(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const patched = await requirePatched('kube-apiserver', context);
  if (patched.kind === 'missing') return [notRun(WHAT, 'all of it', patched.why)];
  const controlPlane = await startControlPlane({
    directory: join(context.directory, 'load-aware'),
    replicas: 3,
    apiserver: patched.name,
    apiserverFlags: [`--goaway-max-chance=${CHANCE}`],
    log: context.say,
  });
  await context.onEnd(() => controlPlane.stop());
  const [hot, cold] = controlPlane.replicas;
  if (hot === undefined || cold === undefined) throw new Error('fewer than two replicas');
  const count = async (replica: Replica, when: string): Promise<number> => {
    context.say(`${CONNECTIONS} connections to ${replica.name} ${when}`);
    const count = await countGoaways(controlPlane, replica);
    context.signal.throwIfAborted();
    return count;
  };
  context.say('waiting until the replicas know of each other');
  const leases = await untilKnown(controlPlane, context.signal);
  const even = await count(hot, 'while all have the same');
  context.say(`opening ${WATCHES} watches at ${hot.name}`);
  const holders = await openWatches(controlPlane, hot);
  await context.onEnd(async () => closeAll(holders));
  const hotter = await count(hot, 'which has more than its share');
  const colder = await count(cold, 'which has less');
  const broken = holders.filter(({ broken }) => broken()).length;
  closeAll(holders);
  const of = `of ${CONNECTIONS} connections with ${REQUESTS_PER_CONNECTION} requests each`;
  return [
    holds('replicas that tell their open requests', '3', `${leases}`, leases === 3),
    atMost({ what: `GOAWAY where all have the same, ${of}`, value: even, unit: '' }, 0),
    atLeast({ what: `GOAWAY with ${WATCHES} watches more`, value: hotter, unit: '' }, MIN_GOAWAYS),
    atMost({ what: 'GOAWAY of a replica with fewer', value: colder, unit: '' }, 0),
    atMost({ what: 'connections whose open watches broke', value: broken, unit: '' }, 0),
  ];
}

/** Until every replica has told the others twice what it has open; resolves with their number. */
async function untilKnown(controlPlane: ControlPlane, signal: AbortSignal): Promise<number> {
  const first = new Map<string, string>();
  const known = await poll(
    'replicas to tell their open requests',
    async () => {
      signal.throwIfAborted();
      const leases = await readLeases(controlPlane);
      for (const { metadata, spec } of leases) {
        if (!first.has(metadata.name)) first.set(metadata.name, spec.renewTime);
      }
      const renewed = leases.filter(({ metadata, spec }) => {
        return first.get(metadata.name) !== spec.renewTime;
      });
      return renewed.length === controlPlane.replicas.length ? renewed.length : undefined;
    },
    KNOWN_LIMIT_MS,
  );
  // Who came first has read the others' leases before they were renewed, and does so once more.
  await delay(12_000, undefined, { signal });
  return known;
}

async function readLeases(controlPlane: ControlPlane): Promise<readonly Lease[]> {
  const [replica] = controlPlane.replicas;
  if (replica === undefined) return [];
  const text = await requestDirectly(controlPlane, replica, { path: LEASES });
  return (JSON.parse(text) as { items: readonly Lease[] }).items;
}

/** How many of new connections are told to go away over a few requests, one after the other. */
async function countGoaways(controlPlane: ControlPlane, replica: Replica): Promise<number> {
  let goaways = 0;
  for (let index = 0; index < CONNECTIONS; index++) {
    const connection = dial(controlPlane, replica);
    for (let turn = 0; turn < REQUESTS_PER_CONNECTION && !connection.goneAway(); turn++) {
      await connection.get('/version');
    }
    if (connection.goneAway()) goaways += 1;
    connection.close();
  }
  return goaways;
}

type Connection = ReturnType<typeof dial>;

async function openWatches(controlPlane: ControlPlane, replica: Replica): Promise<Connection[]> {
  const connections: Connection[] = [];
  let current = dial(controlPlane, replica);
  connections.push(current);
  for (let index = 1; index <= WATCHES; index++) {
    await current.get(WATCH);
    // The replica is busier than the others by now, and says so.
    if (index % WATCHES_PER_CONNECTION === 0 || current.goneAway()) {
      current = dial(controlPlane, replica);
      connections.push(current);
    }
  }
  return connections;
}

function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) connection.close();
}

/** One connection, as client-go has one: requests resolve with the answer's head. */
function dial({ pki, tokens }: ControlPlane, { url }: Replica) {
  const session = connect(url, { ca: pki.clusterCa.cert });
  let goaways = 0;
  let brokenStreams = 0;
  let closing = false;
  session.on('goaway', () => {
    goaways += 1;
  });
  // What fails with it is told by its streams.
  session.on('error', () => undefined);
  return {
    goneAway: (): boolean => goaways > 0 || session.closed,
    broken: (): boolean => brokenStreams > 0,
    get: (path: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const headers = { ':path': path, authorization: `Bearer ${tokens.admin}` };
        const stream = session.request(headers);
        stream.on('response', () => resolve());
        stream.on('error', reject);
        stream.on('close', () => {
          if (!closing && stream.rstCode !== 0) brokenStreams += 1;
        });
        stream.resume().end();
      }),
    close(): void {
      closing = true;
      session.destroy();
    },
  };
}
