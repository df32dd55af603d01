import type { HeaderList } from './header-list.ts';
import { huffmanBytes, huffmanEncode } from './hpack-huffman.ts';
import { STATIC_TABLE } from './hpack-static-table.ts';

const ENTRY_OVERHEAD_BYTES = 32;
/** The table we keep at most, whatever the peer allows: the protocol's own default. */
const MAX_TABLE_BYTES = 4096;

/** Static table index by name, and by name NUL value. */
const staticIndex = new Map<string, number>();
for (const [index, [name, value]] of STATIC_TABLE.entries()) {
  if (!staticIndex.has(name)) staticIndex.set(name, index + 1);
  staticIndex.set(`${name}\0${value}`, index + 1);
}

/** Differ on nearly every message: a table entry would only push out useful ones. */
const NOT_INDEXED = new Set([':path', 'content-length', 'date', 'audit-id', 'etag', 'traceparent']);
/**
 * Never put into a table that clients share: its hits would show in the length of other clients'
 * blocks (RFC 7541, section 7.1).
 */
const NEVER_INDEXED = new Set(['authorization', 'cookie', 'set-cookie', 'proxy-authorization']);

/** One direction's HPACK encoder (RFC 7541): blocks must be sent in the order encoded. */
export class HpackEncoder {
  /** Dynamic table: name NUL value => number of insertions before it. */
  private readonly entries = new Map<string, number>();
  private insertions = 0;
  private tableBytes = 0;
  private tableLimitBytes = MAX_TABLE_BYTES;
  /** The smallest and the last limit that the peer has set since the last block. */
  private pendingLimits: number[] = [];
  private output = Buffer.allocUnsafeSlow(4096);
  private at = 0;
  private readonly huffman: boolean;

  /** Huffman coding saves bytes and costs CPU; between neighbours it is off. */
  constructor({ huffman = false }: { huffman?: boolean } = {}) {
    this.huffman = huffman;
  }

  /** The peer's HEADER_TABLE_SIZE changed; the next block begins by saying so (section 4.2). */
  setTableLimit(limitBytes: number): void {
    const limit = Math.min(limitBytes, MAX_TABLE_BYTES);
    if (limit === this.tableLimitBytes && this.pendingLimits.length === 0) return;
    const smallest = Math.min(limit, ...this.pendingLimits);
    this.pendingLimits = smallest < limit ? [smallest, limit] : [limit];
  }

  /** Encodes a block. The result is valid until the next call: copy it out. */
  encode(headers: HeaderList): Buffer {
    this.at = 0;
    for (const limit of this.pendingLimits) {
      this.reserve(8);
      this.writeInteger(limit, 0x1f, 0x20);
      this.tableLimitBytes = limit;
      this.evict();
    }
    this.pendingLimits.length = 0;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] ?? '';
      const value = headers[i + 1] ?? '';
      this.reserve(name.length + value.length + 16);
      if (NEVER_INDEXED.has(name) || headers.neverIndexed?.has(name)) {
        this.writeLiteral(name, value, 0x0f, 0x10);
      } else {
        this.writeField(name, value);
      }
    }
    return this.output.subarray(0, this.at);
  }

  private writeField(name: string, value: string): void {
    const key = `${name}\0${value}`;
    const fixed = staticIndex.get(key);
    if (fixed !== undefined) {
      this.writeInteger(fixed, 0x7f, 0x80);
      return;
    }
    const inserted = this.entries.get(key);
    if (inserted !== undefined) {
      this.writeInteger(STATIC_TABLE.length + this.insertions - inserted, 0x7f, 0x80);
      return;
    }
    const bytes = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    // An entry of more than a quarter of the table would push out too much else.
    if (NOT_INDEXED.has(name) || bytes * 4 > this.tableLimitBytes) {
      this.writeLiteral(name, value, 0x0f, 0x00);
      return;
    }
    this.writeLiteral(name, value, 0x3f, 0x40);
    this.entries.set(key, this.insertions++);
    this.tableBytes += bytes;
    this.evict();
  }

  private writeLiteral(name: string, value: string, mask: number, pattern: number): void {
    const index = staticIndex.get(name) ?? 0;
    this.writeInteger(index, mask, pattern);
    if (index === 0) this.writeString(name);
    this.writeString(value);
  }

  /** A Map iterates in order of insertion: its first key is the oldest entry. */
  private evict(): void {
    while (this.tableBytes > this.tableLimitBytes) {
      const oldest = this.entries.keys().next().value;
      if (oldest === undefined) return;
      this.entries.delete(oldest);
      // The key holds one NUL between name and value.
      this.tableBytes -= oldest.length - 1 + ENTRY_OVERHEAD_BYTES;
    }
  }

  private writeInteger(value: number, mask: number, pattern: number): void {
    if (value < mask) {
      this.output[this.at++] = pattern | value;
      return;
    }
    this.output[this.at++] = pattern | mask;
    let rest = value - mask;
    while (rest > 127) {
      this.output[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.output[this.at++] = rest;
  }

  private writeString(text: string): void {
    if (this.huffman) {
      const bytes = huffmanBytes(text);
      if (bytes < text.length) {
        this.writeInteger(bytes, 0x7f, 0x80);
        this.at = huffmanEncode(text, this.output, this.at);
        return;
      }
    }
    this.writeInteger(text.length, 0x7f, 0x00);
    this.at += this.output.write(text, this.at, 'latin1');
  }

  private reserve(bytes: number): void {
    if (this.output.length - this.at >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.output.length * 2, this.at + bytes));
    this.output.copy(larger, 0, 0, this.at);
    this.output = larger;
  }
}
