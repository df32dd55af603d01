import { ConnectionError, ErrorCode } from './errors.ts';

/**
 * Code lengths in bits of the symbols 0 to 255 and EOS (RFC 7541, appendix B). The code is
 * canonical: codes of one length count up in symbol order, so the lengths say everything.
 */
const CODE_BITS = Uint8Array.from(
  (
    '13,23,28,28,28,28,28,28,28,24,30,28,28,30,28,28,28,28,28,28,28,28,30,28,28,28,28,28,28,28,28,' +
    '28,6,10,10,12,13,6,8,11,10,10,8,11,8,6,6,6,5,5,5,6,6,6,6,6,6,6,7,8,15,6,12,10,13,6,7,7,7,7,7,' +
    '7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,8,7,8,13,19,13,14,6,15,5,6,5,6,5,6,6,6,5,7,7,6,6,6,5,6,7,6,' +
    '5,5,6,7,7,7,7,7,15,11,14,13,28,20,22,20,20,22,22,22,23,22,23,23,23,23,23,24,23,24,24,22,23,24,' +
    '23,23,23,23,21,22,23,22,23,23,24,22,21,20,22,22,23,23,21,23,22,22,24,21,22,23,23,21,21,22,21,' +
    '23,22,23,23,20,22,22,22,23,22,22,23,26,26,20,19,22,23,22,25,26,26,26,27,27,26,24,25,19,21,26,' +
    '27,27,26,27,24,21,21,26,26,28,27,27,27,20,24,20,21,22,21,21,23,22,22,25,25,24,24,26,23,26,27,' +
    '26,26,27,27,27,27,27,28,27,27,27,27,27,26,30'
  )
    .split(',')
    .map(Number),
);
const EOS = 256;
const CODES = assignCodes();

function assignCodes(): Uint32Array {
  const codes = new Uint32Array(EOS + 1);
  let code = 0;
  for (let bits = 5; bits <= 30; bits++) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (CODE_BITS[symbol] === bits) codes[symbol] = code++;
    }
    code *= 2;
  }
  return codes;
}

/**
 * The decoder is a state machine over whole bytes. A state is an inner node of the code tree; a
 * step holds the next state (bits 0-7), how many symbols came out (bits 8-9; at most two, since the
 * shortest code has five bits), those symbols (bits 16-23, 24-31), or FAIL when EOS was met.
 */
const FAIL = 0x400;
const COUNT_SHIFT = 8;

interface Decoder {
  readonly steps: Uint32Array;
  /** 1 where the input may end: fewer than eight bits since the last symbol, all of them ones. */
  readonly mayEnd: Uint8Array;
}

/** Children of inner node n at 2n and 2n + 1: an inner node's number, or LEAF + symbol. */
const LEAF = 0x1000;

const decoder = buildDecoder();

function buildTree(): number[] {
  const children = [0, 0];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const bits = CODE_BITS[symbol] ?? 0;
    const code = CODES[symbol] ?? 0;
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const slot = 2 * node + ((code >>> bit) & 1);
      if (children[slot] === 0) {
        children[slot] = children.length / 2;
        children.push(0, 0);
      }
      node = children[slot] ?? 0;
    }
    children[2 * node + (code & 1)] = LEAF + symbol;
  }
  return children;
}

function buildDecoder(): Decoder {
  const children = buildTree();
  const states = children.length / 2;
  const steps = new Uint32Array(states * 256);
  for (let state = 0; state < states; state++) {
    for (let byte = 0; byte < 256; byte++) steps[state * 256 + byte] = step(children, state, byte);
  }
  const mayEnd = new Uint8Array(states);
  for (let depth = 0, node = 0; depth < 8; depth++) {
    mayEnd[node] = 1;
    node = children[2 * node + 1] ?? 0;
  }
  return { steps, mayEnd };
}

function step(children: readonly number[], state: number, byte: number): number {
  let node = state;
  let count = 0;
  let symbols = 0;
  for (let bit = 7; bit >= 0; bit--) {
    const next = children[2 * node + ((byte >>> bit) & 1)] ?? 0;
    if (next < LEAF) {
      node = next;
      continue;
    }
    if (next === LEAF + EOS) return FAIL;
    symbols |= (next - LEAF) << (16 + 8 * count);
    count += 1;
    node = 0;
  }
  return (symbols | (count << COUNT_SHIFT) | node) >>> 0;
}

/** Where a piece of a string is put together; nothing is kept in it between two calls. */
const piece = Buffer.allocUnsafeSlow(4096);

/** Decodes `input[start, end)` to a latin-1 string; bad input is a connection error. */
export function huffmanDecode(input: Buffer, start: number, end: number): string {
  const { steps, mayEnd } = decoder;
  let text = '';
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const next = steps[state * 256 + (input[i] ?? 0)] ?? FAIL;
    if (next & 0x700) {
      if (next & FAIL) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'EOS in a string');
      piece[length++] = next >>> 16;
      if (next & 0x200) piece[length++] = next >>> 24;
      if (length > piece.length - 2) {
        text += piece.toString('latin1', 0, length);
        length = 0;
      }
    }
    state = next & 0xff;
  }
  if (mayEnd[state] !== 1) {
    throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'bad Huffman padding');
  }
  return text + piece.toString('latin1', 0, length);
}

/** Bytes that `text` (latin-1) takes when Huffman-coded. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i)] ?? 0;
  return (bits + 7) >>> 3;
}

/** Writes `text` (latin-1) Huffman-coded at `offset` and returns the offset behind it. */
export function huffmanEncode(text: string, output: Buffer, offset: number): number {
  let at = offset;
  let pending = 0; // Fewer than eight bits between two symbols, so 38 bits at most: not a 32-bit int.
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const bits = CODE_BITS[symbol] ?? 0;
    pending = pending * 2 ** bits + (CODES[symbol] ?? 0);
    pendingBits += bits;
    while (pendingBits >= 8) {
      pendingBits -= 8;
      const high = Math.floor(pending / 2 ** pendingBits);
      output[at++] = high;
      pending -= high * 2 ** pendingBits;
    }
  }
  if (pendingBits > 0) {
    const fill = 8 - pendingBits;
    output[at++] = pending * 2 ** fill + (2 ** fill - 1);
  }
  return at;
}
