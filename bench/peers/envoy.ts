import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, Place } from './peer.ts';

const EXTENSION = 'type.googleapis.com/envoy.extensions';
const MAX_STREAMS = 100; // As many as kube-apiserver allows on one connection.

/** One worker, least requests. */
export const envoy: Peer = {
  name: 'Envoy',
  program: 'envoy',
  versionArguments: ['--version'],
  upstreamProtocol: 'h2',
  async prepare(place: Place): Promise<readonly string[]> {
    const config = join(place.directory, 'envoy.json');
    const resources = { listeners: [listener(place)], clusters: [cluster(place)] };
    await writeFile(config, JSON.stringify({ static_resources: resources }));
    // Several may run at the same time, and without this they would share memory by a number.
    return ['-c', config, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  },
};

function socketAddress(host: string, port: number): object {
  return { socket_address: { address: host, port_value: port } };
}

function listener({ pki, port }: Place): object {
  const route = { cluster: 'apiservers', timeout: '0s' };
  const router = { '@type': `${EXTENSION}.filters.http.router.v3.Router` };
  const certificate = {
    certificate_chain: { filename: pki.door.certPath },
    private_key: { filename: pki.door.keyPath },
  };
  return {
    address: socketAddress('127.0.0.1', port),
    filter_chains: [
      {
        transport_socket: {
          name: 'tls',
          typed_config: {
            '@type': `${EXTENSION}.transport_sockets.tls.v3.DownstreamTlsContext`,
            common_tls_context: {
              alpn_protocols: ['h2', 'http/1.1'],
              tls_certificates: [certificate],
            },
          },
        },
        filters: [
          {
            name: 'http',
            typed_config: {
              '@type': `${EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: 'door',
              codec_type: 'AUTO',
              stream_idle_timeout: '0s',
              route_config: {
                virtual_hosts: [
                  { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route }] },
                ],
              },
              http_filters: [{ name: 'router', typed_config: router }],
            },
          },
        ],
      },
    ],
  };
}

function cluster({ upstreams }: Place): object {
  const endpoints = upstreams.map(({ host, port }) => ({
    endpoint: { address: socketAddress(host, port) },
  }));
  // Watches are requests that stay: Envoy's default of 1,024 would refuse most of them.
  const limits = { max_requests: 100_000, max_connections: 10_000, max_pending_requests: 100_000 };
  return {
    name: 'apiservers',
    type: 'STATIC',
    lb_policy: 'LEAST_REQUEST',
    connect_timeout: '5s',
    circuit_breakers: { thresholds: [limits] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${EXTENSION}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: { max_concurrent_streams: MAX_STREAMS } },
      },
    },
    transport_socket: {
      name: 'tls',
      typed_config: {
        '@type': `${EXTENSION}.transport_sockets.tls.v3.UpstreamTlsContext`,
        common_tls_context: { alpn_protocols: ['h2'] },
      },
    },
    load_assignment: { cluster_name: 'apiservers', endpoints: [{ lb_endpoints: endpoints }] },
  };
}
