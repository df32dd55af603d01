import { ConnectionError, ErrorCode } from './errors.ts';
import { Flag, FRAME_HEADER_BYTES, FrameType, MAX_FRAME_BYTES } from './frame.ts';

/** Receives what the reader finds. A thrown ConnectionError ends the reading. */
export interface FrameSink {
  /** Any frame but DATA, whole: its payload is `input[start, end)`, valid during the call. */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    input: Buffer,
    start: number,
    end: number,
  ): void;
  /** A DATA frame begins. `length` is its whole payload, padding included, as flow control counts. */
  onDataFrame(streamId: number, length: number): void;
  /**
   * Bytes of the DATA frame that `onDataFrame` announced, as they arrive and without padding. The
   * buffer may be kept.
   * @param overheadBytes padding, and its length field, that can be credited back with this piece
   * @param endStream true with the last piece of a frame that carries END_STREAM
   */
  onData(streamId: number, bytes: Buffer, overheadBytes: number, endStream: boolean): void;
}

const EMPTY = Buffer.alloc(0);

/**
 * Cuts input into frames (RFC 9113, section 4.1) however it is split. DATA is passed on in the
 * pieces in which it arrives, without a copy; other frames are put together first, which takes at
 * most MAX_FRAME_BYTES of memory.
 */
export class FrameReader {
  private readonly sink: FrameSink;
  private readonly header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  private headerBytes = 0;
  private stopped = false;
  private framesBegun = 0;

  private inFrame = false;
  private type = 0;
  private flags = 0;
  private streamId = 0;
  /** Payload bytes of the current frame that have not been read, without padding. */
  private missing = 0;
  /** A frame (not DATA) of which only a part has arrived. */
  private partial: Buffer | undefined;
  private partialBytes = 0;
  /** Of a DATA frame: the pad length field is still to be read. */
  private padLengthMissing = false;
  /** Of a DATA frame: padding that has not been read. */
  private padding = 0;
  /** Of a DATA frame: its last data has been passed on, only padding may follow. */
  private dataDone = false;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /** True while a frame has begun and not ended: a peer that stops here is slow or gone. */
  get midFrame(): boolean {
    return this.inFrame || this.headerBytes > 0;
  }

  /** A name for the frame that has begun and not ended, unless it is DATA. */
  get openFrame(): string | undefined {
    if (!this.midFrame || (this.inFrame && this.type === FrameType.DATA)) return undefined;
    return `frame ${this.framesBegun + (this.inFrame ? 0 : 1)}`;
  }

  /** Nothing more is read, not even the rest of the input that is being read. */
  stop(): void {
    this.stopped = true;
  }

  push(input: Buffer): void {
    let at = 0;
    while (!this.stopped) {
      if (!this.inFrame) {
        if (at >= input.length) return;
        at = this.readHeader(input, at);
        if (!this.inFrame) return;
      }
      at = this.type === FrameType.DATA ? this.readData(input, at) : this.readFrame(input, at);
      if (this.inFrame) return;
    }
  }

  private readHeader(input: Buffer, at: number): number {
    if (this.headerBytes === 0 && input.length - at >= FRAME_HEADER_BYTES) {
      this.begin(input, at);
      return at + FRAME_HEADER_BYTES;
    }
    const bytes = Math.min(FRAME_HEADER_BYTES - this.headerBytes, input.length - at);
    input.copy(this.header, this.headerBytes, at, at + bytes);
    this.headerBytes += bytes;
    if (this.headerBytes === FRAME_HEADER_BYTES) {
      this.headerBytes = 0;
      this.begin(this.header, 0);
    }
    return at + bytes;
  }

  private begin(header: Buffer, at: number): void {
    const length = header.readUIntBE(at, 3);
    this.type = header[at + 3] ?? 0;
    this.flags = header[at + 4] ?? 0;
    this.streamId = header.readUInt32BE(at + 5) & 0x7fff_ffff;
    if (length > MAX_FRAME_BYTES) {
      throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `frame of ${length} bytes`);
    }
    this.inFrame = true;
    this.framesBegun += 1;
    this.missing = length;
    if (this.type !== FrameType.DATA) return;
    this.padLengthMissing = (this.flags & Flag.PADDED) !== 0;
    this.padding = 0;
    this.dataDone = false;
    if (this.padLengthMissing && length === 0) {
      throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'padded DATA without pad length');
    }
    this.sink.onDataFrame(this.streamId, length);
  }

  private readFrame(input: Buffer, at: number): number {
    const end = at + this.missing;
    if (this.partial === undefined && end <= input.length) {
      this.inFrame = false;
      this.sink.onFrame(this.type, this.flags, this.streamId, input, at, end);
      return end;
    }
    this.partial ??= Buffer.allocUnsafe(this.missing);
    const bytes = Math.min(this.missing, input.length - at);
    input.copy(this.partial, this.partialBytes, at, at + bytes);
    this.partialBytes += bytes;
    this.missing -= bytes;
    if (this.missing === 0) {
      const frame = this.partial;
      this.partial = undefined;
      this.partialBytes = 0;
      this.inFrame = false;
      this.sink.onFrame(this.type, this.flags, this.streamId, frame, 0, frame.length);
    }
    return at + bytes;
  }

  private readData(input: Buffer, start: number): number {
    let at = start;
    let overhead = 0;
    if (this.padLengthMissing) {
      if (at >= input.length) return at;
      this.padding = input[at++] ?? 0;
      this.padLengthMissing = false;
      overhead = 1 + this.padding;
      this.missing -= overhead;
      if (this.missing < 0) {
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'padding longer than its DATA frame');
      }
    }
    if (!this.dataDone) at = this.passOn(input, at, overhead);
    if (!this.dataDone) return at;
    const skipped = Math.min(this.padding, input.length - at);
    this.padding -= skipped;
    this.inFrame = this.padding > 0;
    return at + skipped;
  }

  private passOn(input: Buffer, at: number, overheadBytes: number): number {
    const end = Math.min(at + this.missing, input.length);
    this.missing -= end - at;
    this.dataDone = this.missing === 0;
    if (end > at || this.dataDone || overheadBytes > 0) {
      const piece = end === at ? EMPTY : input.subarray(at, end);
      const endStream = this.dataDone && (this.flags & Flag.END_STREAM) !== 0;
      this.sink.onData(this.streamId, piece, overheadBytes, endStream);
    }
    return end;
  }
}
