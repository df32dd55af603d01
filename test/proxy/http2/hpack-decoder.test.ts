import { expect, test } from 'vitest';
import { HpackDecoder } from '../../../proxy/http2/hpack-decoder.ts';
import { huffmanBytes, huffmanEncode } from '../../../proxy/http2/hpack-huffman.ts';
import { SEQUENCES, SINGLE_FIELDS } from './hpack-vectors.ts';

const LIST_LIMIT = 65_536;

function decoderOf(tableBytes = 4096, listBytes = LIST_LIMIT): (hex: string) => string[] {
  const decoder = new HpackDecoder(tableBytes, listBytes);
  return (hex) => {
    const input = Buffer.from(hex, 'hex');
    return [...decoder.decode(input, 0, input.length).headers];
  };
}

test.each(SINGLE_FIELDS)('RFC 7541 C.2: $block is $headers', ({ block, headers }) => {
  expect(decoderOf()(block)).toEqual(headers);
});

test.each(SEQUENCES)('RFC 7541 $name decode with one table', ({ tableBytes, vectors }) => {
  const decode = decoderOf(tableBytes);
  for (const { block, headers } of vectors) expect(decode(block)).toEqual(headers);
});

test('integers of several bytes are read as in RFC 7541 C.1.2', () => {
  // 1337 with a prefix of five bits, as a table size update within the limit.
  expect(decoderOf()('3f9a0a82')).toEqual([':method', 'GET']);
});

test('a block is decoded where it lies in a larger buffer', () => {
  const input = Buffer.from('ffff82ffff', 'hex');
  expect([...new HpackDecoder(4096, LIST_LIMIT).decode(input, 2, 3).headers]).toEqual([
    ':method',
    'GET',
  ]);
});

test('the oldest entries are evicted when a new one needs their room', () => {
  const decode = decoderOf(2 * (32 + 2));
  decode('4001610162'); // a: b
  decode('4001630164'); // c: d
  decode('4001650166'); // e: f
  expect(decode('bebf')).toEqual(['e', 'f', 'c', 'd']);
  expect(() => decode('c0')).toThrow('COMPRESSION_ERROR: no table entry 64');
});

test('however many entries were evicted, an index means the ones that are left', () => {
  const decode = decoderOf(2 * (32 + 2));
  const inserted = (value: number): string => `400161017${value}`; // a: p to y
  for (let turn = 1; turn <= 500; turn += 1) {
    decode(inserted(turn % 10));
    decode(inserted((turn + 1) % 10));
    const [newer, older] = [turn + 1, turn].map((value) =>
      String.fromCharCode(0x70 + (value % 10)),
    );
    expect(decode('bebf')).toEqual(['a', newer, 'a', older]);
    expect(() => decode('c0')).toThrow('no table entry 64');
  }
});

test('an entry larger than the table empties it and is decoded all the same', () => {
  const decode = decoderOf(34);
  decode('4001610162');
  expect(decode('4002616103626262')).toEqual(['aa', 'bbb']);
  expect(() => decode('be')).toThrow('no table entry 62');
});

test('a table size update evicts, and the table may grow again up to the limit', () => {
  const decode = decoderOf(4096);
  decode('4001610162');
  expect(decode('2082')).toEqual([':method', 'GET']);
  expect(() => decode('be')).toThrow('no table entry 62');
  expect(decode('3fe11f4001630164')).toEqual(['c', 'd']);
  expect(decode('be')).toEqual(['c', 'd']);
});

test('two table size updates may begin a block', () => {
  const decode = decoderOf(4096);
  expect(decode('203fe11f4001610162')).toEqual(['a', 'b']);
  expect(decode('be')).toEqual(['a', 'b']);
});

test('names that arrive as never-indexed literals are remembered as such', () => {
  const input = Buffer.from('100870617373776f72640673656372657482', 'hex');
  const { headers } = new HpackDecoder(4096, LIST_LIMIT).decode(input, 0, input.length);
  expect(headers.neverIndexed).toEqual(new Set(['password']));
});

/** authorization (static entry 23), never indexed, and `:method: GET` behind it. */
function blockWithToken(token: string, huffman: boolean): Buffer {
  const text = Buffer.alloc(huffman ? huffmanBytes(token) : token.length);
  if (huffman) huffmanEncode(token, text, 0);
  else text.write(token, 'latin1');
  const bit = huffman ? 0x80 : 0;
  const length =
    text.length < 127 ? [bit | text.length] : [bit | 127, ...integerRest(text.length - 127)];
  return Buffer.concat([Buffer.from([0x1f, 0x08, ...length]), text, Buffer.from([0x82])]);
}

/** RFC 7541, section 5.1. */
function integerRest(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...integerRest(Math.floor(value / 128))];
}

test('never-indexed names of one block are not those of the next', () => {
  const decoder = new HpackDecoder(4096, LIST_LIMIT);
  const token = blockWithToken('Bearer abc', false);
  const password = Buffer.from('100870617373776f726406736563726574', 'hex');
  const namesOf = (...blocks: Buffer[]): unknown => {
    const block = Buffer.concat(blocks);
    return decoder.decode(block, 0, block.length).headers.neverIndexed;
  };
  for (let turn = 0; turn < 2; turn++) {
    expect(namesOf(token)).toEqual(new Set(['authorization']));
    expect(namesOf(token, password)).toEqual(new Set(['authorization', 'password']));
    expect(namesOf(password)).toEqual(new Set(['password']));
    expect(namesOf(Buffer.from('82', 'hex'))).toBeUndefined();
  }
});

test('a token is the one of its own block, whatever tokens came before on the connection', () => {
  const decoder = new HpackDecoder(4096, LIST_LIMIT);
  const long = `Bearer ${'eyJhbGciOi'.repeat(90)}`;
  const lastDiffers = `${long.slice(0, -1)}x`;
  const shorter = long.slice(0, 300);
  const tooLongToKeep = `Bearer ${'K9'.repeat(4000)}`;
  const tokens = [long, long, lastDiffers, long, shorter, long, '', long, tooLongToKeep];
  for (const token of [...tokens, tooLongToKeep, long, shorter, shorter]) {
    for (const huffman of [true, false, false, true]) {
      const block = blockWithToken(token, huffman);
      const { headers } = decoder.decode(block, 0, block.length);
      expect([...headers]).toEqual(['authorization', token, ':method', 'GET']);
      expect(headers.neverIndexed).toEqual(new Set(['authorization']));
    }
  }
});

test('a block that is cut short within the token of the block before is refused', () => {
  const block = blockWithToken(`Bearer ${'abc'.repeat(100)}`, true);
  const decoder = new HpackDecoder(4096, LIST_LIMIT);
  decoder.decode(block, 0, block.length);
  // The bytes behind its end belong to the next frame.
  expect(() => decoder.decode(block, 0, block.length - 2)).toThrow('string cut short');
});

test('a list over the limit is read to its end, so that the table stays in step', () => {
  const decoder = new HpackDecoder(4096, 100);
  const input = Buffer.from('4001610162828282824001630164', 'hex');
  const { headers, overLimit } = decoder.decode(input, 0, input.length);
  expect(overLimit).toBe(true);
  expect(headers.length).toBeLessThan(6 * 2);
  const next = decoder.decode(Buffer.from('bebf', 'hex'), 0, 2);
  expect([...next.headers]).toEqual(['c', 'd', 'a', 'b']);
});

test('ten thousand references to one entry keep nothing beyond the limit', () => {
  const decoder = new HpackDecoder(4096, LIST_LIMIT);
  const value = 'x'.repeat(3000);
  const entry = Buffer.concat([Buffer.from('400161', 'hex'), Buffer.from('7fb916', 'hex')]);
  const first = Buffer.concat([entry, Buffer.from(value)]);
  expect(decoder.decode(first, 0, first.length).headers).toHaveLength(2);
  const bomb = Buffer.alloc(10_000, 0xbe);
  const { headers, overLimit } = decoder.decode(bomb, 0, bomb.length);
  expect(overLimit).toBe(true);
  expect(headers.length).toBeLessThanOrEqual(2 * 22);
});

test.each([
  ['index 0', '80', 'no table entry 0'],
  ['an index beyond the tables', 'be', 'no table entry 62'],
  ['a name index beyond the tables', '7f0001', 'no table entry 63'],
  ['an integer without its end', 'ff', 'integer cut short'],
  ['an integer that goes on without end', 'ff808080808080808080', 'integer too large'],
  ['an integer over the limit', 'ffffffffffff0f', 'integer too large'],
  ['a string without its length', '40', 'string cut short'],
  ['a string longer than its block', '40016103', 'string cut short'],
  ['a field that has no value', '400161', 'string cut short'],
  ['a size update inside a block', '8220', 'table size update inside a header block'],
  ['a size update over the limit', '3fe21f', 'table size 4097 over 4096'],
  ['EOS in a Huffman string', '400161' + '84ffffffff', 'EOS in a string'],
  ['Huffman padding of zeros', '400161' + '8118', 'bad Huffman padding'],
  ['Huffman padding of a whole byte', '400161' + '821fff', 'bad Huffman padding'],
])('%s is a compression error', (_what, hex, message) => {
  expect(() => decoderOf()(hex)).toThrow(`COMPRESSION_ERROR: ${message}`);
});
