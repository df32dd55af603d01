// HPACK against itself and against a second implementation (RFC 7541).
import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { ConnectionError } from '../../proxy/http2/errors.ts';
import { HpackDecoder } from '../../proxy/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../proxy/http2/hpack-encoder.ts';
import { headerLists } from './header-lists.ts';
import { OtherDecoder, OtherEncoder } from './hpack-js.ts';
import type { Law } from './law.ts';

const TABLE_BYTES = 4096;
const LIST_LIMIT_BYTES = 1024 * 1024;

const tableLimits = fc.array(fc.constantFrom(0, 1, 60, 100, 1000, TABLE_BYTES, 65_536), {
  maxLength: 12,
});

const roundTrip: Law = {
  name: 'hpack-round-trip',
  title: 'what is encoded is decoded, whatever the table’s size and its changes',
  property: () =>
    fc.property(headerLists(0xff), tableLimits, fc.boolean(), (lists, limits, huffman) => {
      const encoder = new HpackEncoder({ huffman });
      const decoder = new HpackDecoder(TABLE_BYTES, LIST_LIMIT_BYTES);
      for (const [index, list] of lists.entries()) {
        const limit = limits[index];
        if (limit !== undefined) encoder.setTableLimit(limit);
        const block = encoder.encode(list);
        deepEqual([...decoder.decode(block, 0, block.length).headers], list);
      }
    }),
};

const otherReadsOurs: Law = {
  name: 'hpack-encoder-against-hpack-js',
  title: 'hpack.js reads what our encoder writes',
  property: () =>
    fc.property(headerLists(0x7e), tableLimits, fc.boolean(), (lists, limits, huffman) => {
      const encoder = new HpackEncoder({ huffman });
      const decoder = new OtherDecoder(TABLE_BYTES);
      for (const [index, list] of lists.entries()) {
        const limit = limits[index];
        if (limit !== undefined) encoder.setTableLimit(limit);
        deepEqual(decoder.decode(encoder.encode(list)), list);
      }
    }),
};

const weReadOthers: Law = {
  name: 'hpack-decoder-against-hpack-js',
  title: 'our decoder reads what hpack.js writes',
  property: () =>
    fc.property(headerLists(0x7e), (lists) => {
      const encoder = new OtherEncoder(TABLE_BYTES);
      const decoder = new HpackDecoder(TABLE_BYTES, LIST_LIMIT_BYTES);
      for (const list of lists) {
        const block = encoder.encode(list);
        deepEqual([...decoder.decode(block, 0, block.length).headers], list);
      }
    }),
};

/** The decoder may refuse a block, with one kind of error, and keeps no more than its limit. */
const anyBytes: Law = {
  name: 'hpack-any-bytes',
  title: 'any bytes are a header list within the limit, or a COMPRESSION_ERROR',
  property: () =>
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (blocks) => {
      const limitBytes = 500;
      const decoder = new HpackDecoder(TABLE_BYTES, limitBytes);
      try {
        for (const bytes of blocks) {
          const { headers } = decoder.decode(Buffer.from(bytes), 0, bytes.length);
          const size = headers.join('').length + 16 * headers.length;
          if (size > limitBytes) throw new Error(`a list of ${size} bytes was kept`);
        }
      } catch (error) {
        const refused = error instanceof ConnectionError && /COMPRESSION/.test(error.message);
        if (!refused) throw error;
      }
    }),
};

export const HPACK_LAWS: readonly Law[] = [roundTrip, otherReadsOurs, weReadOthers, anyBytes];
