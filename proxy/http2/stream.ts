import { ErrorCode } from './errors.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { HeaderList } from './header-list.ts';
import type { MessageListener, MessageStream, ResetReason } from './message-stream.ts';

/** What a stream needs of the connection that it belongs to. */
export interface StreamHost {
  readonly writer: FrameWriter;
  /** Bytes that the peer lets us send on the connection as a whole. */
  sendWindow: number;
  /** The largest frame that the peer takes. */
  readonly maxFrameBytes: number;
  /** The window that each of the peer's streams begins with. */
  readonly receiveWindowBytes: number;
  encode(headers: HeaderList): Buffer;
  /** The stream has data that could not be sent; `resumeSending` is to be called when it may. */
  waitToSend(stream: Http2Stream): void;
  /** Both sides have ended, or one was reset: the stream is over. */
  release(stream: Http2Stream, resetByUs: boolean): void;
}

/** Takes the place of a listener until the owner has set its own, and after the end. */
export const silentListener: MessageListener = {
  onHeaders() {},
  onData() {},
  onSent() {},
  onReset() {},
};

/**
 * One HTTP/2 stream (RFC 9113, section 5): its state, its two windows and what waits to be sent.
 * It holds at most one receive window of bytes, because the peer gets new window only as the
 * listener reports bytes consumed.
 */
export class Http2Stream implements MessageStream {
  readonly id: number;
  listener: MessageListener = silentListener;
  /** END_STREAM has been sent; or received. */
  localEnded = false;
  remoteEnded = false;
  /** Over: no frame of it is sent or passed on any more. */
  closed = false;
  /** The final header section of the peer's message has been received. */
  headersReceived = false;
  /** Body bytes that the peer's content-length still promises; -1 when it gave none. */
  bodyMissing = -1;
  sendWindow: number;
  receiveWindow: number;
  /** In the connection's list of streams that wait to send. */
  waiting = false;

  private readonly host: StreamHost;
  private uncredited = 0;
  private queue: Buffer[] = [];
  /** Bytes of the queue's first buffer that have been sent. */
  private queueOffset = 0;
  private endQueued = false;
  private trailers: HeaderList | undefined;
  private readingStopped = false;

  constructor(id: number, host: StreamHost, sendWindow: number) {
    this.id = id;
    this.host = host;
    this.sendWindow = sendWindow;
    this.receiveWindow = host.receiveWindowBytes;
  }

  sendHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.closed || this.endQueued) return;
    if (endStream) this.endQueued = true;
    if (this.queue.length > 0) {
      // Only trailers can come behind data.
      this.trailers = headers;
      return;
    }
    this.writeHeaders(headers, endStream);
  }

  sendData(chunk: Buffer, endStream: boolean): void {
    if (this.closed || this.endQueued) return;
    if (endStream) this.endQueued = true;
    if (this.queue.length === 0) {
      const sent = this.sendPart(chunk, 0);
      if (sent === chunk.length && this.localEnded === this.endQueued) return;
      this.queueOffset = sent;
    }
    if (this.closed) return;
    this.queue.push(chunk);
    this.host.waitToSend(this);
  }

  /** True when something waits that the stream's own window lets through. */
  get maySend(): boolean {
    if (this.closed || this.queue.length === 0) return false;
    return this.sendWindow > 0 || this.queueOffset === this.queue[0]?.length;
  }

  /**
   * Sends one frame of what waits, so that streams take turns.
   * @returns false when the connection, not this stream, is what holds it up
   */
  resumeSending(): boolean {
    const chunk = this.queue[0];
    if (this.closed || chunk === undefined) return true;
    if (this.host.writer.blocked) return false;
    const sent = this.sendFrame(chunk, this.queueOffset, this.queue.length === 1);
    if (sent < 0) return this.host.sendWindow > 0;
    this.queueOffset += sent;
    if (this.queueOffset === chunk.length) {
      this.queue.shift();
      this.queueOffset = 0;
      if (this.queue.length === 0 && this.trailers !== undefined) {
        this.writeHeaders(this.trailers, true);
      }
    }
    if (sent > 0) this.listener.onSent(this, sent);
    return true;
  }

  consumed(bytes: number): void {
    if (this.closed || this.remoteEnded) return;
    this.uncredited += bytes;
    if (this.uncredited * 2 < this.host.receiveWindowBytes) return;
    this.host.writer.windowUpdate(this.id, this.uncredited);
    this.receiveWindow += this.uncredited;
    this.uncredited = 0;
  }

  stopReading(): void {
    if (this.closed || this.remoteEnded) return;
    this.readingStopped = true;
    if (this.localEnded) this.reset(ErrorCode.NO_ERROR);
  }

  reset(code: number): void {
    if (this.closed) return;
    // A stream whose end has been sent can only be waiting for the peer's: that is no failure.
    this.host.writer.resetStream(this.id, code);
    this.close(true);
  }

  /** The peer's END_STREAM has been received. */
  endRemote(): void {
    this.remoteEnded = true;
    if (this.localEnded) this.close(false);
  }

  /** The peer, or the end of the connection, has ended the stream. */
  abort(reason: ResetReason): void {
    if (this.closed) return;
    const { listener } = this;
    this.close(false);
    listener.onReset(this, reason);
  }

  /** We end the stream for what the peer did on it, and tell both. */
  refuse(code: number, detail: string): void {
    if (this.closed) return;
    const { listener } = this;
    this.reset(code);
    listener.onReset(this, { code, unprocessed: false, detail });
  }

  private close(resetByUs: boolean): void {
    this.closed = true;
    this.queue = [];
    this.trailers = undefined;
    this.listener = silentListener;
    this.host.release(this, resetByUs);
  }

  private writeHeaders(headers: HeaderList, endStream: boolean): void {
    const block = this.host.encode(headers);
    this.host.writer.headers(this.id, block, endStream, this.host.maxFrameBytes);
    if (endStream) this.endLocal();
  }

  /** Sends what the windows allow of `chunk` from `start`, and returns where it stopped. */
  private sendPart(chunk: Buffer, start: number): number {
    let at = start;
    while (!this.host.writer.blocked) {
      const sent = this.sendFrame(chunk, at, true);
      if (sent < 0) break;
      at += sent;
      if (at === chunk.length) break;
    }
    if (at > start) this.listener.onSent(this, at - start);
    return at;
  }

  /**
   * Sends one DATA frame of `chunk` from `at`.
   * @param last whether END_STREAM may go with the chunk's last byte
   * @returns how many bytes went, or -1 when a window is closed
   */
  private sendFrame(chunk: Buffer, at: number, last: boolean): number {
    const { host } = this;
    const left = chunk.length - at;
    const bytes = Math.min(left, this.sendWindow, host.sendWindow, host.maxFrameBytes);
    if (bytes <= 0 && left > 0) return -1;
    const endStream = last && bytes === left && this.endQueued && this.trailers === undefined;
    // An empty frame says nothing unless it ends the stream.
    if (bytes > 0 || endStream) host.writer.data(this.id, chunk, at, at + bytes, endStream);
    this.sendWindow -= bytes;
    host.sendWindow -= bytes;
    if (endStream) this.endLocal();
    return bytes;
  }

  private endLocal(): void {
    this.localEnded = true;
    if (this.remoteEnded) this.close(false);
    else if (this.readingStopped) this.reset(ErrorCode.NO_ERROR);
  }
}

/** Why a stream ended together with its connection. */
export function lostConnection(detail: string, unprocessed: boolean): ResetReason {
  return { code: ErrorCode.CANCEL, unprocessed, detail };
}
