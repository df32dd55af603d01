// How far apart the replicas' watch caches are, by what their watches bring: the same change comes
// from each replica, and the door sees which one is late.
import { type Family, type Series, SeriesTable } from './series-table.ts';

/** Changes of one resource that are remembered. */
export const REMEMBERED = 64;
/** Resources that are followed; a further one is left out. */
const MAX_RESOURCES = 200;
export const LAG_SECONDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

const BEHIND: Family = {
  name: 'evenkeel_replica_events_behind',
  help:
    'Changes that a watch of the whole resource has brought from another replica, and none from ' +
    `this one; ${REMEMBERED} is "or more".`,
  type: 'gauge',
  labelNames: ['endpoint', 'group', 'resource'],
  merge: 'max',
};

interface Replica {
  readonly endpoint: string;
  readonly lag: number;
  newest: number;
  /** It has an open watch of the whole resource now. */
  watched: boolean;
}

/** What the replicas have shown of one resource. */
export interface Freshness {
  readonly replicas: Replica[];
  readonly names: readonly [group: string, resource: string];
  /** The newest changes, in a ring: versions, and when the first replica brought them. */
  readonly versions: Float64Array;
  readonly seenAtMs: Float64Array;
  changes: number;
}

export class FreshnessSeries {
  readonly lags = new SeriesTable({
    name: 'evenkeel_replica_event_lag_seconds',
    help:
      'How much later than from the first replica the same change came from this one, by watches ' +
      'of whole resources.',
    type: 'histogram',
    labelNames: ['endpoint'],
    bounds: LAG_SECONDS,
  });
  private behind = new SeriesTable(BEHIND);
  private readonly resources = new Map<string, Freshness>();

  get all(): readonly Series[] {
    return [this.lags, this.behind];
  }

  /** Undefined when there are too many resources already. */
  of(group: string, resource: string): Freshness | undefined {
    const key = `${group}/${resource}`;
    let found = this.resources.get(key);
    if (found === undefined && this.resources.size < MAX_RESOURCES) {
      found = {
        replicas: [],
        names: [group, resource],
        versions: new Float64Array(REMEMBERED),
        seenAtMs: new Float64Array(REMEMBERED),
        changes: 0,
      };
      this.resources.set(key, found);
    }
    return found;
  }

  /**
   * A watch of the whole resource has brought a version.
   * @param change false for a bookmark, which says how far the replica is, but comes when it likes
   */
  saw(at: Freshness, endpoint: string, version: number, change: boolean, nowMs: number): void {
    const replica = this.replicaOf(at, endpoint);
    // Every watch of the resource brings it: only the first from each replica is news.
    if (version <= replica.newest) return;
    replica.newest = version;
    if (!change) return;
    const found = at.versions.indexOf(version);
    if (found >= 0) {
      this.lags.observe(replica.lag, Math.max(0, nowMs - (at.seenAtMs[found] ?? 0)) / 1000);
      return;
    }
    at.versions[at.changes % REMEMBERED] = version;
    at.seenAtMs[at.changes % REMEMBERED] = nowMs;
    at.changes += 1;
  }

  /** Before a scrape: `watch` says of each open watch of a whole resource where it is, then `show`. */
  clear(): void {
    this.behind = new SeriesTable(BEHIND);
    for (const { replicas } of this.resources.values()) {
      for (const replica of replicas) replica.watched = false;
    }
  }

  watch(at: Freshness, endpoint: string): void {
    this.replicaOf(at, endpoint).watched = true;
  }

  show(): void {
    this.eachBehind((endpoint, names, count) => {
      this.behind.set(this.behind.row([endpoint, ...names]), count);
    });
  }

  /** Of each endpoint, how many changes it is behind with the resource where that is most. */
  mostBehind(): ReadonlyMap<string, number> {
    const most = new Map<string, number>();
    this.eachBehind((endpoint, _names, count) => {
      most.set(endpoint, Math.max(count, most.get(endpoint) ?? 0));
    });
    return most;
  }

  private eachBehind(
    tell: (endpoint: string, names: Freshness['names'], count: number) => void,
  ): void {
    for (const { replicas, versions, names } of this.resources.values()) {
      for (const { endpoint, newest, watched } of replicas) {
        // One that nobody watches there has no way to show what it has.
        if (!watched) continue;
        let count = 0;
        for (const version of versions) if (version > newest) count += 1;
        tell(endpoint, names, count);
      }
    }
  }

  private replicaOf(at: Freshness, endpoint: string): Replica {
    for (const replica of at.replicas) if (replica.endpoint === endpoint) return replica;
    const replica = {
      endpoint,
      lag: this.lags.row([endpoint]),
      newest: 0,
      watched: false,
    };
    at.replicas.push(replica);
    return replica;
  }
}
