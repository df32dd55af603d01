// A real cluster for the length of one measurement, and load on it.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type EtcdCluster,
  type EtcdClusterOptions,
  startEtcdCluster,
} from '../../tools/etcd-cluster.ts';
import {
  findLostWrites,
  type KeyRecord,
  startWriteLoad,
  type WriteLoadOptions,
} from '../../tools/etcd-write-load.ts';
import type { ScenarioContext } from '../scenario.ts';

/** Starts a cluster for `use`, and ends it whatever happens. */
export async function withCluster<T>(
  { directory, onEnd }: Pick<ScenarioContext, 'directory' | 'onEnd'>,
  options: Omit<EtcdClusterOptions, 'directory'>,
  use: (cluster: EtcdCluster) => Promise<T>,
): Promise<T> {
  const parent = await mkdtemp(join(directory, 'etcd-'));
  const cluster = await startEtcdCluster({ ...options, directory: join(parent, 'cluster') });
  await onEnd(() => cluster.stop());
  try {
    return await use(cluster);
  } finally {
    await cluster.stop();
  }
}

/** What a load came to. */
export interface LoadReport {
  readonly records: readonly KeyRecord[];
  readonly acknowledgedPerSecond: number;
}

/** Puts beside `use`, over connections of their own, to all members unless `urls` says otherwise. */
export async function underLoad<T>(
  cluster: EtcdCluster,
  options: Omit<WriteLoadOptions, 'urls'> & { readonly urls?: readonly string[] },
  use: () => Promise<T>,
): Promise<{ readonly result: T; readonly load: LoadReport }> {
  const startedAtMs = performance.now();
  const load = startWriteLoad({ urls: cluster.endpoints, ...options });
  try {
    const result = await use();
    const seconds = (performance.now() - startedAtMs) / 1000;
    const { acknowledged } = load.totals();
    const records = await load.stop();
    return { result, load: { records, acknowledgedPerSecond: acknowledged / seconds } };
  } finally {
    await load.stop();
  }
}

/**
 * By what each member holds, not by what any tool of ours says: acknowledged writes that are lost,
 * and members whose revision is another one. Without load; all members must run.
 */
export async function findDamage(
  cluster: EtcdCluster,
  records: readonly KeyRecord[],
  prefix = 'load/',
): Promise<string[]> {
  await cluster.settle();
  const revisions = [...(await cluster.statuses()).values()].map(({ revision }) => revision);
  const lost = await Promise.all(
    cluster.members.map(async (member) => {
      const stored = await cluster.gateway(member).range(prefix, { serializable: true });
      return findLostWrites(records, stored).map((problem) => `${member.name}: ${problem}`);
    }),
  );
  return [
    ...(new Set(revisions).size > 1 ? [`revisions ${revisions.join(', ')}`] : []),
    ...lost.flat(),
  ];
}
