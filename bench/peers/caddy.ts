import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, Place } from './peer.ts';

/** One processor, least connections, no access log. */
export const caddy: Peer = {
  name: 'Caddy',
  program: 'caddy',
  versionArguments: ['version'],
  environment: { GOMAXPROCS: '1' },
  upstreamProtocol: 'h2',
  async prepare(place: Place): Promise<readonly string[]> {
    const config = join(place.directory, 'caddy.json');
    await writeFile(config, JSON.stringify(configOf(place)));
    return ['run', '--config', config];
  },
};

function configOf({ directory, pki, port, upstreams }: Place): object {
  const proxy = {
    handler: 'reverse_proxy',
    load_balancing: { selection_policy: { policy: 'least_conn' } },
    transport: { protocol: 'http', tls: { insecure_skip_verify: true } },
    upstreams: upstreams.map(({ host, port: to }) => ({ dial: `${host}:${to}` })),
  };
  const server = {
    listen: [`127.0.0.1:${port}`],
    automatic_https: { disable: true },
    // Clients that connect to an address send no server name.
    tls_connection_policies: [{ default_sni: 'localhost' }],
    routes: [{ handle: [proxy] }],
  };
  const { certPath, keyPath } = pki.door;
  return {
    admin: { disabled: true, config: { persist: false } },
    storage: { module: 'file_system', root: join(directory, 'caddy') },
    logging: { logs: { default: { level: 'ERROR' } } },
    apps: {
      tls: { certificates: { load_files: [{ certificate: certPath, key: keyPath }] } },
      http: { servers: { door: server } },
    },
  };
}
