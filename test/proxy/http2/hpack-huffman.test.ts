import { expect, test } from 'vitest';
import { huffmanBytes, huffmanDecode, huffmanEncode } from '../../../proxy/http2/hpack-huffman.ts';
import { HUFFMAN_STRINGS } from './hpack-vectors.ts';

function encode(text: string): Buffer {
  const output = Buffer.alloc(text.length * 4 + 1);
  return output.subarray(0, huffmanEncode(text, output, 0));
}

test.each(HUFFMAN_STRINGS)('RFC 7541 appendix C: %s is %s', (text, code) => {
  expect(encode(text).toString('hex')).toBe(code);
  expect(huffmanBytes(text)).toBe(code.length / 2);
  const input = Buffer.from(code, 'hex');
  expect(huffmanDecode(input, 0, input.length)).toBe(text);
});

test('each byte alone and doubled comes back', () => {
  for (let byte = 0; byte < 256; byte++) {
    for (const text of [String.fromCharCode(byte), String.fromCharCode(byte, byte)]) {
      const code = encode(text);
      expect(code.length).toBe(huffmanBytes(text));
      expect(huffmanDecode(code, 0, code.length)).toBe(text);
    }
  }
});

test('a string longer than the decoder assembles at once comes back', () => {
  const text = 'Kubernetes! '.repeat(2000);
  const code = encode(text);
  expect(huffmanDecode(code, 0, code.length)).toBe(text);
});

test('the empty string is no bytes', () => {
  expect(huffmanDecode(Buffer.alloc(0), 0, 0)).toBe('');
});

test('only the bytes asked for are decoded', () => {
  const code = Buffer.concat([Buffer.of(0), encode('302'), Buffer.of(0)]);
  expect(huffmanDecode(code, 1, code.length - 1)).toBe('302');
});
