// client-go informers in protobuf and in JSON live through a frozen replica, an orderly restart, and a
// replica that is taken off the list of endpoints, while numbered objects are written: nobody lists again, loses an event or gets one twice.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, vi } from 'vitest';
import { NumberedWriter } from '../../prove/watches/numbered-writer.ts';
import type { Replica } from '../../tools/control-plane.ts';
import { type Informers, startInformers } from '../../tools/informers.ts';
import { endpointReports } from './support/admin.ts';
import { useCluster } from './support/cluster.ts';

const CLIENTS = 30;
const WRITES_PER_SECOND = 20;
const FROZEN_MS = 8000;
/** What the frozen replica may cost, with time to spare on a busy machine. */
const MAX_SILENCE_MS = 6000;
const EVEN = 1.1;

let writer: NumberedWriter | undefined;
const fleets: Informers[] = [];

const { test, cluster } = useCluster({
  binaries: ['informers'],
  async prepare(at) {
    writer = new NumberedWriter(at);
    await writer.prepare();
    const admin = { certificate: at.pki.admin };
    for (const protobuf of [true, false]) {
      fleets.push(
        await startInformers(at, {
          kubeconfig: await at.kubeconfig(at.door.url, admin),
          directKubeconfig: await at.kubeconfig(at.direct.url, admin),
          clients: CLIENTS,
          resources: ['configmaps'],
          namespace: 'default',
          protobuf,
        }),
      );
    }
    writer.start(WRITES_PER_SECOND);
  },
});

afterAll(() => writer?.stop());

/** Does it while everybody watches, and then looks at what they have lived through. */
async function livesThrough(index: number, fault: (replica: Replica) => Promise<void>) {
  const replica = cluster().replicas[index];
  if (replica === undefined) throw new Error(`no replica ${index}`);
  for (const informers of fleets) await informers.reset();
  await writer?.avoid(replica);
  await fault(replica);
  const checks = await Promise.all(fleets.map((informers) => informers.check()));
  for (const check of checks) {
    expect(check).toMatchObject({
      equal: true,
      relists: 0,
      watchEnds: 0,
      watchErrors: 0,
      refused: 0,
      lost: 0,
      doubled: 0,
      regressions: 0,
    });
    expect(check.events).toBeGreaterThan(CLIENTS * WRITES_PER_SECOND);
  }
  return Math.max(...checks.map(({ maxSilenceMs }) => maxSilenceMs));
}

/** Watches at each endpoint come to an even spread. */
async function untilEven(): Promise<void> {
  await vi.waitFor(
    async () => {
      const reports = await endpointReports(cluster().door);
      const counts = reports.map(({ watches }) => watches);
      const total = counts.reduce((sum, count) => sum + count, 0);
      expect(total).toBe(CLIENTS * fleets.length);
      expect(Math.max(...counts) / (total / counts.length)).toBeLessThanOrEqual(EVEN);
    },
    { timeout: 60_000, interval: 500 },
  );
}

test('a replica is frozen with its sockets open', async () => {
  const silenceMs = await livesThrough(1, async (replica) => {
    await replica.freeze();
    await delay(FROZEN_MS);
    replica.thaw();
  });
  expect(silenceMs).toBeLessThan(MAX_SILENCE_MS);
});

test('a replica is restarted in good order', async () => {
  await livesThrough(2, async (replica) => {
    await replica.terminate();
    await replica.restart();
  });
});

/** Edits the file of the door that runs, and tells it. */
async function list(replicas: readonly Replica[]): Promise<void> {
  const { logPath, child } = cluster().door;
  const path = join(dirname(logPath), 'door.yaml');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.upstream.endpoints = replicas.map(({ name, url }) => ({ name, url }));
  await writeFile(path, JSON.stringify(config));
  process.kill(child.pid, 'SIGHUP');
}

test('a replica is taken off the list, stopped, started and put back', async () => {
  const { replicas, door } = cluster();
  await livesThrough(1, async (replica) => {
    await list(replicas.filter((one) => one !== replica));
    await vi.waitFor(
      async () => {
        const reports = await endpointReports(door);
        expect(reports.map(({ name }) => name)).not.toContain(replica.name);
        const metrics = await (await fetch(`${door.adminUrl}/metrics`)).text();
        expect(metrics).not.toContain(`endpoint="${replica.name}"`);
        const watches = reports.reduce((sum, report) => sum + report.watches, 0);
        expect(watches).toBe(CLIENTS * fleets.length);
      },
      { timeout: 30_000, interval: 100 },
    );
    await replica.terminate();
    await replica.restart();
    await list(replicas);
  });
});

test('the watches come back to all replicas', untilEven);
