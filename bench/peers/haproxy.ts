import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, Place } from './peer.ts';

/** One thread, least connections, connections to backends shared by all clients. */
export const haproxy: Peer = {
  name: 'HAProxy',
  program: 'haproxy',
  versionArguments: ['-v'],
  upstreamProtocol: 'h2',
  async prepare(place: Place): Promise<readonly string[]> {
    const { directory, pki, port, upstreams } = place;
    const bundle = join(directory, 'haproxy.pem');
    // HAProxy reads a certificate and its key from one file.
    await writeFile(bundle, pki.door.cert + pki.door.key, { mode: 0o600 });
    const servers = upstreams.map(
      ({ name, host, port: to }) => `  server ${name} ${host}:${to} ssl verify none alpn h2`,
    );
    const config = join(directory, 'haproxy.cfg');
    await writeFile(config, [...head(bundle, port), ...servers, ''].join('\n'));
    return ['-db', '-f', config];
  },
};

function head(bundle: string, port: number): string[] {
  return [
    'global',
    '  nbthread 1',
    '  maxconn 8000',
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
  ];
}
