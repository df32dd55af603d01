import { ErrorCode } from './errors.ts';
import { MAX_INT31 } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';

/** How far the end of a connection has come (RFC 9113, section 6.8). */
export class GoingAway {
  /** No new stream is opened by us, or wanted from the peer. */
  begun = false;
  /** The last stream that is, or will be, processed; infinite until that is settled. */
  lastStreamId = Number.POSITIVE_INFINITY;
  private readonly writer: FrameWriter;

  constructor(writer: FrameWriter) {
    this.writer = writer;
  }

  get settled(): boolean {
    return this.lastStreamId !== Number.POSITIVE_INFINITY;
  }

  /** The first GOAWAY of a server: streams that are under way already are still welcome. */
  announce(): void {
    this.begun = true;
    this.writer.goaway(MAX_INT31, ErrorCode.NO_ERROR, '');
  }

  /**
   * Once only: the last stream's id must not grow from one GOAWAY to the next (section 6.8).
   * @param lastPeerId the last stream of the peer's that we have taken on
   */
  settle(lastPeerId: number, ownStreamsGoOn: boolean): void {
    if (this.settled) return;
    this.begun = true;
    this.lastStreamId = ownStreamsGoOn ? MAX_INT31 : lastPeerId;
    this.writer.goaway(lastPeerId, ErrorCode.NO_ERROR, '');
  }

  /** The server has said which of our streams it will still process. */
  received(lastStreamId: number): void {
    this.begun = true;
    this.lastStreamId = Math.min(this.lastStreamId, lastStreamId);
  }
}
