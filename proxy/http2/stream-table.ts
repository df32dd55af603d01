import { ConnectionError, ErrorCode } from './errors.ts';
import { IdMap } from './id-map.ts';
import type { Http2Stream } from './stream.ts';

/**
 * How long a list of streams that we have reset is kept: frames that were under way when the peer
 * heard of it must not be taken for a protocol error (RFC 9113, section 5.4.2).
 */
const MAX_REMEMBERED_RESETS = 1024;

/** The open streams of a connection, and what is known of those that are not open. */
export class StreamTable {
  private readonly open = new IdMap<Http2Stream>();
  private readonly resetByUs = new Set<number>();
  /** Up to here, streams may have been reset by us longer ago than the list goes back. */
  private forgottenUpTo = 0;
  /** Streams that the peer starts have odd ids on a server, none on a client (no push). */
  private readonly server: boolean;
  /** The highest stream id that the peer has started. */
  lastPeerId = 0;
  /** The id of the next stream that we start (client only). */
  nextId = 1;

  constructor(server: boolean) {
    this.server = server;
  }

  get size(): number {
    return this.open.size;
  }

  add(stream: Http2Stream): void {
    this.open.add(stream.id, stream);
  }

  delete(streamId: number, resetByUs: boolean): void {
    this.open.delete(streamId);
    if (resetByUs) this.rememberReset(streamId);
  }

  private rememberReset(streamId: number): void {
    this.resetByUs.add(streamId);
    if (this.resetByUs.size <= MAX_REMEMBERED_RESETS) return;
    const oldest = this.resetByUs.values().next().value;
    if (oldest === undefined) return;
    this.resetByUs.delete(oldest);
    this.forgottenUpTo = Math.max(this.forgottenUpTo, oldest);
  }

  /** The peer may not know yet that the stream is over: what it sends on it is dropped. */
  mayBeResetByUs(streamId: number): boolean {
    return streamId <= this.forgottenUpTo || this.resetByUs.has(streamId);
  }

  values(): Http2Stream[] {
    return this.open.all();
  }

  /** The open stream, or undefined when it is over. Never used: a connection error. */
  find(streamId: number): Http2Stream | undefined {
    const stream = this.open.get(streamId);
    if (stream === undefined && this.isIdle(streamId)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `frame on idle stream ${streamId}`);
    }
    return stream;
  }

  isIdle(streamId: number): boolean {
    if (!this.server) return streamId % 2 === 0 || streamId >= this.nextId;
    return streamId % 2 === 0 || streamId > this.lastPeerId;
  }
}
