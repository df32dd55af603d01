// What the door has to know of a replica's exposition: when it was started, how many watches it has
// filed as such, and the series that may hold others under GET and LIST. Everything else is passed
// over without being looked at.
import { type ExpositionPiece, LINE_FEED } from './replica-exposition.ts';
import { labelOf, parseSample, type Sample } from './replica-sample.ts';

/** Of requests that are over; by MonitorRequest of k8s.io/apiserver pkg/endpoints/metrics. */
export const DURATION_FAMILY = 'apiserver_request_duration_seconds';
export const TOTAL_FAMILY = 'apiserver_request_total';
/** Of requests that are open. The first is its name since 1.23, the second the one before. */
export const GAUGE_FAMILIES: readonly string[] = [
  'apiserver_longrunning_requests',
  'apiserver_longrunning_gauge',
];
const START_FAMILY = 'process_start_time_seconds';
const BUILD_FAMILY = 'kubernetes_build_info';
/** As in v1.34.4-eks-1: what is longer is no version. */
const MAX_VERSION_LENGTH = 64;

/** Samples of one family that differ only by suffix and `le`. */
export interface Series {
  /** Without `le`. */
  readonly labels: Sample['labels'];
  /** By `valueKey`. */
  readonly values: ReadonlyMap<string, number>;
}

export interface ReplicaFacts {
  /** In seconds since 1970; undefined where the replica does not tell. */
  readonly startedAtSeconds: number | undefined;
  /** Of the program, as v1.34.4; '' where the replica does not tell. */
  readonly gitVersion: string;
  /** Watches that are over and were filed as WATCH, by `resourceKey`. */
  readonly filed: ReadonlyMap<string, number>;
  /** By family: those of GET and LIST that were asked for or are open watches, and their WATCH. */
  readonly series: ReadonlyMap<string, readonly Series[]>;
}

const FILED_AS_WATCH = Buffer.from('verb="WATCH"');
const COUNT_SUFFIX = '_count';

export function resourceKey(of: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}): string {
  return `${of.group}/${of.version}/${of.resource}`;
}

/** Names a sample within its series: the suffix behind the family's name, and `le`. */
export function valueKey(family: string, { name, labels }: Sample): string {
  return `${name.slice(family.length)} ${labelOf({ labels }, 'le')}`;
}

/** Names a series within its family, whatever the order of its labels. */
export function seriesKey(labels: Sample['labels']): string {
  return labels
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join('\0');
}

/** The same series under another verb. */
export function withVerb(labels: Sample['labels'], verb: string): Sample['labels'] {
  return labels.map(([name, value]) => [name, name === 'verb' ? verb : value] as const);
}

/** Reads one exposition, piece by piece. */
export class FactsReader {
  private readonly wanted: ReadonlySet<string>;
  private readonly wantedResources: readonly Buffer[];
  private startedAtSeconds: number | undefined;
  private gitVersion = '';
  private readonly filed = new Map<string, number>();
  private readonly families = new Map<
    string,
    Map<string, { labels: Sample['labels']; values: Map<string, number> }>
  >();

  /** @param wanted `groupKey` of each group of series to keep values of */
  constructor(wanted: ReadonlySet<string>) {
    this.wanted = wanted;
    const names = new Set([...wanted].map((key) => key.split(' ')[0]?.split('/')[2] ?? ''));
    this.wantedResources = [...names].map((name) => Buffer.from(`resource="${name}"`));
  }

  take({ family, samples }: ExpositionPiece): void {
    if (family === DURATION_FAMILY) this.takeDurations(samples);
    else if (family === TOTAL_FAMILY && this.wanted.size > 0) {
      this.each(samples, (sample) => this.keepIfWanted(family, sample), this.wantedResources);
    } else if (GAUGE_FAMILIES.includes(family)) {
      this.each(samples, (sample) => {
        if (isOpenWatch(sample)) this.keep(family, sample);
      });
    } else if (family === START_FAMILY) {
      this.each(samples, ({ value }) => {
        this.startedAtSeconds = value;
      });
    } else if (family === BUILD_FAMILY) {
      this.each(samples, (sample) => {
        this.gitVersion = labelOf(sample, 'git_version').slice(0, MAX_VERSION_LENGTH);
      });
    }
  }

  facts(): ReplicaFacts {
    const series = [...this.families].map(([family, all]) => [family, [...all.values()]] as const);
    const { startedAtSeconds, gitVersion, filed } = this;
    return { startedAtSeconds, gitVersion, filed, series: new Map(series) };
  }

  private takeDurations(samples: Buffer): void {
    this.each(
      samples,
      (sample) => {
        if (labelOf(sample, 'verb') === 'WATCH' && sample.name.endsWith(COUNT_SUFFIX)) {
          const key = resourceKey(namesOf(sample));
          this.filed.set(key, (this.filed.get(key) ?? 0) + sample.value);
        }
        if (this.wanted.size > 0) this.keepIfWanted(DURATION_FAMILY, sample);
      },
      // By far the largest family, so lines are read only when they may be needed.
      [FILED_AS_WATCH, ...this.wantedResources],
    );
  }

  private keepIfWanted(family: string, sample: Sample): void {
    if (labelOf(sample, 'subresource') !== '' || labelOf(sample, 'dry_run') !== '') return;
    const { verb, scope } = namesOf(sample);
    if (this.wanted.has(groupKey({ ...namesOf(sample), verb, scope }))) this.keep(family, sample);
  }

  private keep(family: string, sample: Sample): void {
    const labels = sample.labels.filter(([name]) => name !== 'le');
    let all = this.families.get(family);
    if (all === undefined) {
      all = new Map();
      this.families.set(family, all);
    }
    const key = seriesKey(labels);
    let series = all.get(key);
    if (series === undefined) {
      series = { labels, values: new Map() };
      all.set(key, series);
    }
    series.values.set(valueKey(family, sample), sample.value);
  }

  /** @param holding only lines with some of these bytes */
  private each(samples: Buffer, take: (sample: Sample) => void, holding?: readonly Buffer[]): void {
    let end = 0;
    for (let start = 0; start < samples.length; start = end) {
      end = samples.indexOf(LINE_FEED, start) + 1;
      const line = samples.subarray(start, end - 1);
      if (holding === undefined || holding.some((bytes) => line.includes(bytes)))
        take(parseSample(line.toString()));
    }
  }
}

/**
 * Long-running is what has the verb watch or a subresource of a conversation, and /debug/pprof/, whose
 * path is shown as the subresource. So GET and LIST without one is a watch, and the gauge needs no
 * comparison (pkg/server/filters/longrunning.go, RecordLongRunning).
 */
function isOpenWatch(sample: Sample): boolean {
  const verb = labelOf(sample, 'verb');
  const read = verb === 'GET' || verb === 'LIST';
  return read && labelOf(sample, 'subresource') === '';
}

/** Names a group of series that differ by code and component only. */
export function groupKey(of: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly verb: string;
  readonly scope: string;
}): string {
  return `${resourceKey(of)} ${of.verb} ${of.scope}`;
}

export function namesOf(sample: Pick<Sample, 'labels'>) {
  return {
    group: labelOf(sample, 'group'),
    version: labelOf(sample, 'version'),
    resource: labelOf(sample, 'resource'),
    verb: labelOf(sample, 'verb'),
    scope: labelOf(sample, 'scope'),
  };
}
