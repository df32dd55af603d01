// One request and its answer over HTTP/2 or HTTP/1.1, with Node's own clients, which share no code
// with the door. Everything that comes back is kept, so that two answers can be compared.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { Identity } from '../../../tools/kubeconfig.ts';

export type Protocol = 'h2' | 'http/1.1';

export interface Target {
  readonly url: string;
  readonly ca: string;
  readonly identity: Identity;
}

export interface RequestSpec {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer | undefined;
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case; several values of one name are one list. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | string[]>>;
  /** Statuses of the 1xx answers before. */
  readonly informational: readonly number[];
  /** `end`, or how it broke off. */
  readonly end: string;
}

const LIMIT_MS = 60_000;

/** Sends one request on a connection of its own. Rejects when there is no answer at all. */
export function exchange(protocol: Protocol, target: Target, spec: RequestSpec): Promise<Answer> {
  return protocol === 'h2' ? exchangeHttp2(target, spec) : exchangeHttp1(target, spec);
}

/** The HTTP/2 connection of a client; its user closes it. */
export async function openSession(target: Target): Promise<ClientHttp2Session> {
  const options = {
    ...tlsOptions(target),
    settings: { initialWindowSize: 4 * 1024 * 1024, enablePush: false },
    // Lets a test send a field twice. @types/node does not know it yet.
    strictSingleValueFields: false,
  };
  const session = connect(target.url, options);
  session.on('error', () => undefined);
  await once(session, 'connect');
  return session;
}

async function exchangeHttp2(target: Target, spec: RequestSpec): Promise<Answer> {
  const session = await openSession(target);
  try {
    return await exchangeOn(session, target, spec);
  } finally {
    session.destroy();
  }
}

/** Sends one request on an open connection. */
export async function exchangeOn(
  session: ClientHttp2Session,
  target: Target,
  spec: RequestSpec,
): Promise<Answer> {
  const { method = 'GET', body, trailers } = spec;
  const headers = { ':method': method, ':path': spec.path, ...allHeaders(target, spec) };
  const endStream = body === undefined && trailers === undefined;
  const stream = session.request(headers, { endStream, waitForTrailers: trailers !== undefined });
  const informational: number[] = [];
  let received: Answer['trailers'] = {};
  let end = 'end';
  stream.on('continue', () => informational.push(100));
  stream.on('headers', (early) => informational.push(Number(early[':status'])));
  stream.on('trailers', (fields) => {
    received = plainHeaders(fields);
  });
  stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers }));
  stream.on('error', (error) => {
    end = error.message;
  });
  stream.setTimeout(LIMIT_MS, () => stream.close(constants.NGHTTP2_CANCEL));
  if (!endStream) stream.end(body);
  const [response] = await Promise.race([
    once(stream, 'response'),
    once(stream, 'close').then(() => {
      throw new Error(`${method} ${spec.path}: closed without an answer: ${end}`);
    }),
  ]);
  const content = await collect(stream);
  if (end === 'end' && stream.rstCode !== 0) end = `reset ${stream.rstCode}`;
  return {
    status: Number(response[':status']),
    headers: plainHeaders(response),
    body: content,
    trailers: received,
    informational,
    end,
  };
}

async function exchangeHttp1(target: Target, spec: RequestSpec): Promise<Answer> {
  const { method = 'GET', trailers } = spec;
  const body = spec.body === undefined ? undefined : Buffer.from(spec.body);
  const headers = allHeaders(target, spec);
  const request = httpsRequest(`${target.url}/`, {
    ...tlsOptions(target),
    agent: false,
    method,
    path: spec.path,
    headers: { ...framing(body, trailers !== undefined), ...headers },
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const informational: number[] = [];
  request.on('continue', () => informational.push(100));
  request.on('information', ({ statusCode }) => informational.push(statusCode));
  if (trailers !== undefined) request.addTrailers({ ...trailers });
  request.end(body);
  const [response] = await once(request, 'response');
  // An answer may come before the body is sent, and end the connection.
  request.on('error', () => undefined);
  const content = await collect(response);
  return {
    status: response.statusCode,
    headers: plainHeaders(response.headers),
    body: content,
    trailers: response.trailers,
    informational,
    end: response.complete ? 'end' : 'cut',
  };
}

/** Left out by Node with GET and DELETE, so that the body would be read as the next request. */
function framing(body: Buffer | undefined, chunked: boolean): OutgoingHttpHeaders {
  if (chunked) return { 'transfer-encoding': 'chunked' };
  return body === undefined ? {} : { 'content-length': body.length };
}

/** What came before the end, however it ended. */
async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
  } catch {
    // Told by `end`.
  }
  return Buffer.concat(chunks);
}

function allHeaders({ identity }: Target, { headers }: RequestSpec): OutgoingHttpHeaders {
  const { token } = identity;
  return { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers };
}

function tlsOptions({ ca, identity: { certificate } }: Target) {
  if (certificate === undefined) return { ca };
  const { certPath, keyPath } = certificate;
  return { ca, cert: readFileSync(certPath), key: readFileSync(keyPath) };
}

function plainHeaders(headers: OutgoingHttpHeaders): Record<string, string | string[]> {
  const plain: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === ':status') continue;
    plain[name] = Array.isArray(value) ? value : String(value);
  }
  return plain;
}
