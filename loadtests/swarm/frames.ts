// Cuts the body of a watch into its events, without reading what is in them: thousands of watchers
// get each event, and JSON.parse of all of them would be most of what the swarm does.

/** Takes whole frames. The bytes are only good until it returns. */
export type FrameSink = (frame: Buffer) => void;

export interface FrameSplitter {
  /** Throws a FrameError when the bytes are no frames; nothing may be fed after that. */
  feed(chunk: Buffer): void;
  /** Bytes that wait for the rest of their frame. */
  readonly pendingBytes: number;
}

/** The body is not what a watch sends. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

// etcd takes 1.5 MiB in a request, and JSON is larger than what is stored.
const FRAME_MAX_BYTES = 16 * 1024 * 1024;
const LENGTH_BYTES = 4;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
// RFC 8259 section 2: what may stand between two values.
const WHITESPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** What has come of a frame so far. */
class Pending {
  #chunks: Buffer[] = [];
  bytes = 0;

  add(part: Buffer): void {
    if (part.length === 0) return;
    this.bytes += part.length;
    if (this.bytes > FRAME_MAX_BYTES) {
      throw new FrameError(`a frame of more than ${FRAME_MAX_BYTES} bytes`);
    }
    // The stream may use the chunk's memory again once it has been handed out.
    this.#chunks.push(Buffer.from(part));
  }

  /** The whole frame, which ends with `last`; copies only when it came in several chunks. */
  take(last: Buffer): Buffer {
    if (this.bytes === 0) return last;
    const frame = Buffer.concat([...this.#chunks, last]);
    this.#chunks = [];
    this.bytes = 0;
    return frame;
  }
}

/**
 * Objects one after the other, as apimachinery's json.Framer finds them: by braces that are not
 * inside of a string. Where it left off is kept, so that no byte is looked at twice.
 */
export class JsonFrames implements FrameSplitter {
  readonly #sink: FrameSink;
  readonly #pending = new Pending();
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  feed(chunk: Buffer): void {
    let startAt = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#inString) {
        at = this.#skipString(chunk, at);
        continue;
      }
      const ends = this.#step(chunk[at] ?? 0);
      at += 1;
      if (ends) this.#sink(this.#pending.take(chunk.subarray(startAt, at)));
      if (this.#depth === 0) startAt = at;
    }
    this.#pending.add(chunk.subarray(startAt));
  }

  /** One byte outside of strings. True when it is the last one of an object. */
  #step(byte: number): boolean {
    if (byte === OPEN) {
      this.#depth += 1;
      return false;
    }
    if (this.#depth === 0) {
      if (WHITESPACE.has(byte)) return false;
      throw new FrameError(`a byte ${byte} between two objects`);
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === CLOSE) this.#depth -= 1;
    return this.#depth === 0;
  }

  /** Returns where the string is over, or the end of the chunk. */
  #skipString(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return at + 1;
      }
    }
    return chunk.length;
  }
}

/** Four bytes of length and then the event: apimachinery's framer.NewLengthDelimitedFrameReader. */
export class ProtobufFrames implements FrameSplitter {
  readonly #sink: FrameSink;
  readonly #pending = new Pending();

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  feed(chunk: Buffer): void {
    const bytes = this.#pending.take(chunk);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32BE(at);
      if (length > FRAME_MAX_BYTES) throw new FrameError(`a frame of ${length} bytes`);
      const endAt = at + LENGTH_BYTES + length;
      if (endAt > bytes.length) break;
      this.#sink(bytes.subarray(at + LENGTH_BYTES, endAt));
      at = endAt;
    }
    this.#pending.add(bytes.subarray(at));
  }
}
