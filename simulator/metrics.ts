// What a replica counts, and its /metrics in the text format of Prometheus, under the names that
// kube-apiserver uses (k8s.io/apiserver pkg/endpoints/metrics/metrics.go).

import { GIT_VERSION } from './discovery.ts';

/** Figures of one replica since its first start. */
export interface ReplicaStats {
  readonly requests: number;
  /** By `verb resource code`, for example `list pods 200`. */
  readonly requestsByKind: Readonly<Record<string, number>>;
  readonly openWatches: number;
  readonly watchesStarted: number;
  /** Watches that were ended because their client did not keep up. */
  readonly watchesTerminated: number;
  readonly openConnections: number;
  readonly connectionsAccepted: number;
  readonly openUpgrades: number;
}

/** One request, as the counters see it. */
export interface CountedRequest {
  readonly verb: string;
  readonly resource: string;
  readonly code: number;
}

/** Counters of one replica; they survive a restart so that a test can add up both lives. */
export class Counters {
  openWatches = 0;
  watchesStarted = 0;
  watchesTerminated = 0;
  openConnections = 0;
  connectionsAccepted = 0;
  openUpgrades = 0;
  #requests = 0;
  readonly #byKind = new Map<string, number>();

  countRequest({ verb, resource, code }: CountedRequest): void {
    this.#requests++;
    const kind = `${verb} ${resource} ${code}`;
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
  }

  stats(): ReplicaStats {
    return {
      requests: this.#requests,
      requestsByKind: Object.fromEntries(this.#byKind),
      openWatches: this.openWatches,
      watchesStarted: this.watchesStarted,
      watchesTerminated: this.watchesTerminated,
      openConnections: this.openConnections,
      connectionsAccepted: this.connectionsAccepted,
      openUpgrades: this.openUpgrades,
    };
  }

  /** The body of /metrics. `startedAtSeconds` is of the present life. */
  text(revision: number, startedAtSeconds: number): string {
    const requests = [...this.#byKind].map(([kind, count]) => {
      const [verb = '', resource = '', code = ''] = kind.split(' ');
      const labels = `code="${code}",resource="${resource}",verb="${verb.toUpperCase()}"`;
      return `apiserver_request_total{${labels}} ${count}`;
    });
    return [
      '# HELP apiserver_request_total Requests by verb, resource and code.',
      '# TYPE apiserver_request_total counter',
      ...requests,
      ...gauge('apiserver_longrunning_requests', 'Open watches.', this.openWatches),
      ...gauge('simulator_open_connections', 'Open TCP connections.', this.openConnections),
      ...gauge('simulator_open_upgrades', 'Open upgraded connections.', this.openUpgrades),
      ...gauge('apiserver_watch_cache_resource_version', 'Newest revision seen.', revision),
      ...gauge('process_start_time_seconds', 'Start time since unix epoch.', startedAtSeconds),
      '# HELP kubernetes_build_info Always 1; the labels say what is running.',
      '# TYPE kubernetes_build_info gauge',
      `kubernetes_build_info{git_version="${GIT_VERSION}",major="1",minor="34"} 1`,
      '# HELP apiserver_terminated_watchers_total Watches ended because nobody read them.',
      '# TYPE apiserver_terminated_watchers_total counter',
      `apiserver_terminated_watchers_total ${this.watchesTerminated}`,
      '',
    ].join('\n');
  }
}

function gauge(name: string, help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
}
