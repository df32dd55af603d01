import type { Duplex } from 'node:stream';
import { Flag, FRAME_HEADER_BYTES, FrameType, PREFACE } from './frame.ts';
import type { WriteBuffers } from './write-buffers.ts';

/** The smallest of the buffers that are used again. */
const SLAB_BYTES = 8 * 1024;
const EMPTY = Buffer.alloc(0);
/** DATA up to this size is copied beside its header: cheaper than one more chunk to gather. */
const COPY_BYTES = 1024;
/** What may be gathered in one turn before senders must wait. */
const MAX_GATHERED_BYTES = 256 * 1024;

/**
 * Encodes frames and hands them to the socket once per turn of the event loop: what one turn of
 * reading brings for a connection becomes one write, so one TLS record and one system call.
 */
export class FrameWriter {
  /** DATA frames written so far. */
  dataFrames = 0;
  /** The newest stream of which a header block has been handed to the socket. */
  flushedStreamId = 0;
  private readonly socket: Duplex;
  private readonly buffers: WriteBuffers;
  private readonly onRoom: () => void;
  /** Nothing leaves yet: the peer has not shown who it is. */
  private held: boolean;
  private newestStreamId = 0;
  /** Only while something is gathered: a connection that waits must not hold any. */
  private slab: Buffer = EMPTY;
  /** The slab's bytes before `slabStart` have been gathered; those up to `slabEnd` are written. */
  private slabStart = 0;
  private slabEnd = 0;
  private gathered: Buffer[] = [];
  /** Slabs that parts of `gathered` lie in, besides the last one. */
  private fullSlabs: Buffer[] = [];
  private gatheredBytes = 0;
  private scheduled = false;
  private closed = false;
  private readonly flushNow = (): void => this.flush();

  /**
   * @param buffers shared by all connections
   * @param held true when nothing may leave before `release`
   * @param onRoom called when waiting DATA may go on although the socket will not say `drain`
   */
  constructor(socket: Duplex, buffers: WriteBuffers, held: boolean, onRoom: () => void) {
    this.socket = socket;
    this.buffers = buffers;
    this.held = held;
    this.onRoom = onRoom;
  }

  /** True when DATA must wait: the socket does not keep up, or this turn has gathered enough. */
  get blocked(): boolean {
    return this.socket.writableNeedDrain || this.gatheredBytes > MAX_GATHERED_BYTES;
  }

  /** Bytes that are written and not yet taken by the operating system. */
  get backlogBytes(): number {
    return this.gatheredBytes + this.socket.writableLength;
  }

  preface(): void {
    const at = this.reserve(PREFACE.length);
    PREFACE.copy(this.slab, at);
  }

  /** A header block in as many frames as the peer's frame size asks for. */
  headers(streamId: number, block: Buffer, endStream: boolean, maxFrameBytes: number): void {
    this.newestStreamId = Math.max(this.newestStreamId, streamId);
    let at = 0;
    let type: number = FrameType.HEADERS;
    let flags = endStream ? Flag.END_STREAM : 0;
    do {
      const bytes = Math.min(block.length - at, maxFrameBytes);
      if (at + bytes === block.length) flags |= Flag.END_HEADERS;
      const offset = this.begin(bytes, type, flags, streamId, bytes);
      block.copy(this.slab, offset, at, at + bytes);
      at += bytes;
      type = FrameType.CONTINUATION;
      flags = 0;
    } while (at < block.length);
  }

  /** One DATA frame with `chunk[start, end)`; the caller keeps to windows and frame size. */
  data(streamId: number, chunk: Buffer, start: number, end: number, endStream: boolean): void {
    this.dataFrames += 1;
    const bytes = end - start;
    const flags = endStream ? Flag.END_STREAM : 0;
    if (bytes <= COPY_BYTES) {
      const offset = this.begin(bytes, FrameType.DATA, flags, streamId, bytes);
      chunk.copy(this.slab, offset, start, end);
      return;
    }
    this.begin(bytes, FrameType.DATA, flags, streamId, 0);
    this.gatherSlab();
    if (this.closed) return;
    this.gathered.push(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
    this.gatheredBytes += bytes;
  }

  resetStream(streamId: number, code: number): void {
    const at = this.begin(4, FrameType.RST_STREAM, 0, streamId, 4);
    this.slab.writeUInt32BE(code, at);
  }

  windowUpdate(streamId: number, bytes: number): void {
    const at = this.begin(4, FrameType.WINDOW_UPDATE, 0, streamId, 4);
    this.slab.writeUInt32BE(bytes, at);
  }

  settings(payload: Buffer): void {
    const at = this.begin(payload.length, FrameType.SETTINGS, 0, 0, payload.length);
    payload.copy(this.slab, at);
  }

  settingsAck(): void {
    this.begin(0, FrameType.SETTINGS, Flag.ACK, 0, 0);
  }

  /** @param payload the 8 opaque bytes at `payload[start]` */
  ping(payload: Buffer, start: number, ack: boolean): void {
    const at = this.begin(8, FrameType.PING, ack ? Flag.ACK : 0, 0, 8);
    payload.copy(this.slab, at, start, start + 8);
  }

  goaway(lastStreamId: number, code: number, detail: string): void {
    const bytes = 8 + detail.length;
    const at = this.begin(bytes, FrameType.GOAWAY, 0, 0, bytes);
    this.slab.writeUInt32BE(lastStreamId, at);
    this.slab.writeUInt32BE(code, at + 4);
    this.slab.write(detail, at + 8, 'latin1');
  }

  /** From now on frames leave. */
  release(): void {
    this.held = false;
    this.flush();
  }

  /** Hands everything to the socket, and takes nothing more. */
  finish(): void {
    if (!this.held) this.write();
    this.close();
  }

  /** Nothing more is written, not even what was gathered. */
  close(): void {
    this.closed = true;
    this.forget();
  }

  private flush(): void {
    this.scheduled = false;
    if (this.held || this.closed) return;
    this.write();
    // The turn's limit is behind us. When the socket is the limit, it says when it has room.
    if (!this.socket.writableNeedDrain) this.onRoom();
  }

  private write(): void {
    this.gatherSlab();
    const chunks = this.gathered;
    const bytes = this.gatheredBytes;
    const slabs = this.fullSlabs;
    if (this.slab !== EMPTY) slabs.push(this.slab);
    this.forget();
    if (bytes === 0 || this.socket.destroyed) return;
    this.flushedStreamId = this.newestStreamId;
    const only = chunks.length === 1 ? chunks[0] : undefined;
    if (only !== undefined) {
      this.send(only, slabs);
      return;
    }
    const together = this.gatherInOne(chunks, bytes);
    // They have been copied.
    for (const slab of slabs) this.buffers.give(slab);
    this.send(bytes === together.length ? together : together.subarray(0, bytes), [together]);
  }

  private forget(): void {
    this.gathered = [];
    this.gatheredBytes = 0;
    this.fullSlabs = [];
    this.slab = EMPTY;
    this.slabStart = 0;
    this.slabEnd = 0;
  }

  private gatherInOne(chunks: readonly Buffer[], bytes: number): Buffer {
    const together = this.buffers.take(bytes);
    let at = 0;
    for (const chunk of chunks) {
      together.set(chunk, at);
      at += chunk.length;
    }
    return together;
  }

  /** @param held what the bytes lie in, to be used again when the socket has taken them */
  private send(bytes: Buffer, held: readonly Buffer[]): void {
    this.socket.write(bytes, (error) => {
      // After a failure nobody knows who may still read it.
      if (error != null) return;
      for (const buffer of held) this.buffers.give(buffer);
    });
  }

  /** Writes a frame header, and makes room for `inlineBytes` of its payload behind it. */
  private begin(
    length: number,
    type: number,
    flags: number,
    streamId: number,
    inlineBytes: number,
  ): number {
    const at = this.reserve(FRAME_HEADER_BYTES + inlineBytes);
    const { slab } = this;
    slab[at] = length >>> 16;
    slab[at + 1] = length >>> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab.writeUInt32BE(streamId, at + 5);
    return at + FRAME_HEADER_BYTES;
  }

  private reserve(bytes: number): number {
    if (!this.scheduled && !this.closed) {
      this.scheduled = true;
      setImmediate(this.flushNow);
    }
    if (this.slabEnd + bytes > this.slab.length) {
      this.gatherSlab();
      if (this.slab !== EMPTY) this.fullSlabs.push(this.slab);
      this.slab = this.buffers.take(Math.max(SLAB_BYTES, bytes));
      this.slabStart = 0;
      this.slabEnd = 0;
    }
    const at = this.slabEnd;
    this.slabEnd += bytes;
    return at;
  }

  private gatherSlab(): void {
    if (this.slabEnd === this.slabStart || this.closed) return;
    this.gathered.push(this.slab.subarray(this.slabStart, this.slabEnd));
    this.gatheredBytes += this.slabEnd - this.slabStart;
    this.slabStart = this.slabEnd;
  }
}
