import type { ObservedEndpoint, Sources } from '../observe/sources.ts';
import { type EndpointLoadReport, isSame, type WorkerLoad } from './messages.ts';

/** What the primary knows of an endpoint by its own checks. */
export type CheckedEndpoint = Pick<
  ObservedEndpoint,
  'name' | 'url' | 'ready' | 'available' | 'availableForMs'
>;

/** The figures of all workers as those of one door. */
export class MergedSources implements Sources {
  draining = false;
  private readonly checked: () => readonly CheckedEndpoint[];
  private readonly loads: () => readonly WorkerLoad[];

  /**
   * @param checked the endpoints as they are, read at each use
   * @param loads the last report of each worker, likewise
   */
  constructor(checked: () => readonly CheckedEndpoint[], loads: () => readonly WorkerLoad[]) {
    this.checked = checked;
    this.loads = loads;
  }

  get endpoints(): readonly ObservedEndpoint[] {
    return this.checked().map((endpoint) => new MergedEndpoint(endpoint, this.loads));
  }

  get http2Connections(): number {
    return sum(this.loads(), (load) => load.http2Connections);
  }

  get http1Connections(): number {
    return sum(this.loads(), (load) => load.http1Connections);
  }

  get openTunnels(): number {
    return sum(this.loads(), (load) => load.openTunnels);
  }
}

class MergedEndpoint implements ObservedEndpoint {
  private readonly checked: CheckedEndpoint;
  private readonly loads: () => readonly WorkerLoad[];

  constructor(checked: CheckedEndpoint, loads: () => readonly WorkerLoad[]) {
    this.checked = checked;
    this.loads = loads;
  }

  get name(): string {
    return this.checked.name;
  }

  get url(): string {
    return this.checked.url;
  }

  get ready(): boolean {
    return this.checked.ready;
  }

  /** By every worker; one alone may have met a bad connection. */
  get ejected(): boolean {
    const reports = this.reports();
    return reports.length > 0 && reports.every((report) => report.ejected);
  }

  /** Not before a worker is there to use it. */
  get available(): boolean {
    return this.checked.available && !this.ejected && this.loads().length > 0;
  }

  get availableForMs(): number {
    return this.checked.availableForMs;
  }

  get load(): { readonly requests: number; readonly longRunning: number } {
    return {
      requests: sum(this.reports(), (report) => report.requests),
      longRunning: sum(this.reports(), (report) => report.longRunning),
    };
  }

  connectionCounts(): [pool: string, connections: number][] {
    const counts = new Map<string, number>();
    for (const { pools } of this.reports()) {
      for (const { identity, purpose, connections } of pools) {
        const pool = `${identity} ${purpose}`;
        counts.set(pool, (counts.get(pool) ?? 0) + connections);
      }
    }
    return [...counts];
  }

  private reports(): EndpointLoadReport[] {
    return this.loads().flatMap(({ endpoints }) =>
      endpoints.filter((one) => isSame(one, this.checked)),
    );
  }
}

function sum<T>(list: readonly T[], figure: (one: T) => number): number {
  return list.reduce((total, one) => total + figure(one), 0);
}
