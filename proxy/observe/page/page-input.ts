import type { ReplicaReport } from '../replica-metrics.ts';
import type { EndpointChange, EndpointState } from '../sources.ts';
import type { TopReport } from '../top-report.ts';
import type { PageHistory } from './history.ts';
import type { Recent } from './recent.ts';

/** Everything that the page is made of, at one moment. */
export interface PageInput {
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  readonly version: string;
  readonly draining: boolean;
  readonly clientConnections: number;
  readonly tunnels: number;
  readonly endpoints: readonly PageEndpoint[];
  /** The last changes of endpoints, the oldest first. */
  readonly changes: readonly (EndpointChange & { readonly endpoint: string })[];
  readonly history: PageHistory;
  readonly recent: Recent;
  readonly top: TopReport;
}

export interface PageEndpoint {
  readonly name: string;
  readonly url: string;
  readonly state: EndpointState;
  readonly availableForMs: number;
  readonly inFlight: number;
  readonly watches: number;
  readonly lastChange: EndpointChange | undefined;
  /** What its own metrics say, where they are read. */
  readonly replica: ReplicaReport | undefined;
}
