// Splits the body of a watch into whole events, so that the door can leave one upstream and go on
// with another without the client seeing a cut.
import {
  type FrameReader,
  INCOMPLETE,
  plainFrame,
  TOO_LARGE,
  type WatchFrame,
} from './watch-frame.ts';
import { JsonFrameReader } from './watch-json.ts';
import { ProtobufFrameReader } from './watch-protobuf.ts';

/** Why a stream is no longer split. */
export type FramingLoss = 'too-large' | 'malformed';

export interface WatchFramer {
  /**
   * Takes the next bytes of the body and hands on each event that has become whole, in order. All
   * bytes come out once and unchanged; `bufferedBytes` of them are still held. The chunk may be
   * referred to by frames and must not be written to again. Never throws by itself; `onFrame` must
   * not throw either, nor call `push`.
   */
  push(chunk: Buffer, onFrame: (frame: WatchFrame) => void): void;
  /** Bytes of an event that is not whole yet. At the end of a body they are nobody's. */
  readonly bufferedBytes: number;
  /**
   * Set by an event longer than MAX_FRAME_BYTES and by a body that is not what it was declared to
   * be. From then on chunks pass through as they come, each as one frame of type UNKNOWN.
   */
  readonly lost: FramingLoss | undefined;
}

/**
 * A framer for a body of these two headers, or undefined for one that is not tracked: CBOR, YAML,
 * WebSocket, anything compressed, anything unheard of. One for each response.
 */
export function createWatchFramer(
  contentType: string | undefined,
  contentEncoding?: string,
): WatchFramer | undefined {
  if (contentEncoding !== undefined && contentEncoding.trim().toLowerCase() !== 'identity') {
    return undefined;
  }
  const [mediaType, ...parameters] = (contentType ?? '').toLowerCase().split(';');
  switch (mediaType?.trim()) {
    case 'application/json':
      return new Framer(new JsonFrameReader());
    case 'application/vnd.kubernetes.protobuf':
      // Without the parameter the body is one object, without a length in front.
      return parameters.some((parameter) => parameter.trim() === 'stream=watch')
        ? new Framer(new ProtobufFrameReader())
        : undefined;
    default:
      return undefined;
  }
}

/**
 * An event that lies within one chunk is handed on without copying. Of one that spans chunks the
 * parts are copied together: a reference would keep alive the whole read buffer that a part lies
 * in, many times its size, and a body may arrive in parts of one byte.
 */
class Framer implements WatchFramer {
  readonly #reader: FrameReader;
  #held: Buffer | undefined;
  #heldBytes = 0;
  #lost: FramingLoss | undefined;

  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  get bufferedBytes(): number {
    return this.#heldBytes;
  }

  get lost(): FramingLoss | undefined {
    return this.#lost;
  }

  push(chunk: Buffer, onFrame: (frame: WatchFrame) => void): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#lost !== undefined) {
        onFrame(plainFrame(chunk.subarray(at), 'UNKNOWN'));
        return;
      }
      at =
        this.#held === undefined
          ? this.#fromChunk(chunk, at, onFrame)
          : this.#fromHeld(this.#held, chunk, at, onFrame);
    }
  }

  /** Both return how far the chunk has been used up. */
  #fromChunk(chunk: Buffer, from: number, onFrame: (frame: WatchFrame) => void): number {
    const end = this.#reader.find(chunk, from, chunk.length);
    if (end > 0) {
      onFrame(this.#reader.read(chunk.subarray(from, end)));
      return end;
    }
    if (end === INCOMPLETE) {
      this.#held = Buffer.from(chunk.subarray(from));
      this.#heldBytes = chunk.length - from;
      return chunk.length;
    }
    this.#lose(end);
    return from;
  }

  #fromHeld(
    held: Buffer,
    chunk: Buffer,
    from: number,
    onFrame: (frame: WatchFrame) => void,
  ): number {
    const wantedBytes = this.#reader.wanted(chunk, from, this.#heldBytes);
    const bytes = this.#hold(held, chunk, from, from + wantedBytes);
    const end = this.#reader.find(bytes, 0, this.#heldBytes);
    if (end === INCOMPLETE) return from + wantedBytes;
    const frameBytes = end > 0 ? end : this.#heldBytes;
    // What was copied behind the frame's end is read again in the chunk.
    const used = from + wantedBytes - (this.#heldBytes - frameBytes);
    this.#held = undefined;
    this.#heldBytes = 0;
    const frame = bytes.subarray(0, frameBytes);
    if (end > 0) {
      onFrame(this.#reader.read(frame));
    } else {
      this.#lose(end);
      onFrame(plainFrame(frame, 'UNKNOWN'));
    }
    return used;
  }

  #hold(held: Buffer, chunk: Buffer, from: number, to: number): Buffer {
    const needed = this.#heldBytes + to - from;
    let bytes = held;
    if (needed > held.length) {
      // Doubled, so that bytes that come one by one are not copied again and again.
      bytes = Buffer.allocUnsafe(Math.max(needed, 2 * held.length));
      held.copy(bytes, 0, 0, this.#heldBytes);
      this.#held = bytes;
    }
    chunk.copy(bytes, this.#heldBytes, from, to);
    this.#heldBytes = needed;
    return bytes;
  }

  #lose(found: number): void {
    this.#lost = found === TOO_LARGE ? 'too-large' : 'malformed';
  }
}
