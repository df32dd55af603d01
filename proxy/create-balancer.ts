// The endpoints as they are configured. Apart from the door, because the process that checks their
// health for several doors has them too.
import type { Log } from '../common/log.ts';
import type { Config } from './config.ts';
import type { WriteBuffers } from './http2/write-buffers.ts';
import type { ReplicaMetrics } from './observe/replica-metrics.ts';
import type { EndpointChanges } from './observe/sources.ts';
import { Balancer } from './upstream/balancer.ts';
import type { PoolTls } from './upstream/connection-pool.ts';
import type { Endpoint, EndpointOptions } from './upstream/endpoint.ts';
import type { ListFollower } from './upstream/endpoint-list.ts';
import type { HealthSource } from './upstream/health-check.ts';

/**
 * A connection gets a second one beside it at this many streams, up to so many in a pool. Fewer
 * connections gather more frames into one write and one TLS record: at 100 requests in flight four
 * connections an endpoint cost 15 us of CPU a request, one costs 13. An apiserver allows 100.
 */
const SPREAD_STREAMS = 80;
const SPREAD_CONNECTIONS = 4;

/** What all connections have in common. */
export interface Shared {
  readonly nowMs: () => number;
  readonly writeBuffers: WriteBuffers;
  readonly tls: () => PoolTls;
}

export function createBalancer(
  config: Config,
  log: Log,
  { nowMs, writeBuffers, tls }: Shared,
  events: Pick<EndpointOptions, 'onChange' | 'onSuspicion' | 'onSilent'>,
): Balancer {
  const { upstream, health, balancing } = config;
  return new Balancer({
    endpoints: upstream.endpoints,
    slowStartMs: balancing.slowStartMs,
    endpoint: {
      health,
      outlier: balancing.outlier,
      maxConnections: upstream.connectionsPerEndpoint,
      pool: {
        ...(upstream.serverName === undefined ? {} : { serverName: upstream.serverName }),
        connectTimeoutMs: upstream.connectTimeoutMs,
        silence: config.watches,
        spreadStreams: SPREAD_STREAMS,
        spreadConnections: SPREAD_CONNECTIONS,
        onBug: (error) => log.error({ err: error }, 'a bug ended an upstream connection'),
        nowMs,
        writeBuffers,
      },
      tls,
      nowMs,
      ...events,
    },
  });
}

/** What connections to endpoints are made with. */
export function upstreamTls({ upstream, frontProxy }: Config): PoolTls {
  const ca = upstream.caPem;
  if (frontProxy === undefined) return { ca };
  return { ca, certificate: { cert: frontProxy.certificatePem, key: frontProxy.keyPem } };
}

/** What an endpoint tells of itself goes into the log, and is shown beside its state. */
export function noteChange(log: Log, changes: EndpointChanges): EndpointOptions['onChange'] {
  return (endpoint, what) => {
    changes.changed(endpoint, what);
    log.warn({ endpoint: endpoint.name, what }, 'endpoint changed');
  };
}

/** Those who have to hear of it when the list of endpoints changes. */
export interface ListParts {
  readonly log: Log;
  readonly changes: EndpointChanges;
  readonly health: Pick<HealthSource, 'follow'>;
  readonly replicas: Pick<ReplicaMetrics, 'follow'> | undefined;
  /** How long an endpoint that was removed may take to end what it has. */
  readonly graceMs: number;
  onLeaving?(endpoint: Endpoint): void;
  onGone?(endpoint: Endpoint): void;
}

/** Ties the list to all who have something for each endpoint; all others read it anew. */
export function followList({ list }: Balancer, parts: ListParts): void {
  const { log, changes, health, replicas, graceMs } = parts;
  const follower: ListFollower = {
    onList(endpoints) {
      health.follow(endpoints);
      replicas?.follow(endpoints);
    },
    onChange(endpoint, what) {
      changes.changed(endpoint, what);
      log.info(
        { endpoint: endpoint.name, url: endpoint.url, what },
        'the list of endpoints changed',
      );
    },
    onLeaving: (endpoint) => parts.onLeaving?.(endpoint),
    onHeld(endpoints) {
      const names = endpoints.map(({ name }) => name);
      log.warn({ endpoints: names }, 'no other endpoint is ready: removed ones serve until one is');
    },
    onGone(endpoint, cut) {
      parts.onGone?.(endpoint);
      if (list.gone.has(endpoint.name)) changes.forget(endpoint);
      log.info({ endpoint: endpoint.name, url: endpoint.url, cut }, 'a removed endpoint is gone');
    },
  };
  list.followedBy(follower, graceMs);
}
