/**
 * Header fields as one flat list: name, value, name, value, … Names are lower-case, pseudo-header
 * fields (RFC 9113, section 8.3) come first, and strings hold one byte a character (latin-1), as
 * the wire does. A flat list is what HPACK reads and writes, so a relayed header block never
 * becomes an object with keys.
 */
export type HeaderList = string[] & {
  /**
   * Names that arrived as never-indexed literals. An intermediary must keep them so
   * (RFC 7541, section 6.2.3).
   */
  neverIndexed?: ReadonlySet<string>;
};

/** Returns the first value of `name`, or undefined. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1];
  }
  return undefined;
}

const BEYOND_LATIN1 = /[^\0-\xff]/;

/**
 * Text of any other kind would be cut to the low byte of each character on the wire: a user named
 * `Ładmin` would arrive as `Aadmin`, and U+010D as a CR. So it is a bug that must not pass.
 */
export function assertLatin1(headers: HeaderList): void {
  // Strings of one byte a character are known as such to the engine: this scans next to nothing.
  for (let i = 0; i < headers.length; i++) {
    if (!BEYOND_LATIN1.test(headers[i] ?? '')) continue;
    const name = headers[i - (i % 2)];
    throw new TypeError(`header field ${JSON.stringify(name)} is not one byte a character`);
  }
}
