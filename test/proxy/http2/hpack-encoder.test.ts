import { expect, test } from 'vitest';
import type { HeaderList } from '../../../proxy/http2/header-list.ts';
import { HpackDecoder } from '../../../proxy/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../../proxy/http2/hpack-encoder.ts';
import { SEQUENCES, SINGLE_FIELDS } from './hpack-vectors.ts';

/** An encoder with the decoder of its peer, which must always understand it. */
function pair({ huffman = false } = {}) {
  const encoder = new HpackEncoder({ huffman });
  const decoder = new HpackDecoder(4096, 1 << 20);
  const send = (headers: readonly string[]) => {
    const block = Buffer.from(encoder.encode([...headers]));
    return { block, headers: [...decoder.decode(block, 0, block.length).headers] };
  };
  return { encoder, send };
}

const LISTS = [...SINGLE_FIELDS, ...SEQUENCES.flatMap(({ vectors }) => vectors)];

test.each([false, true])('the lists of RFC 7541 appendix C come back, Huffman %s', (huffman) => {
  const { send } = pair({ huffman });
  for (const { headers } of LISTS) expect(send(headers).headers).toEqual(headers);
  for (const { headers } of LISTS) expect(send(headers).headers).toEqual(headers);
});

test('a field of the static table takes one byte', () => {
  expect(pair().send([':method', 'GET', ':status', '200']).block.toString('hex')).toBe('8288');
});

test('a field that comes again takes one byte', () => {
  const { send } = pair();
  const list = ['x-remote-user', 'system:node:a', 'accept', 'application/json'];
  expect(send(list).block.length).toBeGreaterThan(30);
  expect(send(list).block.length).toBe(2);
});

test('the path is never put into the table, because it differs each time', () => {
  const { send } = pair();
  const size = send([':path', '/api/v1/pods']).block.length;
  expect(send([':path', '/api/v1/pods']).block.length).toBe(size);
});

test.each(['authorization', 'cookie', 'set-cookie', 'proxy-authorization'])(
  '%s is sent as a never-indexed literal, each time',
  (name) => {
    const { send } = pair();
    for (let round = 0; round < 2; round++) {
      const { block, headers } = send([name, 'secret']);
      expect((block[0] ?? 0) & 0xf0).toBe(0x10);
      expect(headers).toEqual([name, 'secret']);
    }
  },
);

test('what arrived never-indexed is sent on never-indexed', () => {
  const headers: HeaderList = ['x-token', 'secret'];
  headers.neverIndexed = new Set(['x-token']);
  const encoder = new HpackEncoder();
  expect((encoder.encode(headers)[0] ?? 0) & 0xf0).toBe(0x10);
});

test('thousands of different fields keep both tables in step', () => {
  const { send } = pair();
  for (let round = 0; round < 3000; round++) {
    const list = [`name-${round % 97}`, `value-${round}`, 'same', `again-${round % 50}`];
    expect(send(list).headers).toEqual(list);
  }
});

test('a peer that lowers the table is told so, and understood', () => {
  const { encoder, send } = pair();
  const list = ['one', 'a', 'two', 'b', 'three', 'c'];
  send(list);
  encoder.setTableLimit(80);
  const { block, headers } = send(list);
  // A size update of 80 with its prefix of five bits.
  expect(block.subarray(0, 2).toString('hex')).toBe('3f31');
  expect(headers).toEqual(list);
  expect(send(list).headers).toEqual(list);
});

test('a table lowered and raised between two blocks is emptied on both sides', () => {
  const { encoder, send } = pair();
  send(['one', 'a']);
  encoder.setTableLimit(0);
  encoder.setTableLimit(4096);
  const { block, headers } = send(['one', 'a']);
  expect(block.subarray(0, 4).toString('hex')).toBe('203fe11f');
  expect(headers).toEqual(['one', 'a']);
  expect(send(['one', 'a']).block.length).toBe(1);
});

test('a table of no size is not used', () => {
  const { encoder, send } = pair();
  encoder.setTableLimit(0);
  send(['one', 'a']);
  expect(send(['one', 'a']).block.length).toBeGreaterThan(4);
});

test('a peer that allows a larger table does not get one', () => {
  const { encoder, send } = pair();
  encoder.setTableLimit(1 << 20);
  expect(send([':method', 'GET']).block.toString('hex')).toBe('82');
});

test('blocks larger than the output buffer are whole', () => {
  const { send } = pair();
  const list = Array.from({ length: 200 }, (_, i) => [`n${i}`, 'v'.repeat(i * 3)]).flat();
  expect(send(list).headers).toEqual(list);
});

test('Huffman coding is used where it saves bytes, and only there', () => {
  const { send } = pair({ huffman: true });
  expect(send([':path', '/api/v1/namespaces/default/pods']).block.length).toBeLessThan(31);
  const odd = '\xff\xfe\xfd'.repeat(5);
  expect(send([':path', odd])).toMatchObject({ headers: [':path', odd] });
  expect(send([':path', odd]).block.length).toBe(2 + 15);
});

test('every byte of latin-1 comes back, in both codings', () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');
  expect(pair().send(['x', all]).headers).toEqual(['x', all]);
  expect(pair({ huffman: true }).send(['x', all]).headers).toEqual(['x', all]);
});
