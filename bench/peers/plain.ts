import { fileURLToPath } from 'node:url';
import type { Peer, Place } from './peer.ts';

/** See plain-node.ts. */
export const plainNode: Peer = {
  name: 'node:http2 + undici',
  program: process.execPath,
  upstreamProtocol: 'h2',
  prepare({ pki, port, upstreams }: Place): Promise<readonly string[]> {
    const urls = upstreams.map(({ host, port: to }) => `https://${host}:${to}`);
    return Promise.resolve([
      fileURLToPath(new URL('plain-node.ts', import.meta.url)),
      `--port=${port}`,
      `--cert=${pki.door.certPath}`,
      `--key=${pki.door.keyPath}`,
      `--upstreams=${urls.join(',')}`,
    ]);
  },
};
