// What the metrics and the admin pages read from the running parts, at the moment they are asked.
import type { ReplicaReport } from './replica-metrics.ts';

/** One kube-apiserver, as far as it is shown. */
export interface ObservedEndpoint {
  readonly name: string;
  readonly url: string;
  /** Its health checks pass. */
  readonly ready: boolean;
  /** Left out for a while because its answers failed. */
  readonly ejected: boolean;
  readonly available: boolean;
  readonly availableForMs: number;
  readonly load: { readonly requests: number; readonly longRunning: number };
  /** Open connections by identity class and purpose, as `certificate watch`. */
  connectionCounts(): readonly (readonly [pool: string, connections: number])[];
}

export interface Sources {
  readonly endpoints: readonly ObservedEndpoint[];
  /** Names of endpoints that were removed from the configuration and have ended what they had. */
  readonly gone?: ReadonlySet<string>;
  /** The door takes no new clients and ends what it has. */
  readonly draining: boolean;
  readonly http2Connections: number;
  readonly http1Connections: number;
  /** Connections that were upgraded and are carried without being looked into. */
  readonly openTunnels: number;
  /** What the endpoints' own metrics say; of the process that reads them. */
  readonly replicas?: readonly ReplicaReport[];
}

export type EndpointState = 'ready' | 'not_ready' | 'ejected';
export const ENDPOINT_STATES: readonly EndpointState[] = ['ready', 'not_ready', 'ejected'];

export function stateOf(endpoint: ObservedEndpoint): EndpointState {
  if (!endpoint.ready) return 'not_ready';
  return endpoint.ejected ? 'ejected' : 'ready';
}

/** Connections of one endpoint that share an identity class and a purpose. */
export interface PoolCount {
  readonly identity: string;
  readonly purpose: string;
  readonly connections: number;
}

export function poolCounts(endpoint: ObservedEndpoint): PoolCount[] {
  return endpoint.connectionCounts().map(([pool, connections]) => {
    const [identity = '', purpose = ''] = pool.split(' ');
    return { identity, purpose, connections };
  });
}

/** What last happened to an endpoint. */
export interface EndpointChange {
  readonly what: string;
  readonly at: Date;
}

/** For the page: more would be a log. */
const MAX_RECENT = 32;

/** Remembers the last change of each endpoint, to be shown beside its state. */
export class EndpointChanges {
  private readonly last = new Map<string, EndpointChange>();
  private readonly recentOnes: (EndpointChange & { readonly endpoint: string })[] = [];

  /** To be called from Endpoint's `onChange`. Endpoints come from the configuration, so few. */
  changed(endpoint: { readonly name: string }, what: string, at: Date = new Date()): void {
    this.last.set(endpoint.name, { what, at });
    this.recentOnes.push({ endpoint: endpoint.name, what, at });
    if (this.recentOnes.length > MAX_RECENT) this.recentOnes.shift();
  }

  /** There is no such endpoint any more. What became of it stays among the recent changes. */
  forget(endpoint: { readonly name: string }): void {
    this.last.delete(endpoint.name);
  }

  /** The last changes of all endpoints, the oldest first. */
  get recent(): readonly (EndpointChange & { readonly endpoint: string })[] {
    return this.recentOnes;
  }

  lastOf(endpoint: { readonly name: string }): EndpointChange | undefined {
    return this.last.get(endpoint.name);
  }
}
