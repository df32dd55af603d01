// HTTP/2 requests as exchanges, on node:http2's core stream API: the compatibility layer adds a
// dozen listeners per request, which twenty thousand watches would all pay for.
import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { collectBody, type Exchange, type ResponseHeaders } from './exchange.ts';
import type { Peer } from './identity.ts';

export interface Http2Options {
  readonly maxConcurrentStreams: number;
  readonly onExchange: (exchange: Exchange) => void;
}

// nghttp2's own limit of 10 MB per session would refuse streams of a session with many watches.
const MAX_SESSION_MEMORY_MB = 256;
// Go's server allows a megabyte per connection and 256 KiB per stream; 64 KiB, the default here,
// would make each large upload wait for window updates.
const WINDOW_BYTES = 1024 * 1024;

/** Serves HTTP/2 on a TLS connection whose ALPN chose h2. */
export function serveHttp2(
  socket: TLSSocket,
  peer: Peer,
  { maxConcurrentStreams, onExchange }: Http2Options,
): ServerHttp2Session {
  const session = performServerHandshake(socket, {
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
    settings: { maxConcurrentStreams, initialWindowSize: WINDOW_BYTES },
  });
  session.on('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
  session.on('error', ignoreBrokenConnection);
  session.on('stream', (stream, headers, _flags, rawHeaders) => {
    stream.on('error', ignoreBrokenConnection);
    onExchange(new Http2Exchange(stream, headers, rawHeaders, peer));
  });
  return session;
}

/** Resets and dropped connections are what the simulator is made for: 'close' tells of them. */
function ignoreBrokenConnection(): void {
  // Nothing to do: the stream's 'close' follows.
}

class Http2Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly httpVersion = '2';
  readonly rawHeaders: readonly string[];
  readonly peer: Peer;
  readonly #stream: ServerHttp2Stream;
  #closing = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    peer: Peer,
  ) {
    this.#stream = stream;
    this.method = headers[':method'] ?? '';
    this.target = headers[':path'] ?? '';
    this.rawHeaders = rawHeaders;
    this.peer = peer;
  }

  readBody(maxBytes: number): Promise<Buffer> {
    return collectBody(this.#stream.iterator({ destroyOnReturn: false }), maxBytes);
  }

  respond(status: number, headers: ResponseHeaders, body: string | Buffer): void {
    const stream = this.#start(status, {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
    });
    stream.end(this.method === 'HEAD' ? undefined : body);
    // Whatever the client still sends is not read: RFC 9113, 8.1 asks for NO_ERROR then.
    stream.once('finish', () => {
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  open(status: number, headers: ResponseHeaders): Writable {
    return this.#start(status, headers);
  }

  closeConnection(): void {
    this.#closing = true;
  }

  #start(status: number, headers: ResponseHeaders): ServerHttp2Stream {
    const stream = this.#stream;
    if (stream.destroyed || stream.headersSent) return stream;
    stream.respond({ ':status': status, ...headers });
    // Go's server starts its GOAWAY when it writes the headers that say "Connection: close";
    // streams that are open by then end in their own time.
    if (this.#closing) stream.session?.close();
    return stream;
  }
}
