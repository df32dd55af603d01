// One HTTP/2 connection as Go's transport keeps it: dialled when it is needed, shared by all
// requests of its client, and dialled again after it is gone.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';

/** Where to connect, and as whom. All texts are PEM. */
export interface ApiTarget {
  readonly url: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The replica at the other end of a connection from this port; undefined when nobody knows. */
  readonly replicaOf: (localPort: number) => string | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
}

export interface ApiAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: string;
  readonly replica: string | undefined;
}

/**
 * Why there is no whole answer. refused: nobody listens. lost: the connection ended. reset: this
 * stream alone was reset. timeout: nothing came for ten seconds.
 */
export type TransportFailure = 'refused' | 'lost' | 'reset' | 'timeout';

export class TransportError extends Error {
  readonly failure: TransportFailure;

  constructor(message: string, options: { failure: TransportFailure; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'TransportError';
    this.failure = options.failure;
  }
}

/** The start of an answer whose body follows. */
export interface OpenStream {
  readonly stream: ClientHttp2Stream;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly replica: string | undefined;
  /** Rejects with a TransportError unless the stream ends with END_STREAM. */
  readonly ended: Promise<void>;
}

const SILENCE_LIMIT_MS = 10_000;
const CANCEL = 8;

export class ApiConnection {
  readonly #target: ApiTarget;
  #session: ClientHttp2Session | undefined;
  #dialling: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(target: ApiTarget) {
    this.#target = target;
  }

  /** Connects now instead of at the first request. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  /** A request and its whole answer. Throws a TransportError. */
  async send(request: ApiRequest): Promise<ApiAnswer> {
    const open = await this.open(request, SILENCE_LIMIT_MS);
    const chunks: Buffer[] = [];
    open.stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await open.ended;
    const { status, retryAfterSeconds, replica } = open;
    return { status, retryAfterSeconds, replica, body: Buffer.concat(chunks).toString() };
  }

  /** Resolves with the head of the answer. `silenceLimitMs` 0 waits for ever, as a watch must. */
  async open(request: ApiRequest, silenceLimitMs = 0): Promise<OpenStream> {
    const session = await this.#connected();
    const stream = session.request(
      {
        ':method': request.method,
        ':path': request.path,
        accept: 'application/json',
        'user-agent': 'evenkeel-demo',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      { endStream: request.body === undefined },
    );
    if (request.body !== undefined) stream.end(JSON.stringify(request.body));
    const replica = this.#target.replicaOf(session.socket.localPort ?? 0);
    const ended = whenEnded(stream, session, silenceLimitMs);
    // Whoever only reads the head need not look at the end.
    ended.catch(() => undefined);
    return new Promise((resolve, reject) => {
      stream.once('response', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader) => {
        const after = headers['retry-after'];
        resolve({
          stream,
          status: headers[':status'] ?? 0,
          retryAfterSeconds: after === undefined ? undefined : Number(after),
          replica,
          ended,
        });
      });
      ended.catch(reject);
    });
  }

  /** Ends the connection for good; what is open on it fails. */
  close(): void {
    this.#closed = true;
    this.#session?.destroy();
  }

  async #connected(): Promise<ClientHttp2Session> {
    const session = this.#session;
    // After a GOAWAY a session is closed but not yet destroyed: its last streams may finish.
    if (session && !session.closed && !session.destroyed) return session;
    this.#dialling ??= this.#dial().finally(() => {
      this.#dialling = undefined;
    });
    return this.#dialling;
  }

  #dial(): Promise<ClientHttp2Session> {
    const { url, ca, cert, key } = this.#target;
    const session = connect(url, { ca, cert, key });
    this.#session = session;
    if (this.#closed) session.destroy();
    return new Promise((resolve, reject) => {
      let error: NodeJS.ErrnoException | undefined;
      session.once('connect', () => resolve(session));
      session.on('error', (cause) => {
        error = cause;
      });
      session.once('close', () => {
        const failure = error?.code === 'ECONNREFUSED' ? 'refused' : 'lost';
        const what = error?.message ?? 'the connection was closed';
        reject(new TransportError(`connect ${url}: ${what}`, { failure, cause: error }));
      });
    });
  }
}

function whenEnded(
  stream: ClientHttp2Stream,
  session: ClientHttp2Session,
  silenceLimitMs: number,
): Promise<void> {
  let timedOut = false;
  if (silenceLimitMs > 0) {
    stream.setTimeout(silenceLimitMs, () => {
      timedOut = true;
      stream.close(CANCEL);
    });
  }
  return new Promise((resolve, reject) => {
    // How it went is seen at the close, where the cause is known as well.
    stream.on('error', () => undefined);
    stream.once('close', () => {
      if (stream.rstCode === 0 && stream.readableEnded) resolve();
      else if (timedOut) reject(new TransportError('no answer', { failure: 'timeout' }));
      else if (session.destroyed)
        reject(new TransportError('the connection was lost', { failure: 'lost' }));
      else reject(new TransportError(`stream reset, code ${stream.rstCode}`, { failure: 'reset' }));
    });
  });
}
