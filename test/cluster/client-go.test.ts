// Thirty client-go clients with five informers each live through the death of a replica, while
// objects are written.
import { expect, vi } from 'vitest';
import type { Replica } from '../../tools/control-plane.ts';
import { type Informers, startInformers } from '../../tools/informers.ts';
import { endpointReports } from './support/admin.ts';
import { useCluster } from './support/cluster.ts';
import { exchange, exchangeOn, openSession, type Target } from './support/exchange.ts';

const CLIENTS = 30;
const INFORMERS = CLIENTS * 5;
/** Sent to see how they spread; enough for a share to differ by chance by a few per cent only. */
const SPREAD_REQUESTS = 900;
/**
 * A replica that stands still for a tenth of a second rightly gets less meanwhile, and with six at
 * once that was a third of its share, on a busy machine, in a run this short (275, 384, 241 were
 * seen). Two at once both wait for such a replica, so that what is left to see is whose turn it is.
 */
const SPREAD_CONCURRENCY = 2;
const MAX_DEVIATION = 0.2;
const DEAD_MS = 3000;
const SPACE = '/api/v1/namespaces/default';
const READY_LIMIT_MS = 30_000;

let informers: Informers;

const { test, cluster } = useCluster({
  binaries: ['informers'],
  // A fresh replica would have less than its share for half a minute.
  config: { balancing: { slowStart: '1s' } },
  async prepare(at) {
    const admin = { certificate: at.pki.admin };
    informers = await startInformers(at, {
      kubeconfig: await at.kubeconfig(at.door.url, admin),
      directKubeconfig: await at.kubeconfig(at.direct.url, admin),
      clients: CLIENTS,
    });
  },
});

function targetOf({ url }: { readonly url: string }): Target {
  const { pki } = cluster();
  return { url, ca: pki.clusterCa.cert, identity: { certificate: pki.admin } };
}

/** How many GETs of secrets, which nobody else sends, a replica has answered. */
async function answered(replica: Replica): Promise<number> {
  const { body } = await exchange('h2', targetOf(replica), { path: '/metrics' });
  const lines = body.toString().matchAll(/^apiserver_request_total\{([^}]*)\} (\d+)/gm);
  let total = 0;
  for (const [, labels = '', count] of lines) {
    const wanted = labels.includes('resource="secrets"') && labels.includes('verb="GET"');
    if (wanted) total += Number(count);
  }
  return total;
}

/** Sends requests through the door and returns how many each of `replicas` has answered. */
async function spread(replicas: readonly Replica[]): Promise<number[]> {
  const before = await Promise.all(replicas.map(answered));
  const target = targetOf(cluster().door);
  const session = await openSession(target);
  let next = 0;
  const ask = async (): Promise<void> => {
    while (next++ < SPREAD_REQUESTS) {
      const { status } = await exchangeOn(session, target, { path: `${SPACE}/secrets/nobody` });
      expect(status).toBe(404);
    }
  };
  await Promise.all(Array.from({ length: SPREAD_CONCURRENCY }, ask));
  session.close();
  const after = await Promise.all(replicas.map(answered));
  return after.map((count, i) => count - (before[i] ?? 0));
}

function expectEven(counts: readonly number[], total: number): void {
  const mean = total / counts.length;
  // Not one more or less than there are.
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
  for (const count of counts) {
    expect(Math.abs(count - mean) / mean, counts.join(', ')).toBeLessThan(MAX_DEVIATION);
  }
}

async function untilReady(count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const endpoints = await endpointReports(cluster().door);
      expect(endpoints.filter(({ ready }) => ready)).toHaveLength(count);
    },
    { timeout: READY_LIMIT_MS, interval: 50 },
  );
}

/** Creates objects through the door until it is stopped, and returns their statuses. */
function startWriting(name: string): { stop(): Promise<ReadonlyMap<number, number>> } {
  const target = targetOf(cluster().door);
  const statuses = new Map<number, number>();
  let running = true;
  const write = async (): Promise<void> => {
    const session = await openSession(target);
    for (let i = 0; running; i++) {
      const { status } = await exchangeOn(session, target, {
        method: 'POST',
        path: `${SPACE}/configmaps`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ metadata: { name: `${name}-${i}` } }),
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    session.close();
  };
  const done = write();
  return {
    async stop() {
      running = false;
      await done;
      return statuses;
    },
  };
}

test('requests and watches spread evenly over three replicas', async () => {
  await untilReady(3);
  expectEven(await spread(cluster().replicas), SPREAD_REQUESTS);
  const watches = (await endpointReports(cluster().door)).map((endpoint) => endpoint.watches);
  expectEven(watches, INFORMERS);
});

test('every store equals a direct LIST when everything is well', async () => {
  expect(await informers.check()).toMatchObject({
    equal: true,
    lists: INFORMERS,
    relists: 0,
    watchErrors: 0,
    regressions: 0,
  });
});

test('a replica is killed and restarted, and no informer lists again', async () => {
  const [first, victim, third] = cluster().replicas;
  if (first === undefined || victim === undefined || third === undefined) throw new Error('three');
  await informers.reset();
  const reports = await endpointReports(cluster().door);
  const held = reports.find(({ name }) => name === victim.name)?.watches ?? 0;
  expect(held).toBeGreaterThan(0);
  const writing = startWriting('during');
  const killedAtMs = performance.now();
  await victim.kill();
  await untilReady(2);
  expectEven(await spread([first, third]), SPREAD_REQUESTS);
  await vi.waitFor(
    () => expect(performance.now() - killedAtMs).toBeGreaterThan(DEAD_MS),
    DEAD_MS * 2,
  );
  await victim.restart();
  await untilReady(3);
  const statuses = await writing.stop();
  const check = await informers.check();
  expect(check).toMatchObject({ equal: true, differences: [], regressions: 0 });
  // A watch of the dead replica goes on at another one. Where it cannot, it ends with END_STREAM,
  // after which client-go watches anew from where it was, and does not LIST.
  expect(check).toMatchObject({ relists: 0, watchErrors: 0, refused: 0 });
  expect(check.watchEnds).toBeLessThanOrEqual(held);
  // At most the one that was under way when the replica died is of unknown outcome.
  expect(statuses.get(201)).toBeGreaterThan(50);
  expect([...statuses.keys()].filter((status) => status !== 201 && status !== 504)).toEqual([]);
  expect(statuses.get(504) ?? 0).toBeLessThanOrEqual(1);
});

test('the replica that came back gets its share', async () => {
  await untilReady(3);
  await vi.waitFor(async () => expectEven(await spread(cluster().replicas), SPREAD_REQUESTS), {
    timeout: 20_000,
    interval: 1000,
  });
});
