import { connect, type TLSSocket } from 'node:tls';
import { Connection } from '../http2/connection.ts';
import type { WriteBuffers } from '../http2/write-buffers.ts';
import { SignsOfLife, type SilencePolicy } from './signs-of-life.ts';

export interface PoolTls {
  readonly ca: string | Buffer;
  /** The front-proxy certificate; only connections for certificate identities have it. */
  readonly certificate?: { readonly cert: string | Buffer; readonly key: string | Buffer };
}

export interface PoolOptions {
  readonly host: string;
  readonly port: number;
  /** Name to ask for and to verify; without it the host is verified. */
  readonly serverName?: string;
  /** Asked for each connection, since certificates are renewed while the door is open. */
  readonly tls: () => PoolTls;
  readonly connectTimeoutMs: number;
  readonly silence: SilencePolicy;
  /**
   * Streams after which another connection is opened although this one has room, and the number of
   * connections up to which that is done: one GOAWAY or lost packet then holds up fewer.
   */
  readonly spreadStreams: number;
  readonly spreadConnections: number;
  readonly nowMs: () => number;
  readonly writeBuffers: WriteBuffers;
  /** The door itself failed on a connection, which is ended. */
  onBug(error: unknown): void;
  /** Whether one more connection is within the endpoint's bound. */
  mayConnect(): boolean;
  /** A connection with open streams does not answer; told again at each sweep. */
  onSilent(connection: Connection): void;
  /** A connection could not be made (`refused`), or broke without a GOAWAY. */
  onFailure(detail: string, refused: boolean): void;
}

// An apiserver is a neighbour: a dead one is noticed by PING long before TCP would.
const TCP_KEEPALIVE_MS = 30_000;
/** An idle connection is closed after this long, all but one. */
const IDLE_CLOSE_MS = 60_000;

/** The HTTP/2 connections to one endpoint that share an identity class and a purpose. */
export class ConnectionPool {
  private readonly options: PoolOptions;
  /** Those that may take new streams. */
  private connections: Connection[] = [];
  /** All that are open, with those that only finish what they have. */
  private readonly open = new Set<Connection>();
  private readonly signs: SignsOfLife;
  private session: Buffer | undefined;
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.signs = new SignsOfLife(options.silence);
  }

  /** Connections that are open. */
  get size(): number {
    return this.open.size;
  }

  /** The connection to open the next stream on, or undefined when there is no place. */
  acquire(): Connection | undefined {
    if (this.closed) return undefined;
    const least = this.leastLoaded();
    const { spreadStreams, spreadConnections } = this.options;
    const spread =
      least === undefined ||
      (least.openStreams >= spreadStreams && this.connections.length < spreadConnections);
    return spread && this.options.mayConnect() ? this.connect() : least;
  }

  /**
   * Asks silent connections for a sign of life, and drops those that gave none.
   * @param awakeSinceMs silence before then was our own; see StallGuard
   */
  sweep(awakeSinceMs: number): void {
    const nowMs = this.options.nowMs();
    let idleKept = 0;
    for (const connection of [...this.open]) {
      if (connection.openStreams === 0) {
        idleKept += 1;
        const idleMs = nowMs - connection.lastReadAtMs;
        if (this.closed || (idleMs > IDLE_CLOSE_MS && idleKept > 1)) connection.shutdown();
      }
      const verdict = this.signs.judge(connection, nowMs, awakeSinceMs);
      if (verdict === 'ask') connection.ping((ms) => this.signs.answered(connection, ms));
      else if (verdict === 'suspect') this.options.onSilent(connection);
      else if (verdict === 'dead') connection.destroy('no answer to a PING');
    }
  }

  /**
   * No new streams; each connection ends after its last one, at this or a later sweep. A GOAWAY
   * before that would be legal, and one more thing that an endpoint may do wrong to its watches.
   */
  drain(): void {
    this.closed = true;
    for (const connection of [...this.open]) {
      if (connection.openStreams === 0) connection.shutdown();
    }
  }

  /** Ends all connections now. */
  close(detail: string): void {
    this.closed = true;
    for (const connection of [...this.open]) connection.close(detail);
  }

  private leastLoaded(): Connection | undefined {
    let best: Connection | undefined;
    for (const connection of this.connections) {
      if (connection.capacity <= 0) continue;
      if (best === undefined || connection.openStreams < best.openStreams) best = connection;
    }
    return best;
  }

  private connect(): Connection {
    const { options } = this;
    const { ca, certificate } = options.tls();
    const socket = connect({
      host: options.host,
      port: options.port,
      ca,
      ...certificate,
      ...(options.serverName === undefined ? {} : { servername: options.serverName }),
      ...(this.session === undefined ? {} : { session: this.session }),
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.2',
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    const progress = { established: false, told: false };
    const connection = new Connection(
      socket,
      { role: 'client', nowMs: options.nowMs, writeBuffers: options.writeBuffers },
      {
        onRequest() {},
        onOversizedRequest() {},
        onBug: options.onBug,
        onCapacity: () => {
          if (connection.accepting) return;
          progress.told = true;
          this.retire(connection);
        },
        onClose: (detail) => {
          this.retire(connection);
          this.open.delete(connection);
          if (!this.closed && !progress.told) options.onFailure(detail, !progress.established);
        },
      },
    );
    this.connections.push(connection);
    this.open.add(connection);
    this.watchHandshake(socket, connection, progress);
    return connection;
  }

  private watchHandshake(
    socket: TLSSocket,
    connection: Connection,
    progress: { established: boolean },
  ): void {
    const { connectTimeoutMs } = this.options;
    const timer = setTimeout(
      () => connection.destroy(`no connection within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    socket.once('close', () => clearTimeout(timer));
    socket.on('session', (session: Buffer) => {
      this.session = session;
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      if (socket.alpnProtocol === 'h2') progress.established = true;
      else connection.destroy('the endpoint does not speak HTTP/2 (ALPN h2)');
    });
  }

  /** Takes a connection out of use; it ends by itself with its last stream. */
  private retire(connection: Connection): void {
    this.connections = this.connections.filter((other) => other !== connection);
  }
}
