// Everybody who watches through one target: client-go informers and plain watches together.
import { type ControlPlane, type Replica, TOKENS } from '../../tools/control-plane.ts';
import { type Informers, startInformers } from '../../tools/informers.ts';
import { requestDirectly } from '../apiserver-client.ts';
import { readMetrics, sumSamples } from '../apiserver-metrics.ts';
import { CONFIGMAPS } from './numbered-writer.ts';
import { RawWatches } from './raw-watches.ts';

export interface FleetSize {
  readonly informers: number;
  readonly rawWatches: number;
}

/** What all of them lived through since the last reset. */
export interface FleetFigures {
  readonly relists: number;
  readonly ends: number;
  readonly lost: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly silenceMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface StoreComparison {
  readonly equal: boolean;
  readonly text: string;
}

/** An informer each has a client, and so a connection, of its own. */
export class Fleet {
  readonly #controlPlane: ControlPlane;
  readonly #informers: Informers;
  readonly #raw: RawWatches;
  readonly #baseline: ReadonlyMap<Replica, number>;

  private constructor(
    controlPlane: ControlPlane,
    informers: Informers,
    raw: RawWatches,
    baseline: ReadonlyMap<Replica, number>,
  ) {
    this.#controlPlane = controlPlane;
    this.#informers = informers;
    this.#raw = raw;
    this.#baseline = baseline;
  }

  /** Resolves when all of them watch. */
  static async start(controlPlane: ControlPlane, url: string, size: FleetSize): Promise<Fleet> {
    const [direct] = controlPlane.replicas;
    if (direct === undefined) throw new Error('a control plane without a replica');
    const baseline = new Map<Replica, number>();
    for (const replica of controlPlane.replicas) {
      baseline.set(replica, await countWatches(controlPlane, replica));
    }
    const identity = { token: TOKENS.admin };
    const informers = await startInformers(controlPlane, {
      kubeconfig: await controlPlane.kubeconfig(url, identity),
      directKubeconfig: await controlPlane.kubeconfig(direct.url, identity),
      clients: size.informers,
      resources: ['configmaps'],
      namespace: 'default',
      protobuf: true,
    });
    const list = JSON.parse(await requestDirectly(controlPlane, direct, { path: CONFIGMAPS }));
    const raw = new RawWatches({
      url,
      ca: controlPlane.pki.clusterCa.cert,
      token: TOKENS.admin,
      watches: size.rawWatches,
      resourceVersion: list.metadata.resourceVersion,
    });
    await raw.start();
    return new Fleet(controlPlane, informers, raw, baseline);
  }

  async reset(): Promise<void> {
    await this.#informers.reset();
    this.#raw.reset();
  }

  async figures(): Promise<FleetFigures> {
    const raw = this.#raw.counts();
    const stats = await this.#informers.stats();
    return {
      relists: stats.relists,
      ends: stats.watchEnds + stats.watchErrors + raw.ends,
      lost: stats.lost + raw.lost,
      doubled: stats.doubled + raw.doubled,
      outOfOrder: stats.regressions,
      silenceMs: Math.round(Math.max(stats.maxSilenceMs, raw.maxSilenceMs)),
      p50Ms: stats.latencyP50Ms,
      p99Ms: stats.latencyP99Ms,
      maxMs: stats.latencyMaxMs,
    };
  }

  /** Whether every store equals a direct LIST, within the time that `check` gives them. */
  async compareStores(): Promise<StoreComparison> {
    const { equal, differenceCount, objects } = await this.#informers.check();
    const total = Object.values(objects).reduce((sum, count) => sum + count, 0);
    return {
      equal: equal && total > 0,
      text: `${differenceCount} differences in ${total} objects`,
    };
  }

  /** Watches of the fleet at each replica, by its own count; -1 where it does not answer. */
  async spread(): Promise<number[]> {
    const counts: number[] = [];
    for (const replica of this.#controlPlane.replicas) {
      const count = await countWatches(this.#controlPlane, replica).catch(() => -1);
      counts.push(count < 0 ? -1 : Math.max(0, count - (this.#baseline.get(replica) ?? 0)));
    }
    return counts;
  }

  async stop(): Promise<void> {
    this.#raw.close();
    await this.#informers.quit();
  }
}

export function maxOverMean(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return mean > 0 ? Math.max(...counts) / mean : Number.POSITIVE_INFINITY;
}

async function countWatches(controlPlane: ControlPlane, replica: Replica): Promise<number> {
  const labels = { verb: 'WATCH', resource: 'configmaps' };
  return sumSamples(
    await readMetrics(controlPlane, replica),
    'apiserver_longrunning_requests',
    labels,
  );
}
