import { ErrorCode } from './errors.ts';
import type { FrameWriter } from './frame-writer.ts';
import { assertLatin1, type HeaderList } from './header-list.ts';
import type { MessageListener, MessageStream, ResetReason } from './message-stream.ts';
import { SendQueue } from './send-queue.ts';

/** What a stream needs of the connection that it belongs to. */
export interface StreamHost {
  readonly writer: FrameWriter;
  /** Bytes that the peer lets us send on the connection as a whole. */
  sendWindow: number;
  /** The largest frame that the peer takes. */
  readonly maxFrameBytes: number;
  /** What the peer may send on a stream ahead of what is consumed. */
  readonly receiveWindowBytes: number;
  /** The window that a new stream begins with: larger until the peer knows our settings. */
  readonly firstReceiveWindowBytes: number;
  encode(headers: HeaderList): Buffer;
  /** The stream has data that could not be sent; `resumeSending` is to be called when it may. */
  waitToSend(stream: Http2Stream): void;
  /** Both sides have ended, or one was reset: the stream is over. */
  release(stream: Http2Stream, resetByUs: boolean): void;
  /** A listener has thrown: a bug, which ends this connection and must not end another. */
  fault(error: unknown): void;
}

const EMPTY = Buffer.alloc(0);

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
  /** A request that its owner has not been told of yet. */
  request: HeaderList | undefined;
  /** Over: no frame of it is sent or passed on any more. */
  closed = false;
  /** The final header section of the peer's message has been received. */
  headersReceived = false;
  /** Body bytes that the peer's content-length still promises; -1 when it gave none. */
  bodyMissing = -1;
  /** The request is HEAD: its response declares the length of a body that does not come. */
  headRequest = false;
  sendWindow: number;
  receiveWindow: number;

  private readonly host: StreamHost;
  /** Only while something waits: of most streams nothing ever does. */
  private queue: SendQueue | undefined;
  private uncredited = 0;
  private endQueued = false;
  private trailers: HeaderList | undefined;
  private readingStopped = false;
  /** Since the last look, something has left; and when a look last found all well. */
  private moved = false;
  private movingAtMs = 0;

  constructor(id: number, host: StreamHost, sendWindow: number) {
    this.id = id;
    this.host = host;
    this.sendWindow = sendWindow;
    this.receiveWindow = host.firstReceiveWindowBytes;
  }

  sendHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.closed || this.endQueued) return;
    assertLatin1(headers);
    this.endQueued = endStream;
    if (this.queue === undefined) this.writeHeaders(headers, endStream);
    // Only trailers can come behind data.
    else this.trailers = headers;
  }

  sendData(chunk: Buffer, endStream: boolean): void {
    if (this.closed || this.endQueued) return;
    if (endStream) this.endQueued = true;
    if (chunk.length === 0) {
      // An empty frame needs no window. Behind other data, that data's last frame says the end.
      if (endStream && this.queue === undefined) this.writeEnd();
      return;
    }
    const { listener } = this;
    const sent = this.queue === undefined ? this.sendPart(chunk) : 0;
    if (sent < chunk.length) {
      this.queue ??= new SendQueue();
      this.queue.push(chunk, sent);
      this.host.waitToSend(this);
    }
    // Last, because the listener may send more, which has to come behind this.
    if (sent > 0) this.tellSent(listener, sent);
  }

  /** True when something waits that the stream's own window lets through. */
  get maySend(): boolean {
    return this.queue !== undefined && this.sendWindow > 0;
  }

  /**
   * Sends one frame of what waits, so that streams take turns.
   * @returns false when the connection, not this stream, is what holds it up
   */
  resumeSending(): boolean {
    const { queue, listener } = this;
    const chunk = queue?.first;
    if (queue === undefined || chunk === undefined) return true;
    const sent = this.sendFrame(chunk, queue.offset, queue.atLast);
    if (sent === 0) return this.host.sendWindow > 0;
    queue.take(sent);
    if (queue.empty) {
      this.queue = undefined;
      if (this.trailers !== undefined) this.writeHeaders(this.trailers, true);
    }
    this.tellSent(listener, sent);
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

  /**
   * Ends a stream whose peer takes nothing (a slow read): what waits for it is memory of ours, and
   * the sender behind it is held up. To be called about once a second.
   */
  endIfStalled(nowMs: number, limitMs: number): void {
    const idle = this.queue === undefined;
    if (idle || this.moved || this.movingAtMs === 0) this.movingAtMs = nowMs;
    this.moved = false;
    if (nowMs - this.movingAtMs <= limitMs) return;
    this.refuse(ErrorCode.CANCEL, `nothing was taken for ${limitMs / 1000} s`);
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
    this.tellReset(listener, reason);
  }

  /** We end the stream for what the peer did on it, and tell both. */
  refuse(code: number, detail: string): void {
    if (this.closed) return;
    const { listener } = this;
    this.reset(code);
    this.tellReset(listener, { code, unprocessed: false, detail });
  }

  private tellReset(listener: MessageListener, reason: ResetReason): void {
    try {
      listener.onReset(this, reason);
    } catch (error) {
      this.host.fault(error);
    }
  }

  /** Also after the end: the last bytes count like all others. */
  private tellSent(listener: MessageListener, bytes: number): void {
    try {
      listener.onSent(this, bytes);
    } catch (error) {
      this.host.fault(error);
    }
  }

  private close(resetByUs: boolean): void {
    this.closed = true;
    this.queue = undefined;
    this.trailers = undefined;
    this.listener = silentListener;
    this.host.release(this, resetByUs);
  }

  private writeHeaders(headers: HeaderList, endStream: boolean): void {
    const block = this.host.encode(headers);
    this.host.writer.headers(this.id, block, endStream, this.host.maxFrameBytes);
    if (endStream) this.endLocal();
  }

  private writeEnd(): void {
    this.host.writer.data(this.id, EMPTY, 0, 0, true);
    this.endLocal();
  }

  /** Sends what the windows allow of `chunk`, and returns where it stopped. */
  private sendPart(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && !this.host.writer.blocked) {
      const sent = this.sendFrame(chunk, at, true);
      if (sent === 0) break;
      at += sent;
    }
    return at;
  }

  /**
   * Sends one DATA frame of `chunk` from `at`.
   * @param last whether END_STREAM may go with the chunk's last byte
   * @returns how many bytes went: none when a window is closed
   */
  private sendFrame(chunk: Buffer, at: number, last: boolean): number {
    const { host } = this;
    const left = chunk.length - at;
    const bytes = Math.min(left, this.sendWindow, host.sendWindow, host.maxFrameBytes);
    if (bytes <= 0) return 0;
    const endStream = last && bytes === left && this.endQueued && this.trailers === undefined;
    host.writer.data(this.id, chunk, at, at + bytes, endStream);
    this.moved = true;
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
