import type { MessageStream } from '../http2/message-stream.ts';
import { BookmarkFilter } from '../kube/watch-bookmarks.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import type { RequestRecord } from '../observe/request-record.ts';

/** What may wait for a slow client before its endpoint is held back. */
const MAX_QUEUED_BYTES = 128 * 1024;
const EMPTY = Buffer.alloc(0);
const LINE_END = Buffer.from('\n');
const BRACE = 0x7d;

/** What the client of a carried watch gets, and how much of it still waits for the client. */
export class ClientSide {
  private readonly front: MessageStream;
  private readonly record: RequestRecord;
  private readonly bookmarks: BookmarkFilter;
  private queuedBytes = 0;
  private lastByte = 0;

  constructor(front: MessageStream, record: RequestRecord, wantsBookmarks: boolean) {
    this.front = front;
    this.record = record;
    this.bookmarks = new BookmarkFilter(wantsBookmarks);
  }

  /** Sends a whole event, unless it is a bookmark that only the door has asked for. */
  send(frame: WatchFrame): void {
    if (this.bookmarks.forwards(frame)) this.write(frame.bytes);
  }

  /** Whether more may be asked of the endpoint. */
  get hasRoom(): boolean {
    return this.queuedBytes <= MAX_QUEUED_BYTES;
  }

  sent(bytes: number): void {
    this.queuedBytes -= bytes;
  }

  /**
   * Before the first event of another endpoint. The end of a line may come apart from its JSON
   * event, and be lost with the endpoint; clients that read lines would get two events in one.
   */
  endLine(): void {
    if (this.lastByte === BRACE) this.write(LINE_END);
  }

  /** END_STREAM, on which client-go watches again from where it was. */
  end(): void {
    this.front.sendData(EMPTY, true);
    // A GET may have a body, which means nothing and need not come to an end.
    this.front.stopReading();
  }

  private write(bytes: Buffer): void {
    this.lastByte = bytes[bytes.length - 1] ?? 0;
    this.queuedBytes += bytes.length;
    this.record.responseBytes += bytes.length;
    this.front.sendData(bytes, false);
  }
}
