import type { HeaderList } from './header-list.ts';

/**
 * One HTTP exchange, seen from the side that sends on it: a request to answer, or a request that
 * was made. Both the HTTP/2 connection and the HTTP/1.1 front give their exchanges this shape, so
 * the relay between two of them is written once.
 */
export interface MessageStream {
  /** Receives all that arrives. Whoever takes over the stream sets it before returning. */
  listener: MessageListener;
  /**
   * Sends a header section: the request or response, a 1xx response (`:status` below 200, never
   * with `endStream`), or trailers (without pseudo-header fields, always with `endStream`).
   */
  sendHeaders(headers: HeaderList, endStream: boolean): void;
  /**
   * Queues bytes; they leave as the peer's windows allow. The caller bounds what is queued by
   * waiting for `onSent`. The buffer may be kept until then and must not be written to.
   */
  sendData(chunk: Buffer, endStream: boolean): void;
  /** Lets the peer send `bytes` more: call it when bytes given to `onData` have been dealt with. */
  consumed(bytes: number): void;
  /**
   * The rest of the peer's message is not wanted: once all that was queued has been sent, an HTTP/2
   * stream is ended with NO_ERROR (RFC 9113, section 8.1). For a server that has answered early.
   */
  stopReading(): void;
  /** Ends the exchange abruptly with an HTTP/2 error code. Nothing is called back after it. */
  reset(code: number): void;
}

export interface MessageListener {
  /** A response (client), a 1xx response, or trailers: whichever the header list shows. */
  onHeaders(stream: MessageStream, headers: HeaderList, endStream: boolean): void;
  /** `chunk` may be kept; it is never reused by the stream. It may be empty with `endStream`. */
  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void;
  /** `bytes` of what was given to `sendData` have been handed to the socket. */
  onSent(stream: MessageStream, bytes: number): void;
  /** The exchange ended abruptly. No other call follows. */
  onReset(stream: MessageStream, reason: ResetReason): void;
}

export interface ResetReason {
  /** HTTP/2 error code (RFC 9113, section 7). */
  readonly code: number;
  /**
   * True when the peer has certainly not processed the request (refused connection,
   * REFUSED_STREAM, stream above a GOAWAY's last id), so that any method may be sent again.
   */
  readonly unprocessed: boolean;
  /**
   * The peer ends this connection in good order (GOAWAY NO_ERROR) and takes the request on another one;
   * only together with `unprocessed`.
   */
  readonly goingAway?: true;
  /** What happened, for the log: `RST_STREAM CANCEL`, `connect ECONNREFUSED`, … */
  readonly detail: string;
}
