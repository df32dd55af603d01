// An upstream that speaks HTTP/1.1 over TLS byte by byte, so that a test decides each answer.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { UpgradeTarget } from '../../../../../proxy/http1/upgrade.ts';
import type { HeaderList } from '../../../../../proxy/http2/header-list.ts';
import type { Pki } from '../../../../../tools/pki.ts';
import { Arrivals, until } from './arrivals.ts';

export interface BackendConnection {
  readonly socket: TLSSocket;
  /** Everything received, one character a byte. */
  readonly received: string;
  expectText(pattern: RegExp): Promise<string>;
}

export interface UpgradeBackend {
  readonly port: number;
  readonly connections: Arrivals<BackendConnection>;
  /** Connections that are open. */
  readonly open: number;
  /** A target on this backend with these fields besides the usual ones. */
  target(headers: HeaderList): UpgradeTarget;
  close(): Promise<void>;
}

export async function openBackend(pki: Pki): Promise<UpgradeBackend> {
  const connections = new Arrivals<BackendConnection>();
  const sockets = new Set<TLSSocket>();
  const { cert, key } = pki.apiserver;
  const server = createServer(
    { cert, key, ca: pki.frontProxyCa.cert, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      sockets.add(socket);
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      connections.push({
        socket,
        get received() {
          return received;
        },
        expectText: async (pattern) => {
          await until(`${pattern} in ${JSON.stringify(received)}`, () => pattern.test(received));
          return received;
        },
      });
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connections,
    get open() {
      return sockets.size;
    },
    target: (headers) => ({
      url: `https://127.0.0.1:${port}`,
      headers,
      tls: { ca: pki.clusterCa.cert, cert: pki.frontProxy.cert, key: pki.frontProxy.key },
    }),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
