// TLS, and behind it HTTP/2 or HTTP/1.1 by ALPN. Each life of a replica has a server of its own.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Pki } from '../tools/pki.ts';
import { PeerReader } from './authentication.ts';
import type { Handler } from './handler.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { serveHttp2 } from './http2-exchange.ts';
import type { Peer } from './identity.ts';

export interface TlsServerOptions {
  readonly pki: Pki;
  readonly maxConcurrentStreams: number;
  readonly handler: Handler;
}

/** What a replica needs of its running server. */
export interface TlsServer {
  readonly port: number;
  /** GOAWAY on every HTTP/2 connection, and idle HTTP/1.1 ones are closed: requests finish. */
  drain(): void;
  /** Stops listening and drops every connection. */
  destroy(): void;
}

// Go's idle timeout; client-go keeps a connection for 90 s and must not meet a closed one.
const KEEP_ALIVE_MS = 180_000;

/** Starts on a free loopback port; only the gate connects to it. */
export async function startTlsServer({
  pki,
  maxConcurrentStreams,
  handler,
}: TlsServerOptions): Promise<TlsServer> {
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const peers = new WeakMap<object, Peer>();
  const reader = new PeerReader({
    clusterCa: pki.clusterCa.cert,
    frontProxyCa: pki.frontProxyCa.cert,
  });
  const http1 = createHttp1Server(handler, peers);
  const server = createServer({
    cert: pki.apiserver.cert,
    key: pki.apiserver.key,
    ca: [pki.clusterCa.cert, pki.frontProxyCa.cert],
    requestCert: true,
    // A bad certificate is a 401 with a body, not a failed handshake, as with kube-apiserver.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
    // A resumed session would have to be trusted to hold the certificate that was checked.
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket: TLSSocket) => {
    const peer = reader.read(socket);
    peers.set(socket, peer);
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol !== 'h2') {
      http1.emit('connection', socket);
      return;
    }
    const session = serveHttp2(socket, peer, {
      maxConcurrentStreams,
      // handle() catches everything itself.
      onExchange: (exchange) => void handler.handle(exchange),
    });
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    drain: () => {
      for (const session of sessions) session.close();
      http1.closeIdleConnections();
    },
    destroy: () => {
      server.close();
      http1.close();
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const NO_PEER: Peer = { certificate: 'none' };

function createHttp1Server(handler: Handler, peers: WeakMap<object, Peer>) {
  const server = createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
  server.on('request', (request, response) => {
    const peer = peers.get(request.socket) ?? NO_PEER;
    void handler.handle(new Http1Exchange(request, response, peer));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('upgrade', (request, socket, head) => {
    const peer = peers.get(request.socket) ?? NO_PEER;
    socket.on('error', () => socket.destroy());
    // Until a 101 is written this is a request like any other, so a refusal needs a response.
    const response = new ServerResponse(request);
    response.assignSocket(request.socket);
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.end());
    const exchange = new Http1Exchange(request, response, peer);
    void handler.handle(exchange, Object.assign(exchange, { socket, head }));
  });
  return server;
}
