import type { HeaderList } from './header-list.ts';

/**
 * What makes a message malformed (RFC 9113, sections 8.1.1, 8.2 and 8.3). Each check returns what
 * is wrong in words, or undefined. A proxy that lets such a message pass is how requests are
 * smuggled, so nothing is repaired here.
 */

/** Where a byte may stand: in a field name, in a field value, in a path, in an authority. */
const IN_NAME = 1;
const IN_VALUE = 2;
const IN_PATH = 4;
const IN_AUTHORITY = 8;
const CLASSES = classifyBytes();

function classifyBytes(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    // A token (RFC 9110, section 5.6.2) without upper-case letters.
    const inName = /[a-z0-9!#$%&'*+.^_`|~-]/.test(String.fromCharCode(byte));
    const inValue = byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
    const inPath = byte > 0x20 && byte !== 0x7f;
    // RFC 3986, section 3.2, but for `@`: no user information (RFC 9113, section 8.3.1).
    const inAuthority = /[A-Za-z0-9._~!$&'()*+,;=:[\]%-]/.test(String.fromCharCode(byte));
    classes[byte] =
      (inName ? IN_NAME : 0) |
      (inValue ? IN_VALUE : 0) |
      (inPath ? IN_PATH : 0) |
      (inAuthority ? IN_AUTHORITY : 0);
  }
  return classes;
}

function consistsOf(text: string, mask: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (((CLASSES[text.charCodeAt(i)] ?? 0) & mask) === 0) return false;
  }
  return true;
}

const CONNECTION_SPECIFIC = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Longer ones, which are tokens mostly, are looked through by the compiled expression. */
const SHORT_CHARS = 32;
/** Bytes of IN_VALUE alone. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function isValue(text: string): boolean {
  return text.length <= SHORT_CHARS ? consistsOf(text, IN_VALUE) : VALUE.test(text);
}

function fieldProblem(name: string, value: string): string | undefined {
  if (name.length === 0 || !consistsOf(name, IN_NAME)) return 'invalid field name';
  if (!isValue(value) || startsOrEndsWithSpace(value)) {
    return `invalid value of field ${name}`;
  }
  if (CONNECTION_SPECIFIC.has(name)) return `connection-specific field ${name}`;
  if (name === 'te' && value.toLowerCase() !== 'trailers') return 'te other than trailers';
  return undefined;
}

function startsOrEndsWithSpace(value: string): boolean {
  if (value.length === 0) return false;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  return first === 0x20 || first === 0x09 || last === 0x20 || last === 0x09;
}

/** What a section may and must hold in pseudo-header fields; each is seen at most once. */
interface PseudoFields {
  method?: string;
  scheme?: string;
  authority?: string;
  path?: string;
  status?: string;
}

const REQUEST_PSEUDO: Record<string, keyof PseudoFields> = {
  ':method': 'method',
  ':scheme': 'scheme',
  ':authority': 'authority',
  ':path': 'path',
};
const RESPONSE_PSEUDO: Record<string, keyof PseudoFields> = { ':status': 'status' };

/** Checks all fields, and collects the pseudo-header fields that `allowed` names. */
function sectionProblem(
  headers: HeaderList,
  allowed: Record<string, keyof PseudoFields>,
  found: PseudoFields,
): string | undefined {
  let regularSeen = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    const pseudo = name.charCodeAt(0) === 0x3a;
    if (pseudo && regularSeen) return `${name} after a regular field`;
    regularSeen ||= !pseudo;
    const problem = pseudo ? pseudoProblem(name, value, allowed, found) : fieldProblem(name, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function pseudoProblem(
  name: string,
  value: string,
  allowed: Record<string, keyof PseudoFields>,
  found: PseudoFields,
): string | undefined {
  const key = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
  if (key === undefined) return 'unknown pseudo-header field';
  if (found[key] !== undefined) return `${name} twice`;
  if (!consistsOf(value, IN_PATH)) return `invalid value of ${name}`;
  found[key] = value;
  return undefined;
}

export function requestProblem(headers: HeaderList): string | undefined {
  const pseudo: PseudoFields = {};
  const problem = sectionProblem(headers, REQUEST_PSEUDO, pseudo);
  if (problem !== undefined) return problem;
  if (pseudo.method === undefined || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(pseudo.method)) {
    return ':method missing or not a token';
  }
  if (!consistsOf(pseudo.authority ?? '', IN_AUTHORITY)) return 'malformed :authority';
  if (pseudo.method === 'CONNECT') return connectProblem(pseudo);
  if (pseudo.scheme !== 'https' && pseudo.scheme !== 'http') return ':scheme missing or unknown';
  if (pseudo.path === undefined || !isPath(pseudo.path, pseudo.method)) {
    return ':path missing or malformed';
  }
  return hostProblem(headers, pseudo.authority);
}

/** A request for a tunnel names only where to (RFC 9113, section 8.5). */
function connectProblem(pseudo: PseudoFields): string | undefined {
  const plain = pseudo.scheme === undefined && pseudo.path === undefined;
  return plain && pseudo.authority ? undefined : 'malformed CONNECT';
}

function isPath(path: string, method: string): boolean {
  return path.charCodeAt(0) === 0x2f || (path === '*' && method === 'OPTIONS');
}

/** Two names for one target are the seed of routing confusion (RFC 9113, section 8.3.1). */
function hostProblem(headers: HeaderList, authority: string | undefined): string | undefined {
  let host: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'host') continue;
    if (host !== undefined) return 'host twice';
    host = headers[i + 1];
  }
  if (host === undefined) return undefined;
  if (!consistsOf(host, IN_AUTHORITY)) return 'malformed host';
  return authority !== undefined && authority !== host ? 'host differs from :authority' : undefined;
}

export function responseProblem(headers: HeaderList): string | undefined {
  const pseudo: PseudoFields = {};
  const problem = sectionProblem(headers, RESPONSE_PSEUDO, pseudo);
  if (problem !== undefined) return problem;
  if (pseudo.status === undefined || !/^[1-9][0-9][0-9]$/.test(pseudo.status)) {
    return ':status missing or malformed';
  }
  return undefined;
}

export function trailersProblem(headers: HeaderList): string | undefined {
  return sectionProblem(headers, {}, {});
}

/**
 * The length that the message declares, -1 for none, or NaN when it is malformed or given twice
 * with different values.
 */
export function declaredLength(headers: HeaderList): number {
  let declared: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'content-length') continue;
    const value = headers[i + 1] ?? '';
    if (declared !== undefined && declared !== value) return Number.NaN;
    declared = value;
  }
  if (declared === undefined) return -1;
  return /^[0-9]{1,15}$/.test(declared) ? Number(declared) : Number.NaN;
}
