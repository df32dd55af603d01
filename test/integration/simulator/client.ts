// A small Kubernetes client for tests: HTTP/2 on node:http2, one session per call of connectTo, so
// that a test decides which requests share a connection.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Pki } from '../../../tools/pki.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: Body | undefined;
}

/** Just enough of any Kubernetes body for tests to read without casts. */
export interface Body {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: Readonly<Record<string, unknown>> & {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly items?: readonly Body[];
  readonly [field: string]: unknown;
}

export interface Request {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Body;
}

/** Certificate and key of a client, or none at all. */
export type Credentials = { readonly cert: string; readonly key: string } | 'none';

/** Opens an HTTP/2 connection. The caller closes it. */
export async function connectTo(
  url: string,
  pki: Pki,
  credentials: Credentials = pki.admin,
): Promise<ClientHttp2Session> {
  const session = connect(url, {
    ca: pki.clusterCa.cert,
    ...(credentials === 'none' ? {} : { cert: credentials.cert, key: credentials.key }),
  });
  // Tests break connections on purpose; what they expect of it is asserted elsewhere.
  session.on('error', () => session.destroy());
  await once(session, 'connect');
  return session;
}

/** One request and its whole answer. */
export async function send(session: ClientHttp2Session, request: Request): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body } = request;
  const stream = session.request({
    ':method': method,
    ':path': path,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  });
  stream.end(body === undefined ? undefined : asText(body));
  const [received] = await once(stream, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return {
    status: Number(received[':status']),
    headers: received,
    text,
    body: parsed(text),
  };
}

/** Text bodies and streams of several documents are no single JSON value. */
function parsed(text: string): Body | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asText(body: unknown): string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
}

/** A watch and everything that it has said so far. */
export interface TestWatch {
  readonly events: readonly WatchEvent[];
  /** Resolves with the first event, past or future, that satisfies. */
  next(satisfies: (event: WatchEvent) => boolean): Promise<WatchEvent>;
  /** Resolves with how the stream ended: 0 is END_STREAM, else the code of the reset. */
  readonly ended: Promise<number>;
  cancel(): void;
}

/** Opens a watch in JSON; resolves when its head has come. */
export async function watch(session: ClientHttp2Session, path: string): Promise<TestWatch> {
  const stream = session.request({ ':path': path });
  const events: WatchEvent[] = [];
  const waiting: { satisfies: (event: WatchEvent) => boolean; found: (e: WatchEvent) => void }[] =
    [];
  const ended = Promise.withResolvers<number>();
  let buffered = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (buffered + text).split('\n');
    buffered = lines.pop() ?? '';
    for (const line of lines) {
      const event: WatchEvent = JSON.parse(line);
      events.push(event);
      for (const { satisfies, found } of waiting) if (satisfies(event)) found(event);
    }
  });
  stream.on('error', () => {});
  stream.on('close', () => ended.resolve(stream.readableEnded ? 0 : (stream.rstCode ?? -1)));
  await once(stream, 'response');
  return {
    events,
    ended: ended.promise,
    cancel: () => stream.close(8),
    next: (satisfies) => {
      const past = events.find(satisfies);
      if (past) return Promise.resolve(past);
      const { promise, resolve } = Promise.withResolvers<WatchEvent>();
      waiting.push({ satisfies, found: resolve });
      return promise;
    },
  };
}
