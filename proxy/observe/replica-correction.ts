// What has to be changed in a replica's exposition so that its watches are filed as watches: exact
// or not at all.

import { fitBuckets } from './replica-buckets.ts';
import {
  DURATION_FAMILY,
  GAUGE_FAMILIES,
  groupKey,
  namesOf,
  type ReplicaFacts,
  type Series,
  seriesKey,
  TOTAL_FAMILY,
  withVerb,
} from './replica-facts.ts';
import type { Misfiled } from './replica-ledger.ts';
import { formatNumber, labelOf, type Sample } from './replica-sample.ts';

/** Added to the values of one series, by `valueKey`. */
export interface SeriesChange {
  readonly labels: Sample['labels'];
  readonly deltas: Map<string, number>;
}

export interface FamilyCorrection {
  /** By `seriesKey`. Those that do not exist are to be made of the deltas. */
  readonly changes: Map<string, SeriesChange>;
  /** What was changed, or was not and why: for comments. */
  readonly notes: string[];
}

/** How many watches one family of a replica's has under a verb that is not theirs. */
export interface MisfiledCount {
  readonly verb: 'GET' | 'LIST';
  readonly metric: string;
  readonly watches: number;
}

export interface Correction {
  readonly families: ReadonlyMap<string, FamilyCorrection>;
  /** For each family that the replica has, and both verbs. */
  readonly misfiled: readonly MisfiledCount[];
}

type Deltas = ReadonlyMap<string, number>;

type Amount = Pick<Misfiled, 'count' | 'seconds' | 'bins'>;

/** What has become of the watches that are in one series. */
interface Taken {
  /** The last change that was right, and what it left of the series. */
  readonly deltas: Deltas;
  readonly left: Deltas;
  readonly moved: Amount;
  /** Watches that were looked for in vain: they stay where they are. */
  readonly ignored: Amount;
  /** Readings in a row whose numbers did not fit, and what was not moved at the first of them. */
  readonly misses: number;
  readonly doubtful: Amount;
}

const NOTHING: Amount = { count: 0, seconds: 0, bins: [] };
const NOTHING_TAKEN: Taken = {
  deltas: new Map(),
  left: new Map(),
  moved: NOTHING,
  ignored: NOTHING,
  misses: 0,
  doubtful: NOTHING,
};
/** A replica that stood still has counted by then; else its clock and the door's tell different tales. */
const MAX_MISSES = 3;

const VERBS = ['GET', 'LIST'] as const;
/** The only value of a counter and of a gauge. */
const VALUE = ' ';
const SUM = '_sum ';
const COUNT = '_count ';
/** Watches have had 0 in place of 200: nobody calls WriteHeader on the writer that is looked at. */
const CODES = ['0', '200'];

/** Corrects the expositions of one replica, one after the other. */
export class ReplicaCorrector {
  private startedAtSeconds: number | undefined;
  /** Of counters only, by family and `seriesKey`. */
  private taken = new Map<string, Taken>();

  correct(facts: ReplicaFacts, misfiled: readonly Misfiled[]): Correction {
    if (facts.startedAtSeconds !== this.startedAtSeconds) this.taken = new Map();
    this.startedAtSeconds = facts.startedAtSeconds;
    const families = new Map<string, FamilyCorrection>();
    const counts: MisfiledCount[] = [];
    for (const family of GAUGE_FAMILIES) {
      const series = facts.series.get(family);
      if (series === undefined) continue;
      const correction = correctGauge(series);
      if (correction.changes.size > 0) families.set(family, correction);
      for (const verb of VERBS) counts.push({ verb, metric: family, watches: sumOf(series, verb) });
    }
    for (const family of [DURATION_FAMILY, TOTAL_FAMILY]) {
      const correction = this.correctCounters(family, facts, misfiled);
      if (correction.notes.length > 0) families.set(family, correction);
      for (const verb of VERBS) {
        const own = misfiled.filter((one) => one.verb === verb);
        const watches = own.reduce((total, { count }) => total + count, 0);
        counts.push({ verb, metric: family, watches });
      }
    }
    return { families, misfiled: counts };
  }

  private correctCounters(
    family: string,
    { series }: ReplicaFacts,
    misfiled: readonly Misfiled[],
  ): FamilyCorrection {
    const correction: FamilyCorrection = { changes: new Map(), notes: [] };
    for (const group of misfiled) {
      const own = (series.get(family) ?? []).filter(
        (one) => groupKey(namesOf(one)) === groupKey(group),
      );
      const source = family === TOTAL_FAMILY ? withCode(own) : only(own);
      const deltas = source && this.take(family, source, group);
      const { count, verb, resource } = group;
      const what = `${count} watches of ${resource} that were filed as ${verb}`;
      if (source === undefined || deltas === undefined) {
        correction.notes.push(`${what} are still there: its numbers do not show which they are`);
        continue;
      }
      move(correction.changes, source.labels, deltas);
      correction.notes.push(`${-(deltas.get(COUNT) ?? deltas.get(VALUE) ?? 0)} of ${what} moved`);
    }
    return correction;
  }

  /** What to take off a series; nothing that is left there ever becomes less. */
  private take(family: string, source: Series, group: Misfiled): Deltas | undefined {
    const key = `${family} ${seriesKey(source.labels)}`;
    const before = this.taken.get(key) ?? NOTHING_TAKEN;
    const moved = less(group, before.ignored);
    if (moved.count === 0) return undefined;
    const deltas =
      family === TOTAL_FAMILY
        ? new Map([[VALUE, -moved.count]])
        : histogramDeltas(source, moved, before.left.get(SUM) ?? 0);
    const left = new Map(
      [...(deltas ?? [])].map(([name, delta]) => [name, (source.values.get(name) ?? 0) + delta]),
    );
    const shrinks = [...left].some(([name, value]) => value < (before.left.get(name) ?? 0));
    if (deltas !== undefined && !shrinks) {
      const { ignored } = before;
      this.taken.set(key, { deltas, left, moved, ignored, misses: 0, doubtful: NOTHING });
      return deltas;
    }
    const doubtful = before.misses === 0 ? less(group, before.moved) : before.doubtful;
    const misses = before.misses + 1;
    const after = misses < MAX_MISSES ? { doubtful, misses } : { ignored: doubtful, misses: 0 };
    this.taken.set(key, { ...before, ...after });
    return before.deltas.size === 0 ? undefined : before.deltas;
  }
}

function less(all: Amount, part: Amount): Amount {
  return {
    count: all.count - part.count,
    seconds: all.seconds - part.seconds,
    bins: all.bins.map((count, i) => count - (part.bins[i] ?? 0)),
  };
}

function histogramDeltas(source: Series, moved: Amount, leftSum: number): Deltas | undefined {
  const { values } = source;
  const buckets = fitBuckets(values, moved.bins);
  const count = values.get(COUNT);
  const sum = values.get(SUM);
  if (buckets === undefined || count === undefined || sum === undefined) return undefined;
  if (count < moved.count) return undefined;
  const deltas = new Map([...buckets].map(([name, watches]) => [name, -watches]));
  // With all of the series its own sum is the exact one; the door's is some milliseconds more.
  const seconds = count === moved.count ? sum : Math.min(moved.seconds, sum - leftSum);
  deltas.set(SUM, -Math.max(0, seconds));
  deltas.set(COUNT, -moved.count);
  return deltas;
}

/** A gauge of what is long-running says by itself that it is of watches. */
function correctGauge(series: readonly Series[]): FamilyCorrection {
  const changes = new Map<string, SeriesChange>();
  for (const { labels, values } of series) {
    const value = values.get(VALUE) ?? 0;
    if (value > 0) move(changes, labels, new Map([[VALUE, -value]]));
  }
  const notes = VERBS.flatMap((verb) => {
    const watches = sumOf(series, verb);
    return watches > 0 ? [`${formatNumber(watches)} open watches filed as ${verb} moved`] : [];
  });
  return { changes, notes };
}

function sumOf(series: readonly Series[], verb: string): number {
  return series
    .filter((one) => labelOf(one, 'verb') === verb)
    .reduce((total, { values }) => total + (values.get(VALUE) ?? 0), 0);
}

function move(changes: Map<string, SeriesChange>, from: Sample['labels'], deltas: Deltas): void {
  const to = withVerb(from, 'WATCH');
  for (const [name, delta] of deltas) {
    change(changes, from, name, delta);
    change(changes, to, name, -delta);
  }
}

function change(
  changes: Map<string, SeriesChange>,
  labels: Sample['labels'],
  name: string,
  delta: number,
): void {
  const key = seriesKey(labels);
  let one = changes.get(key);
  if (one === undefined) {
    one = { labels, deltas: new Map() };
    changes.set(key, one);
  }
  one.deltas.set(name, (one.deltas.get(name) ?? 0) + delta);
}

/** Of several, nobody knows which one it is. */
function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}

function withCode(series: readonly Series[]): Series | undefined {
  for (const code of CODES) {
    const own = series.filter((one) => labelOf(one, 'code') === code);
    if (own.length > 0) return only(own);
  }
  return undefined;
}
