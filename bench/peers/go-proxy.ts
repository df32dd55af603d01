import type { Peer, Place } from './peer.ts';

/** One processor, backends in turn. */
export const goProxy: Peer = {
  name: 'Go ReverseProxy',
  program: 'go-proxy',
  environment: { GOMAXPROCS: '1' },
  upstreamProtocol: 'h2',
  prepare({ pki, port, upstreams }: Place): Promise<readonly string[]> {
    const urls = upstreams.map(({ host, port: to }) => `https://${host}:${to}`);
    return Promise.resolve([
      `-listen=127.0.0.1:${port}`,
      `-cert=${pki.door.certPath}`,
      `-key=${pki.door.keyPath}`,
      `-upstreams=${urls.join(',')}`,
    ]);
  },
};
