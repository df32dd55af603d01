// The HTTP/2 connections of the swarm, on each of which many watchers have their streams. One that
// is gone is opened again by whoever needs it next.
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { ClusterAccess } from '../kubeconfig.ts';

/** How client-go notices dead connections: apimachinery pkg/util/net/http.go. */
const READ_IDLE_MS = 30_000;
const PING_LIMIT_MS = 15_000;

export interface SwarmRequest {
  readonly method?: string;
  /** With its query. */
  readonly path: string;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string;
}

/** How a stream is over. */
export interface StreamEnd {
  /** Undefined without an answer. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** The server's clean end, its reset of this stream, or the loss of the connection. */
  readonly how: 'clean' | 'reset' | 'refused' | 'connection';
  /** What the system or TLS says of it, such as ECONNREFUSED. */
  readonly code?: string | undefined;
}

export interface StreamSink {
  head?(status: number): void;
  data(chunk: Buffer): void;
  /** Exactly once, unless the stream was cancelled. */
  end(end: StreamEnd): void;
}

interface Connection {
  readonly session: ClientHttp2Session;
  heardAtMs: number;
  pinged: boolean;
}

export class Connections {
  readonly #access: ClusterAccess;
  readonly #open: (Connection | undefined)[] = [];

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  /** Sends on the connection of that number. Returns how to give it up without an `end`. */
  request(index: number, request: SwarmRequest, sink: StreamSink): () => void {
    const connection = this.#connection(index);
    try {
      return follow(this.#send(connection, request), connection, sink);
    } catch (error) {
      // What cannot even be sent, such as on a connection that ended just now, failed like the rest;
      // but not before the caller knows that it was begun.
      const { code } = error as NodeJS.ErrnoException;
      queueMicrotask(() =>
        sink.end({ status: undefined, retryAfterMs: undefined, how: 'connection', code }),
      );
      return () => undefined;
    }
  }

  #send({ session }: Connection, request: SwarmRequest): ClientHttp2Stream {
    const { token } = this.#access;
    const stream = session.request(
      {
        ':method': request.method ?? 'GET',
        ':path': request.path,
        accept: request.accept ?? 'application/json',
        'user-agent': 'evenkeel-load/swarm',
        ...(request.contentType === undefined ? {} : { 'content-type': request.contentType }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      { endStream: request.body === undefined },
    );
    if (request.body !== undefined) stream.end(request.body);
    return stream;
  }

  /** Finds connections that went silent. To be called now and then. */
  sweep(nowMs: number): void {
    for (const connection of this.#open) {
      if (connection === undefined || connection.session.destroyed) continue;
      const idleMs = nowMs - connection.heardAtMs;
      if (idleMs > READ_IDLE_MS + PING_LIMIT_MS) {
        connection.session.destroy(new Error('connection lost: no answer to a ping'));
      } else if (idleMs > READ_IDLE_MS && !connection.pinged) {
        connection.pinged = true;
        connection.session.ping(() => {
          connection.pinged = false;
          connection.heardAtMs = performance.now();
        });
      }
    }
  }

  close(): void {
    for (const connection of this.#open) connection?.session.destroy();
    this.#open.length = 0;
  }

  #connection(index: number): Connection {
    const existing = this.#open[index];
    // After a GOAWAY the old streams go on, and new ones need a new connection.
    if (existing && !existing.session.destroyed && !existing.session.closed) return existing;
    const { server, caPem, certificate } = this.#access;
    const session = connect(server, {
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(certificate === undefined ? {} : { cert: certificate.certPem, key: certificate.keyPem }),
    });
    const opened: Connection = {
      session,
      heardAtMs: performance.now(),
      pinged: false,
    };
    // Told to the streams too, and from there to whoever waits for them.
    session.on('error', () => undefined);
    // Each stream has a listener of its own on its connection.
    session.setMaxListeners(0);
    this.#open[index] = opened;
    return opened;
  }
}

function follow(stream: ClientHttp2Stream, connection: Connection, sink: StreamSink): () => void {
  let status: number | undefined;
  let retryAfterMs: number | undefined;
  let cancelled = false;
  let errored: NodeJS.ErrnoException | undefined;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
    const retryAfter = Number(headers['retry-after']);
    if (headers['retry-after'] !== undefined && retryAfter >= 0) retryAfterMs = retryAfter * 1000;
    connection.heardAtMs = performance.now();
    if (!cancelled) sink.head?.(status);
  });
  stream.on('data', (chunk: Buffer) => {
    connection.heardAtMs = performance.now();
    if (!cancelled) sink.data(chunk);
  });
  stream.on('error', (error) => {
    errored = error;
  });
  stream.on('close', () => {
    if (cancelled) return;
    // The loss of a connection is told to its streams first, as the cause of their cancellation.
    const { code } = (errored?.cause ?? errored ?? {}) as NodeJS.ErrnoException;
    sink.end({ status, retryAfterMs, how: describeEnd(stream, connection.session, code), code });
  });
  return () => {
    cancelled = true;
    stream.close(8); // CANCEL, RFC 9113 section 7.
  };
}

function describeEnd(
  stream: ClientHttp2Stream,
  session: ClientHttp2Session,
  code: string | undefined,
): StreamEnd['how'] {
  if (code === 'ECONNREFUSED') return 'refused';
  if (stream.readableEnded && stream.rstCode === 0) return 'clean';
  if (session.destroyed || stream.rstCode === 0) return 'connection';
  return 'reset';
}
