// HTTP/1.1 clients of the one port: node:http parses and frames on TLS sockets that were accepted
// elsewhere, and every request becomes a MessageStream.
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type ConnectionContext, Http1Connection } from './connection.ts';
import { type Http1Limits, http1Defaults } from './limits.ts';

// A dead client is noticed after this much silence and nine unanswered probes.
const TCP_KEEPALIVE_MS = 30_000;

export interface Http1FrontOptions {
  /** Takes over a request: sets `stream.listener` before it returns. */
  readonly onRequest: ConnectionContext['onRequest'];
  /** Takes over an upgrade request and its socket. */
  readonly onUpgrade: ConnectionContext['onUpgrade'];
  readonly limits?: Partial<Http1Limits>;
}

export interface Http1Front {
  /** Takes over an accepted TLS socket whose ALPN is `http/1.1` or none. */
  serve(socket: TLSSocket): void;
  /** From now on every response is the last of its connection; idle connections are closed. */
  drain(): void;
  /** Closes the connections that have no request. */
  closeIdle(): void;
  /** Ends every connection at once. Upgraded ones are not here any more. */
  destroy(): void;
  /** Open connections, without the upgraded ones. */
  readonly connections: number;
}

/** Makes the front. It does not listen. */
export function createHttp1Front(options: Http1FrontOptions): Http1Front {
  const limits = { ...http1Defaults, ...options.limits };
  const { onRequest, onUpgrade } = options;
  const connections = new Map<Duplex, Http1Connection>();
  const context = { onRequest, onUpgrade, limits, draining: false };
  const server = createParser(limits, connections);
  const closeIdle = (): void => {
    for (const connection of connections.values()) connection.closeIdle();
  };

  return {
    serve(socket) {
      // Its 'close' has passed or is on its way.
      if (socket.destroyed) return;
      connections.set(socket, new Http1Connection(socket, context));
      socket.once('close', () => connections.delete(socket));
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      server.emit('connection', socket);
    },
    drain() {
      context.draining = true;
      closeIdle();
    },
    closeIdle,
    destroy() {
      // Stops the timer of the header timeout; there is no listening socket to close.
      server.close();
      for (const connection of connections.values()) connection.socket.destroy();
    },
    get connections() {
      return connections.size;
    },
  };
}

/** A node:http server that only parses, and tells the connection that a message belongs to. */
function createParser(limits: Http1Limits, connections: Map<Duplex, Http1Connection>): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // A watch or an exec has no end; a stalled upload is ended by its own timer.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.max(50, Math.min(5000, limits.headersTimeoutMs / 4)),
    // Checked in request-head.ts, so that the answer is a Status.
    requireHostHeader: false,
    insecureHTTPParser: false,
    // A malformed upgrade is refused as any other request.
    shouldUpgradeCallback: (message) =>
      connections.get(message.socket)?.mayUpgrade(message) ?? false,
  });
  // Node drops fields above its limit without a word. One more than ours shows that there were.
  server.maxHeadersCount = limits.maxHeaderFields + 1;
  server.maxRequestsPerSocket = 0;
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    server.on(event, (message, response) => {
      connections.get(message.socket)?.onMessage(message, response);
    });
  }
  server.on('upgrade', (message, socket, head) => {
    const connection = connections.get(message.socket);
    connections.delete(message.socket);
    if (connection === undefined) socket.destroy();
    else connection.onUpgrade(message, head);
  });
  server.on('connect', (message, socket) => {
    const connection = connections.get(message.socket);
    if (connection === undefined) socket.destroy();
    else connection.onConnect();
  });
  server.on('clientError', (error, socket) => {
    const connection = connections.get(socket);
    if (connection === undefined) socket.destroy();
    else connection.onClientError(error);
  });
  // Without a listening socket Node starts its header timeout only at this event.
  server.emit('listening');
  return server;
}
