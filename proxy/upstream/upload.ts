import type { MessageStream } from '../http2/message-stream.ts';

/** The memory that all kept request bodies share. */
export class KeptBodyMemory {
  private leftBytes: number;

  constructor(totalBytes: number) {
    this.leftBytes = totalBytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.leftBytes) return false;
    this.leftBytes -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.leftBytes += bytes;
  }
}

/**
 * A request body on its way to an endpoint. What has arrived is kept, so that another attempt can
 * send it again; a body that is too long for that is sent on and not kept.
 */
export class Upload {
  /** All of the body that has arrived is at hand, so that it can be sent once more. */
  kept = true;
  /** The client has sent the end. */
  ended: boolean;
  private chunks: Buffer[] = [];
  private keptBytes = 0;
  /** Bytes sent in this attempt, and those the client was given new window for. */
  private sentBytes = 0;
  private creditedBytes = 0;
  private readonly memory: KeptBodyMemory;
  private readonly maxKeptBytes: number;

  constructor(memory: KeptBodyMemory, maxKeptBytes: number, ended: boolean) {
    this.memory = memory;
    this.maxKeptBytes = maxKeptBytes;
    this.ended = ended;
  }

  /** True when the request can be sent with END_STREAM on its header section. */
  get empty(): boolean {
    return this.ended && this.chunks.length === 0;
  }

  add(chunk: Buffer, ended: boolean): void {
    this.ended ||= ended;
    if (chunk.length === 0 || !this.kept) return;
    if (this.keptBytes + chunk.length > this.maxKeptBytes || !this.memory.take(chunk.length)) {
      this.drop();
      return;
    }
    this.keptBytes += chunk.length;
    this.chunks.push(chunk);
  }

  /** Begins an attempt with what has arrived so far. */
  sendAgain(upstream: MessageStream): void {
    this.sentBytes = 0;
    // The list may be dropped while it is sent: an answer can come before its end.
    const { chunks } = this;
    for (const [index, chunk] of chunks.entries()) {
      upstream.sendData(chunk, this.ended && index === chunks.length - 1);
    }
  }

  /** Counts bytes that have left, and returns for how many the client may be given new window. */
  credit(bytes: number): number {
    // What an earlier attempt has sent already was credited then.
    this.sentBytes += bytes;
    const credit = Math.max(0, this.sentBytes - this.creditedBytes);
    this.creditedBytes += credit;
    return credit;
  }

  /** It will not be sent again: the memory is given back. */
  drop(): void {
    this.memory.giveBack(this.keptBytes);
    this.keptBytes = 0;
    this.chunks = [];
    this.kept = false;
  }
}
