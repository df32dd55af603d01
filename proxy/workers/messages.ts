import type { ServedWatch } from '../observe/replica-served.ts';
import type { PoolCount } from '../observe/sources.ts';

/** What the primary tells a worker. */
export type ToWorker =
  /** A health check of an endpoint has ended. */
  | {
      readonly kind: 'checked';
      readonly endpoint: EndpointName;
      readonly passed: boolean;
      readonly detail: string;
    }
  | { readonly kind: 'ask'; readonly id: number; readonly what: Asked }
  /** Certificates, authorities or endpoints have changed: the configuration is to be read again. */
  | { readonly kind: 'reload' }
  /** Ends in good order. */
  | { readonly kind: 'drain' };

/** What a worker tells the primary. */
export type ToPrimary =
  | { readonly kind: 'open'; readonly port: number }
  /** It could not open; `message` says why. */
  | { readonly kind: 'failed'; readonly message: string }
  /** An endpoint is suspected: the next check should not wait for its time. */
  | { readonly kind: 'suspicion'; readonly endpoint: EndpointName }
  | { readonly kind: 'load'; readonly load: WorkerLoad }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown };

/** All metrics, who asks for most, or what has been counted for the page since the last time. */
export type Asked = 'metrics' | 'top' | 'figures';

/** What a worker carries, told once a second. */
export interface WorkerLoad {
  readonly http2Connections: number;
  readonly http1Connections: number;
  readonly openTunnels: number;
  readonly endpoints: readonly EndpointLoadReport[];
}

/** With its URL: the processes do not come to know another one of the same name at the same time. */
export interface EndpointName {
  readonly name: string;
  readonly url: string;
}

/** What of an endpoint goes into a message. */
export function nameOf({ name, url }: EndpointName): EndpointName {
  return { name, url };
}

export function isSame(one: EndpointName, other: EndpointName): boolean {
  return one.name === other.name && one.url === other.url;
}

export interface EndpointLoadReport extends EndpointName {
  readonly ejected: boolean;
  readonly requests: number;
  readonly longRunning: number;
  readonly pools: readonly PoolCount[];
  /** Watches that have ended there since the last message. */
  readonly served?: readonly ServedWatch[];
}
