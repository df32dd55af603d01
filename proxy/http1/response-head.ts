// How a response head is written in HTTP/1.1, decided from a header list that may come from HTTP/2.
import type { HeaderList } from '../http2/header-list.ts';

export interface ResponseHead {
  readonly status: number;
  /** Name, value, … for `ServerResponse.writeHead`, duplicates and order kept. */
  readonly fields: string[];
  /**
   * How the client finds the end of the body: there is none; after `length` bytes; after the last
   * chunk; or, HTTP/1.0 without a length, when the connection closes.
   */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Bytes of the body, when the framing is `length`. */
  readonly length: number;
}

export interface ResponseContext {
  readonly method: string;
  readonly http11: boolean;
  /** No body and no trailers follow. */
  readonly endStream: boolean;
  /** This is the last response of the connection. */
  readonly close: boolean;
}

// RFC 9110, section 7.6.1. In a response that came over HTTP/2 they would be malformed anyway.
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that must not be in trailers (RFC 9110, section 6.5.1), because they frame or route. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...CONNECTION_FIELDS,
  'content-length',
  'content-type',
  'host',
  'trailer',
]);

/** Returns the status of a response header list, or undefined for trailers. */
export function responseStatus(headers: HeaderList): number | undefined {
  return headers[0] === ':status' ? Number(headers[1]) : undefined;
}

/**
 * Translates a final response head.
 *
 * @throws when `content-length` is no number or appears with two values: where such a body ends is
 *   anyone's guess (RFC 9112, section 6.3).
 */
export function responseHead(headers: HeaderList, context: ResponseContext): ResponseHead {
  const status = responseStatus(headers) ?? 0;
  const declared = declaredLength(headers);
  const { framing, bodyLength } = bodyFraming(status, declared, context);
  const length = bodyLength ?? 0;
  // The answers to HEAD and 304 keep the length of what GET would bring; 204 must not have one
  // (RFC 9110, section 8.6).
  const written = framing === 'none' && status !== 204 ? declared : bodyLength;
  const fields = relayedFields(headers, framing, written);
  if (context.close || framing === 'close') fields.push('connection', 'close');
  return { status, fields, framing, length };
}

function relayedFields(
  headers: HeaderList,
  framing: ResponseHead['framing'],
  length: number | undefined,
): string[] {
  const fields: string[] = [];
  let missing = length;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.startsWith(':') || CONNECTION_FIELDS.has(name)) continue;
    // Node refuses to announce trailers where there can be none.
    if (name === 'trailer' && framing !== 'chunked') continue;
    if (name === 'content-length') {
      if (missing === undefined) continue;
      missing = undefined;
    }
    fields.push(name, headers[i + 1] ?? '');
  }
  if (missing !== undefined) fields.push('content-length', String(missing));
  return fields;
}

/** Trailer fields as pairs, without those that may not be there. */
export function trailerPairs(headers: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!name.startsWith(':') && !NOT_IN_TRAILERS.has(name))
      pairs.push([name, headers[i + 1] ?? '']);
  }
  return pairs;
}

function bodyFraming(
  status: number,
  declared: number | undefined,
  context: ResponseContext,
): { framing: ResponseHead['framing']; bodyLength: number | undefined } {
  if (context.method === 'HEAD' || status === 204 || status === 304) {
    return { framing: 'none', bodyLength: undefined };
  }
  if (declared !== undefined) return { framing: 'length', bodyLength: declared };
  if (context.endStream) return { framing: 'length', bodyLength: 0 };
  return { framing: context.http11 ? 'chunked' : 'close', bodyLength: undefined };
}

function declaredLength(headers: HeaderList): number | undefined {
  let declared: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'content-length') continue;
    const value = headers[i + 1] ?? '';
    if (!/^\d{1,15}$/.test(value) || (declared !== undefined && declared !== value)) {
      throw new Error(`the response has an unusable content-length: "${value}"`);
    }
    declared = value;
  }
  return declared === undefined ? undefined : Number(declared);
}
