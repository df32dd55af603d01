import { TOP_WINDOW_MS, type TopEntry } from './top-list.ts';

/** What is asked of one resource. Their number is bounded, as that of labels is. */
export interface ResourceCount {
  readonly names: readonly [group: string, resource: string];
  requests: number;
  bytes: number;
  pastRequests: number;
  pastBytes: number;
}

/** The resources that most is asked of, in this window and the one before. */
export class TopResources {
  private readonly counts = new Map<string, ResourceCount>();
  private startedAtMs = 0;
  private pastMs = 0;

  /** Where requests for a resource are counted. */
  of(group: string, resource: string): ResourceCount {
    const key = `${group}/${resource}`;
    let count = this.counts.get(key);
    if (count === undefined) {
      count = { names: [group, resource], requests: 0, bytes: 0, pastRequests: 0, pastBytes: 0 };
      this.counts.set(key, count);
    }
    return count;
  }

  add(count: ResourceCount, requests: number, bytes: number, nowMs: number): void {
    if (nowMs - this.startedAtMs >= TOP_WINDOW_MS) this.turn(nowMs);
    count.requests += requests;
    count.bytes += bytes;
  }

  top(limit: number, by: 'requests' | 'bytes', nowMs: number): TopEntry[] {
    if (nowMs - this.startedAtMs >= TOP_WINDOW_MS) this.turn(nowMs);
    const seconds = Math.max(1, (nowMs - this.startedAtMs + this.pastMs) / 1000);
    const past = by === 'requests' ? 'pastRequests' : 'pastBytes';
    return [...this.counts.values()]
      .map((count): TopEntry => {
        const { names } = count;
        return { names, perSecond: (count[by] + count[past]) / seconds, errorPerSecond: 0 };
      })
      .filter(({ perSecond }) => perSecond > 0)
      .sort((one, other) => other.perSecond - one.perSecond)
      .slice(0, limit);
  }

  private turn(nowMs: number): void {
    const elapsedMs = nowMs - this.startedAtMs;
    const isRecent = elapsedMs < 2 * TOP_WINDOW_MS;
    for (const count of this.counts.values()) {
      count.pastRequests = isRecent ? count.requests : 0;
      count.pastBytes = isRecent ? count.bytes : 0;
      count.requests = 0;
      count.bytes = 0;
    }
    this.pastMs = isRecent ? elapsedMs : 0;
    this.startedAtMs = nowMs;
  }
}
