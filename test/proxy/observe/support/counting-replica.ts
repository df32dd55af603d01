// Counts requests as kube-apiserver's MonitorRequest does, with or without its mistake of 1.21.3.
import type { ServedWatch } from '../../../../proxy/observe/replica-served.ts';
import { watch } from './replica-texts.ts';

const BOUNDS = [0.05, 0.1, 1, 2, 5, 10, 30, 60] as const;

interface Counted {
  readonly labels: string;
  readonly code: string;
  readonly durations: number[];
}

export interface CountingOptions {
  /** Takes watches by these for something else. */
  readonly mistakes?: readonly ServedWatch['form'][];
  /** Measures so much less than the door, in seconds. */
  readonly offset?: number;
}

export class CountingReplica {
  startedAtSeconds = 1;
  private readonly mistakes: readonly ServedWatch['form'][];
  private readonly offset: number;
  private series = new Map<string, Counted>();

  constructor({ mistakes = [], offset = 0 }: CountingOptions = {}) {
    this.mistakes = mistakes;
    this.offset = offset;
  }

  /** A watch of the door's; what the door remembers of it is returned. */
  watch(path: string, openedAt: number, endedAt: number): ServedWatch {
    const served = watch(path, openedAt, endedAt);
    const { form, verb, scope, resource } = served;
    const wrong = this.mistakes.includes(form);
    const seconds = endedAt - openedAt - this.offset;
    this.count(wrong ? verb : 'WATCH', resource, scope, '0', seconds);
    return served;
  }

  count(verb: string, resource: string, scope: string, code: string, seconds: number): void {
    const labels = [
      'component="apiserver"',
      'dry_run=""',
      'group=""',
      `resource="${resource}"`,
      `scope="${scope}"`,
      'subresource=""',
      `verb="${verb}"`,
      'version="v1"',
    ].join(',');
    const key = `${labels} ${code}`;
    const known = this.series.get(key) ?? { labels, code, durations: [] };
    known.durations.push(seconds);
    this.series.set(key, known);
  }

  restart(atSeconds: number): void {
    this.startedAtSeconds = atSeconds;
    this.series = new Map();
  }

  get text(): string {
    const sorted = [...this.series.values()].toSorted((a, b) => (a.labels < b.labels ? -1 : 1));
    return [
      '# HELP apiserver_request_duration_seconds [STABLE] Response latency distribution.',
      '# TYPE apiserver_request_duration_seconds histogram',
      ...histograms(sorted),
      '# HELP apiserver_request_total [STABLE] Counter of apiserver requests.',
      '# TYPE apiserver_request_total counter',
      ...sorted.map(
        ({ labels, code, durations }) =>
          `apiserver_request_total{code="${code}",${labels}} ${durations.length}`,
      ),
      '# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.',
      '# TYPE process_start_time_seconds gauge',
      `process_start_time_seconds ${this.startedAtSeconds}`,
      '',
    ].join('\n');
  }
}

function histograms(series: readonly Counted[]): string[] {
  const byLabels = Map.groupBy(series, ({ labels }) => labels);
  return [...byLabels].flatMap(([labels, all]) => {
    const durations = all.flatMap((one) => one.durations);
    const name = 'apiserver_request_duration_seconds';
    const within = (bound: number): number => durations.filter((one) => one <= bound).length;
    const sum = durations.reduce((total, one) => total + one, 0);
    return [
      ...BOUNDS.map((bound) => `${name}_bucket{${labels},le="${bound}"} ${within(bound)}`),
      `${name}_bucket{${labels},le="+Inf"} ${durations.length}`,
      `${name}_sum{${labels}} ${sum}`,
      `${name}_count{${labels}} ${durations.length}`,
    ];
  });
}
