// The head of an HTTP/1.1 request as a header list, or the reason why it is refused. llhttp has
// already refused what breaks framing; here is what it leaves to the server (RFC 9112, section 3).
import type { HeaderList } from '../http2/header-list.ts';

/** What node:http tells of a request before its body. */
export interface RawRequestHead {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
}

export interface RequestHead {
  readonly headers: HeaderList;
  readonly hasBody: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Value of the Upgrade field when the request asks for an upgrade that may be granted. */
  readonly upgrade: string | undefined;
}

export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * Fields of one connection (RFC 9110, section 7.6.1). They end here, whatever the Connection field
 * says. `te` belongs to them: the relay announces its own support for trailers.
 */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Naming these in Connection would change what the request is, so that part is ignored. */
const NEVER_NOMINATED: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'expect',
  'host',
]);

/**
 * Who a request is from and for whom it speaks is meant for the apiserver, whatever Connection
 * says: a client of a proxy before us could else take off the impersonation that it added.
 */
function mayBeNominated(name: string): boolean {
  return !NEVER_NOMINATED.has(name) && !name.startsWith('impersonate-');
}

// RFC 3986, section 3.2: everything that host and port may hold, without user information.
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=:%[\]]*$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)(.*)$/i;

/**
 * Translates a request head. Pseudo-header fields come first, the other fields keep their order and
 * their duplicates; fields of the connection and fields that Connection names are left out.
 */
export function requestHead(
  raw: RawRequestHead,
  maxFields: number,
): { head: RequestHead } | { refusal: Refusal } {
  if (raw.rawHeaders.length / 2 > maxFields) {
    return refuse(431, `the request has more than ${maxFields} header fields`);
  }
  // llhttp takes 0.9 and 2.0 too.
  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0') {
    return refuse(505, `HTTP/${raw.httpVersion} is not understood on this connection`);
  }
  const fields = fieldValues(raw.rawHeaders);
  const framing = checkFraming(raw, fields);
  if (framing !== undefined) return framing;
  const target = requestTarget(raw, fields.get('host') ?? []);
  if ('refusal' in target) return target;

  const http11 = raw.httpVersion === '1.1';
  const nominated = connectionOptions(fields.get('connection') ?? []);
  const headers: HeaderList = [':method', raw.method, ':scheme', 'https'];
  if (target.authority !== undefined) headers.push(':authority', target.authority);
  headers.push(':path', target.path);
  pushRelayed(headers, raw, nominated);
  const length = fields.get('content-length')?.[0] ?? '0';
  const hasBody = fields.has('transfer-encoding') || !/^0+$/.test(length);
  const upgrade = http11 && !hasBody && nominated.has('upgrade') ? upgradeToken(fields) : undefined;
  const expectsContinue = http11 && hasBody && fields.has('expect');
  return { head: { headers, hasBody, expectsContinue, upgrade } };
}

/** Appends what goes on from this connection to the next one. */
function pushRelayed(headers: HeaderList, raw: RawRequestHead, nominated: ReadonlySet<string>) {
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    const name = (raw.rawHeaders[i] ?? '').toLowerCase();
    if (name === 'host' || CONNECTION_FIELDS.has(name)) continue;
    if (nominated.has(name) && mayBeNominated(name)) continue;
    // A server ignores the expectation of an HTTP/1.0 client (RFC 9110, section 10.1.1).
    if (name === 'expect' && raw.httpVersion !== '1.1') continue;
    headers.push(name, raw.rawHeaders[i + 1] ?? '');
  }
}

function fieldValues(rawHeaders: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [rawHeaders[i + 1] ?? '']);
    else values.push(rawHeaders[i + 1] ?? '');
  }
  return fields;
}

function checkFraming(
  raw: RawRequestHead,
  fields: ReadonlyMap<string, readonly string[]>,
): { refusal: Refusal } | undefined {
  const coding = fields.get('transfer-encoding');
  if (coding !== undefined) {
    // RFC 9112, section 6.1: framing of such a message is not to be trusted.
    if (raw.httpVersion !== '1.1') {
      return refuse(400, 'Transfer-Encoding is not part of HTTP/1.0');
    }
    // llhttp accepts `gzip, chunked`. Removing the field would leave a body nobody can read.
    if (coding.length !== 1 || coding[0]?.trim().toLowerCase() !== 'chunked') {
      return refuse(501, 'the only transfer coding understood here is "chunked"');
    }
  }
  const expect = fields.get('expect');
  if (expect !== undefined && raw.httpVersion === '1.1') {
    if (expect.length !== 1 || expect[0]?.trim().toLowerCase() !== '100-continue') {
      return refuse(417, 'the only expectation understood here is "100-continue"');
    }
  }
  return undefined;
}

function requestTarget(
  raw: RawRequestHead,
  hosts: readonly string[],
): { path: string; authority: string | undefined } | { refusal: Refusal } {
  // RFC 9112, section 3.2: exactly one Host, and 400 for anything else.
  if (hosts.length > 1) return refuse(400, 'the request has more than one Host field');
  const host = hosts[0]?.trim();
  if (host === undefined && raw.httpVersion === '1.1') {
    return refuse(400, 'the request has no Host field');
  }
  if (host !== undefined && !AUTHORITY.test(host)) {
    return refuse(400, 'the Host field is not a host and port');
  }
  if (raw.url.startsWith('/')) return { path: raw.url, authority: host };
  if (raw.url === '*' && raw.method === 'OPTIONS') return { path: '*', authority: host };
  // RFC 9112, section 3.2.2: a server accepts the absolute form and then ignores Host.
  const [, authority, rest] = ABSOLUTE_FORM.exec(raw.url) ?? [];
  if (authority === undefined || rest === undefined || !AUTHORITY.test(authority)) {
    return refuse(400, 'the request target is neither a path nor an http(s) address');
  }
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority };
}

function connectionOptions(values: readonly string[]): ReadonlySet<string> {
  return new Set(values.flatMap((value) => value.split(',').map((o) => o.trim().toLowerCase())));
}

function upgradeToken(fields: ReadonlyMap<string, readonly string[]>): string | undefined {
  const token = (fields.get('upgrade') ?? []).join(', ').trim();
  // A server may ignore Upgrade (RFC 9110, section 7.8), and cleartext HTTP/2 over TLS makes no
  // sense (RFC 9113, section 3.1 calls the token obsolete): kube-apiserver ignores it too.
  return token === '' || /^h2c?$/i.test(token) ? undefined : token;
}

function refuse(status: number, message: string): { refusal: Refusal } {
  return { refusal: { status, message } };
}
