// The headers by which the door tells an apiserver who is asking. Whoever can put one of them on a
// connection that holds the front-proxy certificate can be anyone, so the client's own are removed
// on every path: requests, trailers and upgrades, whatever identity the request has.
import type { HeaderList } from '../http2/header-list.ts';

/** Who is asking, as k8s.io/apiserver pkg/authentication/user.Info has it. */
export interface UserIdentity {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string | undefined;
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

/** An identity in the form in which it is sent, made once for each connection. */
export interface StampedIdentity extends UserIdentity {
  /** Flat list of names and values. */
  readonly headers: readonly string[];
}

/** A header name in lower case; one that ends in "-" stands for all that begin with it. */
export type NameToStrip = string;

/** RFC 9110, section 7.6.1, and those that older senders forget to list in Connection. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const IDENTITY_PREFIX = 'x-remote-';

/**
 * Removes hop-by-hop fields and everything that could be read as X-Remote-*, and returns a new list.
 * An upgrade sets its own connection and upgrade fields afterwards.
 *
 * It runs before anything is stamped, so that "Connection: X-Remote-User" cannot remove what the door
 * says (CVE-2025-48865 was that).
 *
 * @param alsoStrip further names, for apiservers that read identity from other headers.
 */
export function stripIdentityHeaders(
  headers: HeaderList,
  alsoStrip: readonly NameToStrip[] = [],
): HeaderList {
  const listed = namesInConnection(headers);
  const kept: HeaderList = [];
  if (headers.neverIndexed !== undefined) kept.neverIndexed = headers.neverIndexed;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'te') {
      // The one transfer coding that an HTTP/2 request may name (RFC 9113, section 8.2.2).
      if (listTokens(value).includes('trailers')) kept.push(name, 'trailers');
    } else if (!HOP_BY_HOP.has(lower) && !listed?.has(lower) && !saysIdentity(lower, alsoStrip)) {
      kept.push(name, value);
    }
  }
  return kept;
}

/**
 * The names that Connection declares to be hop-by-hop, or undefined, the usual case.
 *
 * RFC 9110, section 7.6.1 has them removed. Authorization and Impersonate-* stay nevertheless: the
 * same section forbids a sender to list what is meant for all recipients, kube-apiserver on a direct
 * connection would not remove them either, and doing it would let the client of some proxy before
 * us take off the impersonation which that proxy put on.
 */
function namesInConnection(headers: HeaderList): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'connection') continue;
    names ??= new Set();
    for (const token of listTokens(headers[i + 1] ?? '')) {
      const meantForAll = token === 'authorization' || token.startsWith('impersonate-');
      if (!meantForAll && token[0] !== ':') names.add(token);
    }
  }
  return names;
}

function listTokens(value: string): string[] {
  return value.split(',').map((token) => token.trim().toLowerCase());
}

function saysIdentity(lower: string, alsoStrip: readonly NameToStrip[]): boolean {
  // Cheap for the many names that do not begin so.
  if (lower.charCodeAt(0) === 0x78 && canonical(lower).startsWith(IDENTITY_PREFIX)) return true;
  if (alsoStrip.length === 0) return false;
  const name = canonical(lower);
  return alsoStrip.some((strip) => (strip.endsWith('-') ? name.startsWith(strip) : name === strip));
}

/**
 * "x_remote.user" is "x-remote-user" to any server that makes CGI variables of header names. Go keeps
 * them apart, but what stands behind the door need not stay Go for ever.
 */
function canonical(lower: string): string {
  let name = '';
  for (let i = 0; i < lower.length; i++) {
    const code = lower.charCodeAt(i);
    const plain = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
    name += plain ? lower[i] : '-';
  }
  return name;
}

/**
 * Adds the identity to a stripped list, in place, and returns it. Authorization is removed: with a
 * valid certificate the apiserver would never have looked at it and would have deleted it
 * (pkg/endpoints/filters/authentication.go), and an apiserver that does not trust our certificate
 * must not fall back to another identity than the one that the door chose.
 */
export function stampIdentity(headers: HeaderList, identity: StampedIdentity): HeaderList {
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.toLowerCase() === 'authorization') continue;
    headers[kept++] = name;
    headers[kept++] = headers[i + 1] ?? '';
  }
  headers.length = kept;
  headers.push(...identity.headers);
  return headers;
}

/**
 * The header form of an identity, or undefined when a value cannot be sent unchanged: a control
 * character would be refused on the way, and white space at an end may be trimmed (RFC 9110, section
 * 5.5), which would turn " system:admin" into somebody else.
 *
 * Header values hold bytes, and Go reads them as UTF-8, so names are sent as their UTF-8 bytes.
 */
export function identityHeaders(identity: UserIdentity): string[] | undefined {
  const headers = ['x-remote-user', identity.user];
  for (const group of identity.groups) headers.push('x-remote-group', group);
  if (identity.uid !== undefined) headers.push('x-remote-uid', identity.uid);
  for (const [key, values] of identity.extra) {
    const name = `x-remote-extra-${escapeHeaderKey(key)}`;
    for (const value of values) headers.push(name, value);
  }
  for (let i = 1; i < headers.length; i += 2) {
    const bytes = Buffer.from(headers[i] ?? '', 'utf8').toString('latin1');
    if (!isSendable(bytes)) return undefined;
    headers[i] = bytes;
  }
  return headers;
}

function isSendable(bytes: string): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false;
  }
  const first = bytes[0];
  const last = bytes[bytes.length - 1];
  return first !== ' ' && first !== '\t' && last !== ' ' && last !== '\t';
}

const TOKEN_PUNCTUATION = "!#$&'*+-.^_`|~";

/**
 * Percent-encodes what a header name cannot hold, and the percent sign, as client-go does
 * (transport/round_trippers.go headerKeyEscape). Lower case, because HTTP/2 wants it and the
 * apiserver lowers the key anyway.
 */
function escapeHeaderKey(key: string): string {
  let escaped = '';
  for (const byte of Buffer.from(key.toLowerCase(), 'utf8')) {
    const character = String.fromCharCode(byte);
    const plain =
      (byte >= 0x61 && byte <= 0x7a) ||
      (byte >= 0x30 && byte <= 0x39) ||
      TOKEN_PUNCTUATION.includes(character);
    escaped += plain ? character : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}
