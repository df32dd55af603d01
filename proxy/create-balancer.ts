// The endpoints as they are configured. Apart from the door, because the process that checks their
// health for several doors has them too.
import type { Log } from '../common/log.ts';
import type { Config } from './config.ts';
import type { WriteBuffers } from './http2/write-buffers.ts';
import { Balancer } from './upstream/balancer.ts';
import type { PoolTls } from './upstream/connection-pool.ts';
import type { EndpointOptions } from './upstream/endpoint.ts';

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
