import { ConnectionError, ErrorCode } from './errors.ts';
import type { HeaderList } from './header-list.ts';
import { huffmanDecode } from './hpack-huffman.ts';
import { STATIC_TABLE } from './hpack-static-table.ts';

/** What an entry costs beyond its text (RFC 7541, section 4.1). */
const ENTRY_OVERHEAD_BYTES = 32;
/** No string or index we accept needs more; a longer integer is an attack or a bug. */
const MAX_INTEGER = 2 ** 28;
/** A longer token is decoded anew each time: what a connection keeps must not grow with it. */
const MAX_KEPT_TOKEN_BYTES = 4096;

/** Of nearly all requests that have such a literal: one set for all of them. */
const TOKEN_ALONE: ReadonlySet<string> = new Set(['authorization']);
const NO_BYTES: Buffer = Buffer.alloc(0);
/** So many places of evicted entries may stand before the oldest one that is left. */
const MAX_GONE = 64;

export interface DecodedBlock {
  readonly headers: HeaderList;
  /**
   * True when the list went over the limit. It was read to its end all the same, because the
   * dynamic table must stay in step, but what came after the limit was not kept.
   */
  readonly overLimit: boolean;
}

/** One direction's HPACK decoder (RFC 7541): header blocks must be given in the order received. */
export class HpackDecoder {
  /** Of the dynamic table, the newest last; those before `oldest` are gone. */
  private readonly names: string[] = [];
  private readonly values: string[] = [];
  private oldest = 0;
  private tableBytes = 0;
  private tableLimitBytes: number;
  private readonly maxTableBytes: number;
  private readonly maxListBytes: number;
  private input = NO_BYTES;
  private at = 0;
  private end = 0;
  /** The last token that came as a literal, as it was sent and as it reads. */
  private tokenBytes = NO_BYTES;
  private token = '';

  /**
   * @param maxTableBytes the HEADER_TABLE_SIZE that we announced
   * @param maxListBytes bound on the sum of name, value and 32 bytes per field
   */
  constructor(maxTableBytes: number, maxListBytes: number) {
    this.maxTableBytes = maxTableBytes;
    this.tableLimitBytes = maxTableBytes;
    this.maxListBytes = maxListBytes;
  }

  /** Decodes one whole header block, `input[start, end)`. Any error is COMPRESSION_ERROR. */
  decode(input: Buffer, start: number, end: number): DecodedBlock {
    this.input = input;
    this.at = start;
    this.end = end;
    const headers: HeaderList = [];
    let listBytes = 0;
    let neverIndexed: ReadonlySet<string> | undefined;
    let mayResize = true;
    while (this.at < this.end) {
      const first = input[this.at] ?? 0;
      if ((first & 0xe0) === 0x20) {
        if (!mayResize) throw compressionError('table size update inside a header block');
        this.resize(this.readInteger(0x1f));
        continue;
      }
      mayResize = false;
      const start = headers.length;
      this.readField(first, headers);
      const name = headers[start] ?? '';
      listBytes += name.length + (headers[start + 1] ?? '').length + ENTRY_OVERHEAD_BYTES;
      if (listBytes > this.maxListBytes) headers.length = start;
      else if ((first & 0xf0) === 0x10) {
        neverIndexed = withName(neverIndexed, name);
      }
    }
    if (neverIndexed !== undefined) headers.neverIndexed = neverIndexed;
    return { headers, overLimit: listBytes > this.maxListBytes };
  }

  /** Appends name and value of the field that begins with the byte `first`. */
  private readField(first: number, headers: HeaderList): void {
    if (first & 0x80) {
      const index = this.readInteger(0x7f);
      headers.push(this.nameAt(index), this.valueAt(index));
      return;
    }
    const indexed = (first & 0x40) !== 0;
    const index = this.readInteger(indexed ? 0x3f : 0x0f);
    const name = index === 0 ? this.readString() : this.nameAt(index);
    const isToken = !indexed && name === 'authorization';
    const value = isToken ? this.readToken() : this.readString();
    if (indexed) this.insert(name, value);
    headers.push(name, value);
  }

  private nameAt(index: number): string {
    const name =
      index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1]?.[0] : this.names[this.placeOf(index)];
    if (name === undefined) throw compressionError(`no table entry ${index}`);
    return name;
  }

  private valueAt(index: number): string {
    const value =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]?.[1]
        : this.values[this.placeOf(index)];
    if (value === undefined) throw compressionError(`no table entry ${index}`);
    return value;
  }

  /** In the arrays, of an index behind the static table; -1 when there is none. */
  private placeOf(index: number): number {
    const place = this.names.length - (index - STATIC_TABLE.length);
    return place >= this.oldest ? place : -1;
  }

  /** Newest entries are at the end of the arrays, so that adding one moves nothing. */
  private insert(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
    this.tableBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.evict();
  }

  private resize(limitBytes: number): void {
    if (limitBytes > this.maxTableBytes) {
      throw compressionError(`table size ${limitBytes} over ${this.maxTableBytes}`);
    }
    this.tableLimitBytes = limitBytes;
    this.evict();
  }

  private evict(): void {
    while (this.tableBytes > this.tableLimitBytes) {
      const { names, values, oldest } = this;
      const bytes = (names[oldest] ?? '').length + (values[oldest] ?? '').length;
      this.tableBytes -= bytes + ENTRY_OVERHEAD_BYTES;
      // Its text is let go at once; its place waits for others, since all that is left moves up then.
      names[oldest] = '';
      values[oldest] = '';
      this.oldest = oldest + 1;
    }
    if (this.oldest <= MAX_GONE) return;
    this.names.splice(0, this.oldest);
    this.values.splice(0, this.oldest);
    this.oldest = 0;
  }

  /** Reads an integer whose prefix is the bits of `mask` in the current byte (section 5.1). */
  private readInteger(mask: number): number {
    let value = (this.input[this.at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      if (this.at >= this.end) throw compressionError('integer cut short');
      const byte = this.input[this.at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (value > MAX_INTEGER || factor > MAX_INTEGER) throw compressionError('integer too large');
      if (byte < 0x80) return value;
    }
  }

  /**
   * Clients built on nghttp2 never index a token, so it comes whole with every request, and mostly
   * it is the one before: then it need not be decoded, and open watches share one string. Only whole
   * tokens are compared, so this tells a guesser no more than the table would of an indexed one.
   */
  private readToken(): string {
    const { input, at, tokenBytes } = this;
    const end = at + tokenBytes.length;
    // Its length stands in front, so what is equal ends at the same place.
    if (at < end && end <= this.end && tokenBytes.compare(input, at, end) === 0) {
      this.at = end;
      return this.token;
    }
    const token = this.readString();
    if (this.at - at <= MAX_KEPT_TOKEN_BYTES) {
      // Not of Node's pool, of which it would keep a whole piece.
      this.tokenBytes = Buffer.allocUnsafeSlow(this.at - at);
      input.copy(this.tokenBytes, 0, at, this.at);
      this.token = token;
    }
    return token;
  }

  private readString(): string {
    if (this.at >= this.end) throw compressionError('string cut short');
    const huffman = ((this.input[this.at] ?? 0) & 0x80) !== 0;
    const length = this.readInteger(0x7f);
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw compressionError('string cut short');
    return huffman
      ? huffmanDecode(this.input, start, this.at)
      : this.input.toString('latin1', start, this.at);
  }
}

/** Adds in place, once the set is one of the block's own: there may be very many names. */
function withName(names: ReadonlySet<string> | undefined, name: string): ReadonlySet<string> {
  if (name === 'authorization' && (names === undefined || names === TOKEN_ALONE)) {
    return TOKEN_ALONE;
  }
  const own = names instanceof Set && names !== TOKEN_ALONE ? names : new Set(names);
  return own.add(name);
}

function compressionError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, message);
}
