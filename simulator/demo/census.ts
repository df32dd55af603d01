// Who carries what: each replica's own counters, split between the two sides. What came through the
// TCP balancer is known, for its connections stay where they are; the rest came through the door.
import type { DemoReplica } from './replica.ts';

export interface SideCounts {
  readonly requests: number;
  readonly watches: number;
}

export interface ReplicaSample {
  readonly name: string;
  readonly up: boolean;
  /** Requests since the start of the demo, and watches open now. */
  readonly tcp: SideCounts;
  readonly door: SideCounts;
}

export interface Sample {
  readonly atMs: number;
  readonly replicas: readonly ReplicaSample[];
}

/** What is known without asking the replicas, by replica. */
export interface KnownCounts {
  readonly tcp: ReadonlyMap<string, SideCounts>;
  /** Requests of neither side. */
  readonly writer: ReadonlyMap<string, number>;
}

interface Counter {
  readonly replica: DemoReplica;
  /** What others than the demo watch: a real kube-apiserver has some watches of its own. */
  readonly ownWatches: number;
  total: number;
  last: number;
}

const NOTHING: SideCounts = { requests: 0, watches: 0 };

export class Census {
  readonly #counters: readonly Counter[];

  private constructor(counters: readonly Counter[]) {
    this.#counters = counters;
  }

  /** Counts from here on; to be called before the first client comes. */
  static async begin(replicas: readonly DemoReplica[]): Promise<Census> {
    const counters = replicas.map(async (replica): Promise<Counter> => {
      const counts = (await replica.counts()) ?? NOTHING;
      return { replica, ownWatches: counts.watches, total: 0, last: counts.requests };
    });
    return new Census(await Promise.all(counters));
  }

  async sample(known: () => KnownCounts): Promise<Sample> {
    const counts = await Promise.all(this.#counters.map(({ replica }) => replica.counts()));
    // Asked at once after the replicas, so that both speak of nearly the same moment.
    const { tcp, writer } = known();
    const replicas = this.#counters.map((counter, index): ReplicaSample => {
      const { name } = counter.replica;
      const seen = counts[index];
      if (seen) advance(counter, seen.requests);
      const direct = tcp.get(name) ?? NOTHING;
      const requests = counter.total - direct.requests - (writer.get(name) ?? 0);
      const watches = seen ? seen.watches - counter.ownWatches - direct.watches : 0;
      return {
        name,
        up: seen !== undefined,
        tcp: direct,
        door: { requests: Math.max(0, requests), watches: Math.max(0, watches) },
      };
    });
    return { atMs: performance.now(), replicas };
  }
}

/** A counter that is lower than before began anew with its process. */
function advance(counter: Counter, requests: number): void {
  counter.total += requests < counter.last ? requests : requests - counter.last;
  counter.last = requests;
}
