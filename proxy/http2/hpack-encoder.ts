import type { HeaderList } from './header-list.ts';
import { huffmanBytes, huffmanEncode } from './hpack-huffman.ts';
import { STATIC_TABLE } from './hpack-static-table.ts';

const ENTRY_OVERHEAD_BYTES = 32;
/** The table we keep at most, whatever the peer allows: the protocol's own default. */
const MAX_TABLE_BYTES = 4096;

/** Differ on nearly every message: a table entry would only push out useful ones. */
const NOT_INDEXED = new Set([':path', 'content-length', 'date', 'audit-id', 'etag', 'traceparent']);
/**
 * Never put into a table that clients share: its hits would show in the length of other clients'
 * blocks (RFC 7541, section 7.1).
 */
const NEVER_INDEXED = new Set(['authorization', 'cookie', 'set-cookie', 'proxy-authorization']);

/** What is fixed for a name: one look-up for each field. */
interface NameRule {
  /** Index of a static entry with this name, or 0. */
  readonly index: number;
  /** Indexes of static entries with this name and a value. */
  readonly values: ReadonlyMap<string, number>;
  readonly indexing: 'yes' | 'no' | 'never';
}

const NO_VALUES: ReadonlyMap<string, number> = new Map();
const OTHER_NAME: NameRule = { index: 0, values: NO_VALUES, indexing: 'yes' };
const NAME_RULES = nameRules();

function nameRules(): ReadonlyMap<string, NameRule> {
  const rules = new Map<string, NameRule>();
  for (const name of [...STATIC_TABLE.map(([entry]) => entry), ...NOT_INDEXED, ...NEVER_INDEXED]) {
    const index = STATIC_TABLE.findIndex(([entry]) => entry === name) + 1;
    const values = new Map<string, number>();
    for (const [at, [entry, value]] of STATIC_TABLE.entries()) {
      if (entry === name) values.set(value, at + 1);
    }
    const indexing = NOT_INDEXED.has(name) ? 'no' : 'yes';
    rules.set(name, { index, values, indexing: NEVER_INDEXED.has(name) ? 'never' : indexing });
  }
  return rules;
}

/** One direction's HPACK encoder (RFC 7541): blocks must be sent in the order encoded. */
export class HpackEncoder {
  /**
   * Dynamic table: name => value => number of insertions before it. Two levels, because one key of
   * both would be a new string, and a new hash, for each field.
   */
  private readonly entries = new Map<string, Map<string, number>>();
  /** The table's entries, oldest first: name, value, name, value, … */
  private queue: string[] = [];
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
      this.writeField(name, value, headers.neverIndexed?.has(name) ?? false);
    }
    return this.output.subarray(0, this.at);
  }

  private writeField(name: string, value: string, never: boolean): void {
    const rule = NAME_RULES.get(name) ?? OTHER_NAME;
    if (never || rule.indexing === 'never') {
      this.writeLiteral(rule, name, value, 0x0f, 0x10);
      return;
    }
    const fixed = rule.values.get(value);
    if (fixed !== undefined) {
      this.writeInteger(fixed, 0x7f, 0x80);
      return;
    }
    if (rule.indexing === 'no') {
      this.writeLiteral(rule, name, value, 0x0f, 0x00);
      return;
    }
    const inserted = this.entries.get(name)?.get(value);
    if (inserted !== undefined) {
      this.writeInteger(STATIC_TABLE.length + this.insertions - inserted, 0x7f, 0x80);
      return;
    }
    const bytes = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    // An entry of more than a quarter of the table would push out too much else.
    if (bytes * 4 > this.tableLimitBytes) {
      this.writeLiteral(rule, name, value, 0x0f, 0x00);
      return;
    }
    this.writeLiteral(rule, name, value, 0x3f, 0x40);
    this.insert(name, value, bytes);
  }

  private insert(name: string, value: string, bytes: number): void {
    let values = this.entries.get(name);
    if (values === undefined) {
      values = new Map();
      this.entries.set(name, values);
    }
    values.set(value, this.insertions++);
    this.queue.push(name, value);
    this.tableBytes += bytes;
    this.evict();
  }

  private writeLiteral(
    rule: NameRule,
    name: string,
    value: string,
    mask: number,
    pattern: number,
  ): void {
    this.writeInteger(rule.index, mask, pattern);
    if (rule.index === 0) this.writeString(name);
    this.writeString(value);
  }

  private evict(): void {
    let gone = 0;
    while (this.tableBytes > this.tableLimitBytes) {
      const name = this.queue[gone] ?? '';
      const value = this.queue[gone + 1] ?? '';
      const values = this.entries.get(name);
      values?.delete(value);
      if (values?.size === 0) this.entries.delete(name);
      this.tableBytes -= name.length + value.length + ENTRY_OVERHEAD_BYTES;
      gone += 2;
    }
    if (gone > 0) this.queue.splice(0, gone);
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
