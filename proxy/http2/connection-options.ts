import type { FloodLimits } from './flood-guard.ts';
import type { HeaderList } from './header-list.ts';
import type { Http2Stream } from './stream.ts';
import type { WriteBuffers } from './write-buffers.ts';

export interface ConnectionOptions {
  readonly role: 'server' | 'client';
  /** Streams that the peer may have open at once (server). */
  readonly maxConcurrentStreams?: number;
  /** What may be received and not yet consumed, per stream: bounds the memory of a stalled one. */
  readonly receiveWindowBytes?: number;
  /** Bound on a received header list, counted as RFC 9113, section 10.5.1. */
  readonly maxHeaderListBytes?: number;
  readonly floodLimits?: FloodLimits;
  /** Best shared by all connections; of its own by default. */
  readonly writeBuffers?: WriteBuffers;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}

export interface ConnectionListener {
  /** A request has arrived (server). Its stream's listener must be set before returning. */
  onRequest(stream: Http2Stream, headers: HeaderList, endStream: boolean): void;
  /** A request whose header list is over the limit (server): answer it, and nothing more. */
  onOversizedRequest(stream: Http2Stream): void;
  /** The number of streams that may be opened has changed, or a stream has ended. */
  onCapacity(): void;
  /** A listener threw: a bug, for the log. The connection ends, and no other. */
  onBug?(error: unknown): void;
  /**
   * The last call: the connection is gone, its streams have been told before.
   * @param detail why it ended, or the stack of what a listener threw
   * @param peerFault the peer broke the protocol or went over a limit
   */
  onClose(detail: string, peerFault: boolean): void;
}
