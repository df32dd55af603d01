// Holds what the door has sent against what a replica has counted, and finds the watches that it has
// filed as something else. Nothing is taken from a table of versions: forks carry fixes back.
import {
  DURATION_FAMILY,
  groupKey,
  namesOf,
  type ReplicaFacts,
  resourceKey,
} from './replica-facts.ts';
import type { ServedWatch, WatchForm } from './replica-served.ts';

/** Watches of the door's that are over and that the replica filed under another verb. */
export interface Misfiled {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly verb: 'GET' | 'LIST';
  readonly scope: string;
  readonly count: number;
  /** As the door has measured them, added up. */
  readonly seconds: number;
  /** How many ended within each of BOUNDS_SECONDS and not within the one before; then the rest. */
  readonly bins: readonly number[];
}

/**
 * A watch has certainly been counted by its replica so long after the door has seen its end. A count
 * that were taken off too soon would make a counter go back, which Prometheus takes for a restart.
 */
const SETTLE_MS = 2000;
/** A replica that stood still may count late: once more, and it is no accident. */
const READINGS_FOR_PROOF = 2;

/** Every bound that apiserver_request_duration_seconds has had since 1.20. */
export const BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25,
  1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 45, 50, 60,
];

type Counts = Record<WatchForm, number>;
type Suspect = Exclude<WatchForm, 'plain'>;

/** Watches of one resource that are over. */
interface ResourceCounts {
  readonly inAll: Counts;
  /** Those that ended after the first reading of this life, which some began before the door did. */
  readonly since: Counts;
}

interface Group extends Omit<Misfiled, 'count' | 'seconds' | 'bins'> {
  readonly form: Suspect;
  count: number;
  seconds: number;
  readonly bins: number[];
}

/** What the door has seen of one replica in its present life. */
export class ReplicaLedger {
  private startedAtSeconds: number | undefined;
  /** In order of their end; not yet settled. */
  private pending: ServedWatch[] = [];
  private resources = new Map<string, ResourceCounts>();
  private groups = new Map<string, Group>();
  private first: { readonly filed: ReplicaFacts['filed']; readonly untilMs: number } | undefined;
  /** Readings in a row that have shown it, by form, and for `named` by resource too. */
  private shown = new Map<string, number>();

  add(watches: readonly ServedWatch[]): void {
    this.pending.push(...watches);
  }

  /** `groupKey` of each group of series in which a watch may be misfiled. */
  get suspected(): ReadonlySet<string> {
    const keys = new Set([...this.groups.values()].map(groupKey));
    for (const watch of this.pending) if (watch.form !== 'plain') keys.add(groupKey(watch));
    return keys;
  }

  /** Takes a reading of the replica's metrics, which was asked for and came at these times. */
  read(facts: ReplicaFacts, askedAtMs: number, answeredAtMs: number): readonly Misfiled[] {
    this.beginLife(facts);
    this.settle(askedAtMs - SETTLE_MS);
    if (this.first === undefined) {
      this.first = { filed: facts.filed, untilMs: answeredAtMs + SETTLE_MS };
    }
    const showing = new Set<string>();
    for (const [resource, counts] of this.resources) {
      for (const form of this.formsMisfiled(resource, counts, facts)) {
        if (this.couldBe(resource, form, facts)) showing.add(proofKey(form, resource));
      }
    }
    for (const key of showing) this.shown.set(key, (this.shown.get(key) ?? 0) + 1);
    for (const [key, times] of this.shown) {
      if (times < READINGS_FOR_PROOF && !showing.has(key)) this.shown.delete(key);
    }
    return merged([...this.groups.values()].filter((group) => this.isProven(group)));
  }

  /** They must be somewhere, and can only be under the verb and scope that they would get. */
  private couldBe(resource: string, form: Suspect, { series }: ReplicaFacts): boolean {
    const groups = [...this.groups.values()].filter(
      (group) => group.form === form && resourceKey(group) === resource,
    );
    const durations = series.get(DURATION_FAMILY) ?? [];
    return groups.every((group) => {
      const there = durations.filter((one) => groupKey(namesOf(one)) === groupKey(group));
      const count = there.reduce((total, { values }) => total + (values.get('_count ') ?? 0), 0);
      return count >= group.count;
    });
  }

  private isProven(group: Group): boolean {
    const times = this.shown.get(proofKey(group.form, resourceKey(group))) ?? 0;
    return times >= READINGS_FOR_PROOF;
  }

  /** A restart has set the replica's counters to zero: what was before does not count any more. */
  private beginLife({ startedAtSeconds }: ReplicaFacts): void {
    if (startedAtSeconds === this.startedAtSeconds) return;
    const isAnother = this.startedAtSeconds !== undefined || this.first !== undefined;
    this.startedAtSeconds = startedAtSeconds;
    const sinceMs = (startedAtSeconds ?? 0) * 1000;
    this.pending = this.pending.filter(({ openedAtMs }) => openedAtMs >= sinceMs);
    if (!isAnother) return;
    this.resources = new Map();
    this.groups = new Map();
    this.shown = new Map();
    this.first = undefined;
  }

  private settle(untilMs: number): void {
    const left: ServedWatch[] = [];
    for (const watch of this.pending) {
      if (watch.endedAtMs <= untilMs) this.count(watch);
      else left.push(watch);
    }
    this.pending = left;
  }

  private count(watch: ServedWatch): void {
    const { form } = watch;
    const key = resourceKey(watch);
    let counts = this.resources.get(key);
    if (counts === undefined) {
      counts = { inAll: noCounts(), since: noCounts() };
      this.resources.set(key, counts);
    }
    counts.inAll[form] += 1;
    // One that ended about when the first reading was made may be in it, or not.
    if (this.first !== undefined && watch.endedAtMs > this.first.untilMs) counts.since[form] += 1;
    if (form !== 'plain') this.countSuspect({ ...watch, form });
  }

  private countSuspect(watch: ServedWatch & { readonly form: Suspect }): void {
    const { group, version, resource, verb, scope, form } = watch;
    const key = `${form} ${groupKey(watch)}`;
    let known = this.groups.get(key);
    if (known === undefined) {
      const bins = new Array<number>(BOUNDS_SECONDS.length + 1).fill(0);
      known = { group, version, resource, verb, scope, form, count: 0, seconds: 0, bins };
      this.groups.set(key, known);
    }
    const seconds = (watch.endedAtMs - watch.openedAtMs) / 1000;
    const bin = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    known.count += 1;
    known.seconds += seconds;
    known.bins[bin < 0 ? BOUNDS_SECONDS.length : bin] = (known.bins.at(bin) ?? 0) + 1;
  }

  /**
   * The forms of which the counts prove that watches of the resource were not filed as such. Others
   * than the door can only add to what the replica has, so what is missing is missing; and with
   * more missing than watches of the other form, it must be some of this one.
   */
  private formsMisfiled(
    resource: string,
    { inAll, since }: ResourceCounts,
    { filed }: ReplicaFacts,
  ): Suspect[] {
    const now = filed.get(resource) ?? 0;
    const before = this.first?.filed.get(resource) ?? 0;
    const views = [
      { counts: inAll, missing: sum(inAll) - now },
      { counts: since, missing: sum(since) - (now - before) },
    ];
    return (['legacy', 'named'] as const).filter((form) =>
      views.some(({ counts, missing }) => {
        const suspects = counts.legacy + counts.named;
        // More than all suspects: the replica does not count this resource at all, as is so for
        // those that another server serves behind it.
        return missing > suspects - counts[form] && missing <= suspects;
      }),
    );
  }
}

/** Watches of both forms may have gone into one series. */
function merged(groups: readonly Group[]): Misfiled[] {
  const all = new Map<string, Misfiled>();
  for (const group of groups) {
    const key = groupKey(group);
    const other = all.get(key);
    all.set(key, other === undefined ? group : added(group, other));
  }
  return [...all.values()];
}

function added(group: Group, other: Misfiled): Misfiled {
  return {
    ...group,
    count: group.count + other.count,
    seconds: group.seconds + other.seconds,
    bins: group.bins.map((count, i) => count + (other.bins[i] ?? 0)),
  };
}

/** A path is read alike for all resources, a name only for those that a CRD has made. */
function proofKey(form: Suspect, resource: string): string {
  return form === 'legacy' ? form : `${form} ${resource}`;
}

function noCounts(): Counts {
  return { plain: 0, legacy: 0, named: 0 };
}

function sum({ plain, legacy, named }: Counts): number {
  return plain + legacy + named;
}
