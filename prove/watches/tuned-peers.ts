// HAProxy and Envoy before kube-apiservers, with active checks: with the product's own defaults, and
// as good as their options let them be for watches.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKENS } from '../../tools/control-plane.ts';
import type { Peer, Place } from './peer.ts';

const ENVOY = 'type.googleapis.com/envoy.extensions';

/** Tuned: the streams of a server that is down are closed, and what was not processed is retried. */
export function haproxyForWatches(tuned: boolean): Peer {
  return {
    name: `HAProxy ${tuned ? 'tuned' : 'default'}`,
    program: 'haproxy',
    versionArguments: ['-v'],
    async prepare({ directory, pki, port, upstreams }: Place): Promise<readonly string[]> {
      const bundle = join(directory, `haproxy-${tuned}.pem`);
      await writeFile(bundle, pki.door.cert + pki.door.key, { mode: 0o600 });
      const lines = [
        'global',
        '  nbthread 1',
        '  maxconn 4000',
        'defaults',
        '  mode http',
        '  timeout connect 5s',
        '  timeout client 1h',
        '  timeout server 1h',
        'frontend door',
        `  bind 127.0.0.1:${port} ssl crt ${bundle} alpn h2,http/1.1`,
        '  default_backend apiservers',
        'backend apiservers',
        '  balance leastconn',
        '  http-reuse always',
        '  option httpchk',
        `  http-check send meth GET uri /readyz hdr Authorization "Bearer ${TOKENS.admin}"`,
        '  http-check expect status 200',
        ...(tuned ? haproxyTuning() : []),
        `  default-server ssl verify none alpn h2 check check-alpn h2 inter 1s fall 2 rise 2${
          tuned ? ' on-marked-down shutdown-sessions' : ''
        }`,
        ...upstreams.map(({ name, port: to }) => `  server ${name} 127.0.0.1:${to}`),
        '',
      ];
      const config = join(directory, `haproxy-${tuned}.cfg`);
      await writeFile(config, lines.join('\n'));
      return ['-db', '-f', config];
    },
  };
}

function haproxyTuning(): string[] {
  return [
    '  timeout check 1s',
    '  option redispatch 1',
    '  retries 3',
    '  retry-on conn-failure empty-response',
  ];
}

/** Tuned: a host that fails its check loses its connections, and silent ones are found by PING. */
export function envoyForWatches(tuned: boolean): Peer {
  return {
    name: `Envoy ${tuned ? 'tuned' : 'default'}`,
    program: 'envoy',
    versionArguments: ['--version'],
    async prepare(place: Place): Promise<readonly string[]> {
      const config = join(place.directory, `envoy-${tuned}.json`);
      const resources = { listeners: [listener(place, tuned)], clusters: [cluster(place, tuned)] };
      await writeFile(config, JSON.stringify({ static_resources: resources }));
      return ['-c', config, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
    },
  };
}

function listener({ pki, port }: Place, tuned: boolean): object {
  const previousHosts = {
    name: 'previous',
    typed_config: {
      '@type': `${ENVOY}.retry.host.previous_hosts.v3.PreviousHostsPredicate`,
    },
  };
  const retry = {
    retry_on: 'connect-failure,refused-stream,reset-before-request',
    num_retries: 3,
    retry_host_predicate: [previousHosts],
  };
  const route = { cluster: 'apiservers', timeout: '0s', ...(tuned ? { retry_policy: retry } : {}) };
  const connections = {
    '@type': `${ENVOY}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'door',
    codec_type: 'AUTO',
    stream_idle_timeout: '0s',
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route }] }],
    },
    http_filters: [
      { name: 'router', typed_config: { '@type': `${ENVOY}.filters.http.router.v3.Router` } },
    ],
  };
  const certificate = {
    certificate_chain: { filename: pki.door.certPath },
    private_key: { filename: pki.door.keyPath },
  };
  const tls = {
    '@type': `${ENVOY}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: { alpn_protocols: ['h2', 'http/1.1'], tls_certificates: [certificate] },
  };
  return {
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [
      {
        transport_socket: { name: 'tls', typed_config: tls },
        filters: [{ name: 'http', typed_config: connections }],
      },
    ],
  };
}

function cluster({ upstreams }: Place, tuned: boolean): object {
  const check = {
    timeout: '1s',
    interval: '1s',
    no_traffic_interval: '1s',
    unhealthy_threshold: 2,
    healthy_threshold: 2,
    http_health_check: {
      path: '/readyz',
      codec_client_type: 'HTTP2',
      request_headers_to_add: [
        { header: { key: 'authorization', value: `Bearer ${TOKENS.admin}` } },
      ],
    },
  };
  const protocol = {
    max_concurrent_streams: 100,
    ...(tuned ? { connection_keepalive: { interval: '2s', timeout: '2s' } } : {}),
  };
  // Envoy's default of 1,024 requests would refuse some of the watches.
  const limits = { max_requests: 100_000, max_connections: 10_000, max_pending_requests: 100_000 };
  const tls = {
    '@type': `${ENVOY}.transport_sockets.tls.v3.UpstreamTlsContext`,
    common_tls_context: { alpn_protocols: ['h2'] },
  };
  const endpoints = upstreams.map(({ port }) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
  }));
  return {
    name: 'apiservers',
    type: 'STATIC',
    lb_policy: 'LEAST_REQUEST',
    connect_timeout: '5s',
    circuit_breakers: { thresholds: [limits] },
    ...(tuned ? { close_connections_on_host_health_failure: true } : {}),
    health_checks: [check],
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${ENVOY}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: protocol },
      },
    },
    transport_socket: { name: 'tls', typed_config: tls },
    load_assignment: { cluster_name: 'apiservers', endpoints: [{ lb_endpoints: endpoints }] },
  };
}
