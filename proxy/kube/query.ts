// Query strings as Go's net/url reads them, one parameter at a time. URLSearchParams would build a
// list of all of them for each request, and it differs: it keeps pairs that Go drops.

const PERCENT = 0x25;
const PLUS = 0x2b;

/**
 * The first value of `name` in a raw query (without "?"), decoded. A bare `name` has the value "".
 * Returns undefined when the name is absent. Pairs that Go's url.ParseQuery refuses (a bad percent
 * escape, a semicolon) are skipped, as url.Values of such a query does not hold them.
 */
export function queryValue(query: string, name: string): string | undefined {
  for (let start = 0; start <= query.length; ) {
    const ampersand = query.indexOf('&', start);
    const end = ampersand < 0 ? query.length : ampersand;
    const value = pairValue(query, start, end, name);
    if (value !== undefined) return value;
    start = end + 1;
  }
  return undefined;
}

/** All values of `name`, in order. */
export function queryValues(query: string, name: string): string[] {
  return query.split('&').flatMap((pair) => pairValue(pair, 0, pair.length, name) ?? []);
}

function pairValue(query: string, start: number, end: number, name: string): string | undefined {
  if (start === end) return undefined;
  const equals = query.indexOf('=', start);
  const keyEnd = equals < 0 || equals > end ? end : equals;
  if (!keyMatches(query, start, keyEnd, name)) return undefined;
  const raw = keyEnd === end ? '' : query.slice(keyEnd + 1, end);
  if (raw.includes(';') || query.slice(start, keyEnd).includes(';')) return undefined;
  return unescapeQuery(raw);
}

function keyMatches(query: string, start: number, end: number, name: string): boolean {
  // An escaped key is rare but legal ("w%61tch=1" is a watch for the apiserver), and reading it
  // otherwise than the apiserver would let a watch pass as a list.
  if (end - start === name.length) return query.startsWith(name, start);
  if (end - start < name.length) return false;
  const key = query.slice(start, end);
  return key.includes('%') && unescapeQuery(key) === name;
}

/** Undefined for a percent sign without two hexadecimal digits (url.QueryUnescape's error). */
function unescapeQuery(text: string): string | undefined {
  return percentDecode(text, true);
}

/**
 * Decodes percent escapes as UTF-8; bytes that are not UTF-8 become U+FFFD, which is enough for
 * names that only label and select. Undefined for a malformed escape.
 */
export function percentDecode(text: string, plusIsSpace = false): string | undefined {
  if (!text.includes('%') && !(plusIsSpace && text.includes('+'))) return text;
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i);
    if (byte === PERCENT) {
      byte = (hexDigit(text.charCodeAt(i + 1)) << 4) | hexDigit(text.charCodeAt(i + 2));
      if (byte < 0) return undefined;
      i += 2;
    } else if (byte === PLUS && plusIsSpace) {
      byte = 0x20;
    }
    bytes[length++] = byte;
  }
  return bytes.toString('utf8', 0, length);
}

/** The digit's value, or -1, also for the NaN past the end of a string. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
