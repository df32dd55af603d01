import type { Pki } from '../../tools/pki.ts';
import { startSimulator } from '../cluster.ts';
import type { Replica } from '../replica.ts';
import { type DemoReplicas, RESOURCE, type ReplicaCounts } from './replica.ts';

const COUNT_INTERVAL_MS = 500;
const BOOKMARK_INTERVAL_MS = 1000;

/** Replicas in this process. */
export async function startSimulatedReplicas(pki: Pki, count: number): Promise<DemoReplicas> {
  const simulator = await startSimulator({
    pki,
    replicas: count,
    bookmarkIntervalMs: BOOKMARK_INTERVAL_MS,
  });
  return {
    kind: 'simulated',
    countIntervalMs: COUNT_INTERVAL_MS,
    replicas: simulator.replicas.map((replica) => ({
      name: replica.name,
      url: replica.url,
      port: replica.port,
      kill: async () => replica.kill(),
      restart: () => replica.restart(),
      counts: async () => countsOf(replica),
    })),
    stop: () => simulator.stop(),
  };
}

function countsOf(replica: Replica): ReplicaCounts | undefined {
  const { running, openWatches, requestsByKind } = replica.stats();
  if (!running) return undefined;
  let requests = 0;
  for (const [kind, count] of Object.entries(requestsByKind)) {
    const [verb, resource] = kind.split(' ');
    if (resource === RESOURCE && verb !== 'watch') requests += count;
  }
  return { requests, watches: openWatches };
}
