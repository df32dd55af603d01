// The one port: accepts TLS, finds out who the client is, and gives the connection to HTTP/2 or
// HTTP/1.1. Keeps time for connections; requests have their own.
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { createHttp1Front, type Http1Front } from './http1/front.ts';
import type { UpgradeRequest } from './http1/upgrade.ts';
import { Connection } from './http2/connection.ts';
import { defaultFloodLimits } from './http2/flood-guard.ts';
import type { HeaderList } from './http2/header-list.ts';
import type { MessageStream } from './http2/message-stream.ts';
import type { WriteBuffers } from './http2/write-buffers.ts';
import { identityFromCertificate } from './identity/certificate-identity.ts';
import { Client } from './identity/client.ts';
import type { PresentedCertificate } from './identity/identity-class.ts';

export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Asks for client certificates and verifies them against this; undefined: does not ask. */
  readonly clientCaPem: string | undefined;
  readonly sendUid: boolean;
  readonly limits: ListenerLimits;
  readonly nowMs: () => number;
  readonly writeBuffers: WriteBuffers;
  readonly events: ListenerEvents;
}

export interface ListenerLimits {
  readonly connections: number;
  readonly streamsPerConnection: number;
  readonly resetsPerSecond: number;
  readonly headerBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly headerTimeoutMs: number;
  readonly idleUploadMs: number;
  readonly stalledResponseMs: number;
  readonly idleConnectionMs: number;
}

export interface ListenerEvents {
  onRequest(stream: MessageStream, client: Client, headers: HeaderList, endStream: boolean): void;
  onOversizedRequest(stream: MessageStream, client: Client): void;
  onUpgrade(request: UpgradeRequest, client: Client): void;
  /** A connection was refused before it could ask for anything. */
  onRejected(reason: 'limit' | 'handshake', detail: string): void;
  /** The door itself failed on a connection, which is ended. */
  onBug(error: unknown): void;
  /** A connection was ended for what its client did. */
  onProtocolError(client: Client, detail: string): void;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

interface Accepted {
  readonly connection: Connection;
  idleSinceMs: number;
}

interface KeyPairPem {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const TCP_KEEPALIVE_MS = 30_000;
/** Silence after which a client with open streams is asked whether it is there, then given up. */
const PING_AFTER_SILENCE_MS = 30_000;
const GONE_AFTER_SILENCE_MS = 60_000;
/** Two seconds of the steady rate, and room for a client-go that cancels all of its watches. */
const RESET_BURST = 2000;

export class Listener {
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly http1: Http1Front;
  private readonly clients = new WeakMap<TLSSocket, Client>();
  private readonly accepted = new Set<Accepted>();
  /** By the client's address and port: the socket that is accepted is another one than the secure. */
  private readonly handshakes = new Map<string, NodeJS.Timeout>();
  private draining = false;

  constructor(options: ListenerOptions) {
    this.options = options;
    const { limits, events } = options;
    this.http1 = createHttp1Front({
      onRequest: (stream, headers, endStream, socket) =>
        events.onRequest(stream, this.clientOf(socket), headers, endStream),
      onUpgrade: (request) => events.onUpgrade(request, this.clientOf(request.socket)),
      limits: {
        maxHeaderBytes: limits.headerBytes,
        headersTimeoutMs: limits.headerTimeoutMs,
        keepAliveTimeoutMs: limits.idleConnectionMs,
        uploadIdleTimeoutMs: limits.idleUploadMs,
        stalledResponseMs: limits.stalledResponseMs,
      },
    });
    this.server = createServer({
      ...secureContext(options, options.clientCaPem),
      ALPNProtocols: ['h2', 'http/1.1'],
      requestCert: options.clientCaPem !== undefined,
      // An unverified certificate is answered with 401, as the apiserver does, and not by TLS.
      rejectUnauthorized: false,
    });
    this.server.maxConnections = limits.connections;
    this.server.on('drop', () => events.onRejected('limit', `${limits.connections} connections`));
    this.server.on('connection', (socket) => this.limitHandshake(socket));
    this.server.on('tlsClientError', (error, socket) => {
      socket.destroy();
      events.onRejected('handshake', error.message);
    });
    this.server.on('secureConnection', (socket) => this.accept(socket));
  }

  get http2Connections(): number {
    return this.accepted.size;
  }

  get http1Connections(): number {
    return this.http1.connections;
  }

  /** For connections that are accepted from now on; those that are open stay as they are. */
  useCertificates(pair: KeyPairPem, clientCaPem: string | undefined): void {
    this.server.setSecureContext(secureContext(pair, clientCaPem));
  }

  /** @returns the port, which is the system's choice for port 0 */
  async listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.server.once('error', reject);
    this.server.listen(this.options.port, this.options.address, resolve);
    await promise;
    this.server.off('error', reject);
    return (this.server.address() as AddressInfo).port;
  }

  /** Looks at every connection; to be called about once a second. */
  sweep(): void {
    const nowMs = this.options.nowMs();
    for (const accepted of this.accepted) this.sweepOne(accepted, nowMs);
  }

  /** Takes nothing new; connections end with their last request. */
  drain(): void {
    this.draining = true;
    this.server.close();
    this.http1.drain();
    for (const { connection } of this.accepted) connection.shutdown();
  }

  /** Ends every connection now. */
  close(): void {
    this.drain();
    this.http1.destroy();
    for (const { connection } of this.accepted) connection.close('the front door closes');
  }

  /**
   * From the first packet to the last. Node's own timeout begins anew with each byte, and when it is
   * over Node says so and leaves the connection open.
   */
  private limitHandshake(socket: Socket): void {
    const { limits, events } = this.options;
    const peer = peerOf(socket);
    const timer = setTimeout(() => {
      this.handshakes.delete(peer);
      socket.destroy();
      events.onRejected('handshake', 'the handshake took too long');
    }, limits.handshakeTimeoutMs);
    this.handshakes.set(peer, timer);
    socket.once('close', () => this.endHandshake(peer, timer));
  }

  private endHandshake(peer: string, timer = this.handshakes.get(peer)): void {
    clearTimeout(timer);
    // Another connection may have the same port by now.
    if (this.handshakes.get(peer) === timer) this.handshakes.delete(peer);
  }

  private accept(socket: TLSSocket): void {
    this.endHandshake(peerOf(socket));
    // Errors come before 'close', which is what is acted on.
    socket.on('error', () => {});
    const protocol = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
    const client = new Client(socket.remoteAddress ?? '', protocol, this.presented(socket));
    socket.once('close', () => client.reads.close());
    if (protocol === 'http/1.1') {
      this.clients.set(socket, client);
      this.http1.serve(socket);
    } else {
      this.acceptHttp2(socket, client);
    }
  }

  private acceptHttp2(socket: TLSSocket, client: Client): void {
    const { limits, nowMs, writeBuffers, events } = this.options;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    const connection = new Connection(
      socket,
      {
        role: 'server',
        maxConcurrentStreams: limits.streamsPerConnection,
        maxHeaderListBytes: limits.headerBytes,
        floodLimits: {
          ...defaultFloodLimits,
          resets: { burst: RESET_BURST, perSecond: limits.resetsPerSecond },
        },
        nowMs,
        writeBuffers,
      },
      {
        onRequest: (stream, headers, end) => events.onRequest(stream, client, headers, end),
        onOversizedRequest: (stream) => events.onOversizedRequest(stream, client),
        onCapacity() {},
        onBug: (error) => events.onBug(error),
        onClose: (detail, peerFault) => {
          this.accepted.delete(accepted);
          if (peerFault) events.onProtocolError(client, detail);
        },
      },
    );
    const accepted = { connection, idleSinceMs: nowMs() };
    this.accepted.add(accepted);
    if (this.draining) connection.shutdown();
  }

  private clientOf(socket: TLSSocket): Client {
    return this.clients.get(socket) ?? new Client('', 'http/1.1', 'invalid');
  }

  private presented(socket: TLSSocket): PresentedCertificate {
    if (this.options.clientCaPem === undefined) return undefined;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return undefined;
    if (!socket.authorized) return 'invalid';
    try {
      return identityFromCertificate(certificate, { sendUid: this.options.sendUid });
    } catch {
      // A subject that a direct connection refuses as well: requests are answered with 401.
      return 'invalid';
    }
  }

  private sweepOne(accepted: Accepted, nowMs: number): void {
    const { connection } = accepted;
    const { limits } = this.options;
    const silentMs = nowMs - connection.lastReadAtMs;
    connection.endStalled(limits.stalledResponseMs);
    if (nowMs - (connection.owedSinceMs ?? nowMs) > limits.headerTimeoutMs) {
      connection.close('a frame or header did not arrive in time');
    } else if (connection.openStreams === 0) {
      if (nowMs - accepted.idleSinceMs > limits.idleConnectionMs) connection.shutdown();
    } else {
      accepted.idleSinceMs = nowMs;
      if (silentMs > GONE_AFTER_SILENCE_MS) connection.destroy('the client does not answer');
      else if (silentMs > PING_AFTER_SILENCE_MS) connection.ping(() => {});
    }
  }
}

function secureContext({ certificatePem, keyPem }: KeyPairPem, clientCaPem: string | undefined) {
  const ca = clientCaPem === undefined ? {} : { ca: clientCaPem };
  return { cert: certificatePem, key: keyPem, minVersion: 'TLSv1.2' as const, ...ca };
}
