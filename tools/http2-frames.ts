// HTTP/2 frames by hand, legal or not: for peers that no library lets us be. Shares no code with the
// engine that it is used against.

export const Frame = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer | string = '',
): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const header = Buffer.alloc(9);
  header.writeUIntBE(body.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, body]);
}

/** A 32-bit number, as RST_STREAM and WINDOW_UPDATE carry. */
export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

export function settings(...pairs: (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(Frame.SETTINGS, 0, 0, payload);
}

/** A header block of literals that no table takes part in. Strings are latin-1. */
export function block(list: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, text] of list.entries()) {
    if (index % 2 === 0) parts.push(Buffer.of(0));
    parts.push(integer(text.length), Buffer.from(text, 'latin1'));
  }
  return Buffer.concat(parts);
}

/** An HPACK integer with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export const REQUEST: readonly string[] = [
  ':method',
  'GET',
  ':scheme',
  'http',
  ':path',
  '/',
  ':authority',
  'test',
];

export function headers(
  streamId: number,
  list: readonly string[] = REQUEST,
  flags = END_HEADERS | END_STREAM,
): Buffer {
  return frame(Frame.HEADERS, flags, streamId, block(list));
}

export function data(streamId: number, payload: Buffer | string, flags = 0): Buffer {
  return frame(Frame.DATA, flags, streamId, Buffer.from(payload as string));
}

/** Cuts complete frames off the front of `input`. */
export function parseFrames(input: Buffer): { frames: RawFrame[]; rest: Buffer } {
  const frames: RawFrame[] = [];
  let at = 0;
  while (input.length - at >= 9) {
    const end = at + 9 + input.readUIntBE(at, 3);
    if (end > input.length) break;
    frames.push({
      type: input[at + 3] ?? 0,
      flags: input[at + 4] ?? 0,
      streamId: input.readUInt32BE(at + 5),
      payload: input.subarray(at + 9, end),
    });
    at = end;
  }
  return { frames, rest: input.subarray(at) };
}
