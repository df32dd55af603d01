/** Chunks up to this size are copied together, so that many tiny ones cost no more than one. */
const SMALL_BYTES = 512;
const SLAB_BYTES = 2048;
/**
 * A chunk is mostly a view of a whole read, with the data of many streams. One that has to wait is
 * copied when it would keep more than this many times its own size alive.
 */
const MAX_PINNED_FACTOR = 2;
const EMPTY = Buffer.alloc(0);

/**
 * The bytes of one stream that wait for a window. A peer that sends one byte a frame must not make
 * us keep one buffer object, of a hundred times that size, for each of them.
 */
export class SendQueue {
  /** Bytes of the first chunk that have been sent. */
  offset = 0;
  private chunks: Buffer[] = [];
  private slab: Buffer = EMPTY;
  /** The part of the slab that is the last chunk: a small chunk may be put behind it. */
  private slabStart = 0;
  private slabEnd = 0;

  get empty(): boolean {
    return this.chunks.length === 0;
  }

  /** The chunk to send from `offset` on. */
  get first(): Buffer | undefined {
    return this.chunks[0];
  }

  /** Nothing comes behind the first chunk. */
  get atLast(): boolean {
    return this.chunks.length === 1;
  }

  /** @param from where the part of `chunk` begins that is to wait; it is not empty */
  push(chunk: Buffer, from: number): void {
    const bytes = chunk.length - from;
    if (bytes > SMALL_BYTES) {
      const rest = from === 0 ? chunk : chunk.subarray(from);
      const pinsMuch = chunk.buffer.byteLength > MAX_PINNED_FACTOR * bytes;
      this.chunks.push(pinsMuch ? Buffer.concat([rest]) : rest);
      this.slabStart = this.slabEnd;
      return;
    }
    if (this.slab.length - this.slabEnd < bytes) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.slabStart = 0;
      this.slabEnd = 0;
    }
    if (this.slabStart === this.slabEnd) this.chunks.push(EMPTY);
    chunk.copy(this.slab, this.slabEnd, from);
    this.slabEnd += bytes;
    this.chunks[this.chunks.length - 1] = this.slab.subarray(this.slabStart, this.slabEnd);
  }

  /** `bytes` of the first chunk have been sent. */
  take(bytes: number): void {
    this.offset += bytes;
    if (this.offset < (this.chunks[0]?.length ?? 0)) return;
    this.chunks.shift();
    this.offset = 0;
    // The next small chunk is one of its own.
    if (this.empty) this.slabStart = this.slabEnd;
  }
}
