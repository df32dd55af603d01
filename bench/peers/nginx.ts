import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, Place } from './peer.ts';

/** One process. It speaks HTTP/1.1 to its backends, over connections that are kept. */
export const nginx: Peer = {
  name: 'nginx',
  program: 'nginx',
  versionArguments: ['-v'],
  upstreamProtocol: 'http/1.1',
  async prepare(place: Place): Promise<readonly string[]> {
    await mkdir(join(place.directory, 'nginx'), { recursive: true });
    const config = join(place.directory, 'nginx.conf');
    await writeFile(config, configOf(place));
    return ['-p', place.directory, '-c', config];
  },
};

function configOf({ directory, pki, port, upstreams }: Place): string {
  const servers = upstreams.map(({ host, port: to }) => `server ${host}:${to};`).join(' ');
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/nginx/${kind};`)
    .join('\n  ');
  // One process, as a worker would outlive a master that is killed. Without limits so high it would
  // close connections in the middle of a run, and what it saves on them would be on nobody's bill.
  // Left alone it takes TLS 1.2 where all others take 1.3.
  return `daemon off;
master_process off;
worker_rlimit_nofile 60000;
pid ${directory}/nginx.pid;
error_log stderr crit;
events { worker_connections 50000; }
http {
  ${folders}
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 1h;
  http2_max_concurrent_streams 250;
  client_max_body_size 16m;
  upstream apiservers { least_conn; ${servers} keepalive 1000; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${pki.door.certPath};
    ssl_certificate_key ${pki.door.keyPath};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass https://apiservers;
      proxy_ssl_protocols TLSv1.2 TLSv1.3;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`;
}
