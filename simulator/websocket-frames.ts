// The frames of RFC 6455, section 5, as far as an echo needs them: whole messages of up to one
// limit, masked from the client, unmasked to it.

/** One frame of a client. */
export interface WebSocketFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

// client-go writes at most 32 KiB per message; anything near this limit is not a client.
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

/** Cuts a byte stream into frames; keeps what is incomplete for the next chunk. */
export class WebSocketReader {
  #buffered = Buffer.alloc(0);

  /** The frames that are complete now. Throws on a frame that no client may send. */
  push(chunk: Buffer): WebSocketFrame[] {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    const frames: WebSocketFrame[] = [];
    for (let frame = this.#take(); frame; frame = this.#take()) frames.push(frame);
    return frames;
  }

  #take(): WebSocketFrame | undefined {
    const buffer = this.#buffered;
    const [first = 0, second = 0] = buffer;
    if (buffer.length < 2) return undefined;
    if ((second & 0x80) === 0) throw new Error('a client frame must be masked (RFC 6455, 5.1)');
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskAt = 2 + lengthBytes;
    if (buffer.length < maskAt + 4) return undefined;
    const length = payloadLength(buffer, short);
    if (length > MAX_PAYLOAD_BYTES) {
      throw new Error(`a frame of ${length} bytes is over the limit of ${MAX_PAYLOAD_BYTES}`);
    }
    const start = maskAt + 4;
    if (buffer.length < start + length) return undefined;
    const mask = buffer.subarray(maskAt, start);
    const payload = Buffer.from(buffer.subarray(start, start + length));
    for (let index = 0; index < payload.length; index++) {
      payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
    }
    this.#buffered = buffer.subarray(start + length);
    return { opcode: first & 0x0f, payload };
  }
}

function payloadLength(buffer: Buffer, short: number): number {
  if (short === 126) return buffer.readUInt16BE(2);
  if (short === 127) return Number(buffer.readBigUInt64BE(2));
  return short;
}

/** One final, unmasked frame. */
export function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 0x1_0000 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (payload.length < 126) head[1] = payload.length;
  else if (payload.length < 0x1_0000) {
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}
