import type { MessageListener, MessageStream, ResetReason } from '../http2/message-stream.ts';
import { BookmarkFilter } from '../kube/watch-bookmarks.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { MoveReason } from './watch-origin.ts';
import { MIN_WATCH_MS } from './watch-terms.ts';

/** What may wait for a slow client before its endpoint is held back. */
const MAX_QUEUED_BYTES = 32 * 1024;
const EMPTY = Buffer.alloc(0);
const LINE_END = Buffer.from('\n');
const BRACE = 0x7d;

export interface ClientEvents {
  /** The client has read: more may be asked of the endpoint. */
  onRoom(): void;
  /** It has cancelled the watch, or its connection is gone. */
  onGone(detail: string): void;
}

/** What the client of a carried watch gets, and how much of it still waits for the client. */
export class ClientSide implements MessageListener {
  private readonly front: MessageStream;
  private readonly events: ClientEvents;
  private readonly record: RequestRecord;
  private readonly bookmarks: BookmarkFilter;
  private queuedBytes = 0;
  private lastByte = 0;
  private endTimer: NodeJS.Timeout | undefined;

  constructor(
    front: MessageStream,
    record: RequestRecord,
    wantsBookmarks: boolean,
    events: ClientEvents,
  ) {
    this.front = front;
    this.record = record;
    this.events = events;
    this.bookmarks = new BookmarkFilter(wantsBookmarks);
  }

  /** Sends a whole event, unless it is a bookmark that only the door has asked for. */
  send(frame: WatchFrame, firstByteAtMs: number): void {
    const forwarded = this.bookmarks.forwards(frame);
    this.record.meter?.event(frame, firstByteAtMs, forwarded);
    if (forwarded) this.write(frame.bytes);
  }

  /** Whether more may be asked of the endpoint. */
  get hasRoom(): boolean {
    return this.queuedBytes <= MAX_QUEUED_BYTES;
  }

  /** The end has been decided, and only waits for the watch to be old enough. */
  get isEnding(): boolean {
    return this.endTimer !== undefined;
  }

  /**
   * Before the first event of another endpoint. The end of a line may come apart from its JSON
   * event, and be lost with the endpoint; clients that read lines would get two events in one.
   */
  goesOnAt(endpoint: string, reason: MoveReason): void {
    this.record.meter?.moved(reason, endpoint);
    if (this.lastByte === BRACE) this.write(LINE_END);
  }

  /**
   * END_STREAM, on which client-go watches again from where it was; never in the first second of a
   * watch without an event.
   */
  endWhenOldEnough(nowMs: number, onEnd: () => void): void {
    const ageMs = nowMs - this.record.answeredAtMs;
    const waitMs = this.record.responseBytes > 0 ? 0 : MIN_WATCH_MS - ageMs;
    const end = (): void => {
      this.end();
      onEnd();
    };
    if (waitMs > 0) this.endTimer = setTimeout(end, waitMs);
    else end();
  }

  end(): void {
    this.front.sendData(EMPTY, true);
    // A GET may have a body, which means nothing and need not come to an end.
    this.front.stopReading();
  }

  /** Nothing is to happen any more. */
  close(): void {
    clearTimeout(this.endTimer);
  }

  onHeaders(): void {}

  onData(stream: MessageStream, chunk: Buffer): void {
    // The body of a GET means nothing.
    stream.consumed(chunk.length);
  }

  onSent(_stream: MessageStream, bytes: number): void {
    this.queuedBytes -= bytes;
    this.record.meter?.sent(this.record.responseBytes - this.queuedBytes);
    if (this.hasRoom) this.events.onRoom();
  }

  onReset(_stream: MessageStream, reason: ResetReason): void {
    this.events.onGone(reason.detail);
  }

  private write(bytes: Buffer): void {
    this.lastByte = bytes[bytes.length - 1] ?? 0;
    this.queuedBytes += bytes.length;
    this.record.responseBytes += bytes.length;
    this.front.sendData(bytes, false);
  }
}
