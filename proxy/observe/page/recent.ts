// What has happened lately and is worth a line, of all processes together. Each list has a bound and
// forgets what is old.
import type {
  MoveFigures,
  NotedFailure,
  NotedList,
  PageFigures,
  RefusalFigures,
} from './page-figures.ts';

/** As long as the lines of `PageHistory`. */
export const RECENT_MS = 300_000;
/** Failures of this time are "now". */
const NOW_MS = 60_000;
const MAX_ENTRIES = 60;
const MAX_FAILURES = 64;
const MAX_LISTS = 40;
/** What happens so soon after the same is the same. */
const SAME_MS = 3000;

export interface MoveEntry {
  readonly kind: 'moved';
  readonly reason: string;
  readonly from: string;
  readonly atMs: number;
  lastMs: number;
  readonly to: Map<string, number>;
  longestGapSeconds: number;
}

export interface RefusalEntry {
  readonly kind: 'refused';
  readonly reason: string;
  readonly result: string;
  readonly atMs: number;
  lastMs: number;
  count: number;
}

export type WatchEntry = MoveEntry | RefusalEntry;

export interface RecentFailure extends NotedFailure {
  /** In the last minute; `count` is in all that is remembered. */
  readonly countNow: number;
}

export class Recent {
  private readonly entries: WatchEntry[] = [];
  private readonly failureCounts = new Map<string, { last: NotedFailure; counts: number[] }>();
  private lists: NotedList[] = [];
  private open: readonly NotedList[] = [];

  /** Before the figures of one second are added. */
  begin(): void {
    this.open = [];
  }

  add(figures: PageFigures, nowMs: number): void {
    for (const move of figures.moves) this.addMove(move, figures.longestGapSeconds, nowMs);
    for (const refusal of figures.refusals) this.addRefusal(refusal, nowMs);
    for (const failure of figures.failures) this.addFailure(failure);
    this.lists = longest([...this.lists, ...figures.lists].filter(isAfter(nowMs - RECENT_MS)));
    this.open = longest([...this.open, ...figures.openLists]);
  }

  /** The newest first. */
  watchEntries(nowMs: number): readonly WatchEntry[] {
    return this.entries.filter(({ lastMs }) => lastMs > nowMs - RECENT_MS).toReversed();
  }

  /** The newest first. */
  failures(nowMs: number): readonly RecentFailure[] {
    const all = [...this.failureCounts.values()].map(({ last, counts }) => ({
      ...last,
      count: sumAfter(counts, nowMs - RECENT_MS),
      countNow: sumAfter(counts, nowMs - NOW_MS),
    }));
    return all.filter(isAfter(nowMs - RECENT_MS)).toSorted((one, other) => other.atMs - one.atMs);
  }

  longLists(nowMs: number): readonly NotedList[] {
    return this.lists.filter(isAfter(nowMs - RECENT_MS));
  }

  get openLists(): readonly NotedList[] {
    return this.open;
  }

  private addMove({ reason, from, to, count }: MoveFigures, gap: number, nowMs: number): void {
    let entry = this.entries.findLast(
      (one): one is MoveEntry =>
        one.kind === 'moved' &&
        one.reason === reason &&
        one.from === from &&
        nowMs - one.lastMs <= SAME_MS,
    );
    if (entry === undefined) {
      const since = { atMs: nowMs, lastMs: nowMs, longestGapSeconds: 0 };
      entry = { kind: 'moved', reason, from, to: new Map(), ...since };
      this.push(entry);
    }
    entry.lastMs = nowMs;
    entry.to.set(to, (entry.to.get(to) ?? 0) + count);
    entry.longestGapSeconds = Math.max(entry.longestGapSeconds, gap);
  }

  private addRefusal({ reason, result, count }: RefusalFigures, nowMs: number): void {
    let entry = this.entries.findLast(
      (one): one is RefusalEntry =>
        one.kind === 'refused' &&
        one.reason === reason &&
        one.result === result &&
        nowMs - one.lastMs <= SAME_MS,
    );
    if (entry === undefined) {
      entry = { kind: 'refused', reason, result, atMs: nowMs, lastMs: nowMs, count: 0 };
      this.push(entry);
    }
    entry.lastMs = nowMs;
    entry.count += count;
  }

  private push(entry: WatchEntry): void {
    this.entries.push(entry);
    if (this.entries.length > MAX_ENTRIES) this.entries.shift();
  }

  private addFailure(failure: NotedFailure): void {
    const key = `${failure.failure} ${failure.endpoint}`;
    const { failureCounts } = this;
    const counts = failureCounts.get(key)?.counts ?? [];
    // Several processes tell of the same second.
    if ((counts.at(-2) ?? 0) > failure.atMs - 1000)
      counts.push((counts.pop() ?? 0) + failure.count);
    else counts.push(failure.atMs, failure.count);
    while ((counts[0] ?? failure.atMs) <= failure.atMs - RECENT_MS) counts.splice(0, 2);
    // Put in anew, so that the first one is the one that has been quiet for longest.
    failureCounts.delete(key);
    failureCounts.set(key, { last: failure, counts });
    const [oldest] = failureCounts.keys();
    if (failureCounts.size > MAX_FAILURES && oldest !== undefined) failureCounts.delete(oldest);
  }
}

function isAfter(sinceMs: number): (one: { readonly atMs: number }) => boolean {
  return ({ atMs }) => atMs > sinceMs;
}

/** Of pairs of time and count. */
function sumAfter(counts: readonly number[], sinceMs: number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i += 2) {
    if ((counts[i] ?? 0) > sinceMs) sum += counts[i + 1] ?? 0;
  }
  return sum;
}

function longest(lists: readonly NotedList[]): NotedList[] {
  return lists.toSorted((one, other) => other.durationMs - one.durationMs).slice(0, MAX_LISTS);
}
