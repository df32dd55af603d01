// Stands where an apiserver would, and writes down what reaches it: over HTTP/2, HTTP/1.1, and as
// an upgrade.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Pki } from '../../../tools/pki.ts';

export interface Recorded {
  readonly path: string;
  /** As they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** Whom the connection proves to be, '' for nobody. */
  readonly certificate: string;
}

export interface RecordingBackend {
  readonly url: string;
  /** Everything but health checks, since the last call. */
  take(): Recorded[];
  close(): Promise<void>;
}

export async function startRecordingBackend(pki: Pki): Promise<RecordingBackend> {
  let recorded: Recorded[] = [];
  const sockets = new Set<TLSSocket>();
  const record = (request: IncomingMessage | Http2ServerRequest, certificate: string): void => {
    recorded.push({
      path: request.url ?? '',
      fields: pairs(request.rawHeaders),
      trailers: pairs(request.rawTrailers),
      certificate,
    });
  };
  const server = createSecureServer(
    {
      cert: pki.apiserver.cert,
      key: pki.apiserver.key,
      ca: pki.frontProxyCa.cert,
      requestCert: true,
      rejectUnauthorized: false,
      allowHTTP1: true,
    },
    (request, response) => {
      const certificate = provenName(request.socket);
      request.resume();
      // Trailers are there at the end only.
      request.on('end', () => {
        if (request.url !== '/readyz') record(request, certificate);
        response.end('recorded');
      });
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: TLSSocket) => {
    record(request, provenName(socket));
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\nConnection: close\r\n\r\nrecorded');
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = recorded;
      recorded = [];
      return taken;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function provenName(socket: Socket): string {
  return String((socket as TLSSocket).getPeerCertificate().subject?.CN ?? '');
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as const] : []));
}
