import type { Connection } from '../http2/connection.ts';
import { ErrorCode } from '../http2/errors.ts';
import type { HeaderList } from '../http2/header-list.ts';
import { headerValue } from '../http2/header-list.ts';
import type { MessageListener, MessageStream, ResetReason } from '../http2/message-stream.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import { createWatchFramer, type WatchFramer } from '../kube/watch-framer.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { RefusalKind } from './watch-origin.ts';

/** The watch that an attachment belongs to. */
export interface AttachmentOwner {
  /** A new attachment has been answered with 200. */
  onAnswered(attachment: Attachment): void;
  /** A new attachment was refused: by a status, or by an error event in place of its first event. */
  onRefused(attachment: Attachment, refusal: Refusal): void;
  onFrame(attachment: Attachment, frame: WatchFrame): void;
  /** All events of one piece of input have been handed on. */
  onPieceDone(attachment: Attachment): void;
  /** It ended after it was answered; `clean` with END_STREAM. */
  onEnded(attachment: Attachment, clean: boolean, detail: string): void;
}

export interface Refusal {
  readonly kind: RefusalKind;
  readonly detail: string;
}

/** How a new attachment is answered by an endpoint that will not serve it. */
const DENIED = new Set(['400', '401', '403', '404', '405', '406', '422']);

/** The stream of one watch at one endpoint, cut into events. */
export class Attachment implements MessageListener {
  readonly endpoint: Endpoint;
  connection: Connection | undefined;
  private readonly owner: AttachmentOwner;
  private stream: MessageStream | undefined;
  private framer: WatchFramer | undefined;
  private answered = false;
  /** An event that is no refusal has arrived. */
  private proven = false;
  private over = false;
  /** Input that waits while the watch looks for another place; bounded by the stream's window. */
  private held: { chunk: Buffer; endStream: boolean }[] | undefined;
  private uncreditedBytes = 0;
  private readonly takeFrame = (frame: WatchFrame): void => this.onFrame(frame);

  constructor(owner: AttachmentOwner, endpoint: Endpoint) {
    this.owner = owner;
    this.endpoint = endpoint;
    endpoint.load.enter(true);
  }

  /** Takes over a stream that has been answered already, as the client's own watch. */
  adopt(stream: MessageStream, connection: Connection, framer: WatchFramer): void {
    this.stream = stream;
    this.connection = connection;
    this.framer = framer;
    this.answered = true;
    this.proven = true;
  }

  begin(stream: MessageStream, connection: Connection): void {
    this.stream = stream;
    this.connection = connection;
  }

  /** False once an event was too long or unreadable: then nobody knows where the watch stands. */
  get tracked(): boolean {
    return this.framer !== undefined && this.framer.lost === undefined;
  }

  /** Nothing is passed on until `goOn`; the stream itself is held back by its window. */
  pause(): void {
    this.held ??= [];
  }

  goOn(): void {
    const { held } = this;
    this.held = undefined;
    for (const { chunk, endStream } of held ?? []) {
      if (this.stream !== undefined) this.onData(this.stream, chunk, endStream);
    }
  }

  /** The client has taken bytes: the endpoint may send as many as have been passed on. */
  credit(): void {
    const bytes = this.uncreditedBytes;
    this.uncreditedBytes = 0;
    if (bytes > 0) this.stream?.consumed(bytes);
  }

  /** Leaves the endpoint. Nothing is called back after it. */
  drop(): void {
    if (this.over) return;
    this.finish();
    this.stream?.reset(ErrorCode.CANCEL);
  }

  onHeaders(_stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    if (this.over) return;
    if (this.answered) {
      this.ended(true, 'the endpoint ended the watch');
      return;
    }
    const status = headers[1] ?? '';
    if (status.startsWith('1')) return;
    this.framer = createWatchFramer(
      headerValue(headers, 'content-type'),
      headerValue(headers, 'content-encoding'),
    );
    if (status !== '200' || endStream || this.framer === undefined) {
      this.refuse(DENIED.has(status) ? 'denied' : 'failed', `answered ${status}`);
      return;
    }
    this.answered = true;
    this.owner.onAnswered(this);
  }

  onData(_stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    if (this.over || this.framer === undefined) return;
    if (this.held !== undefined) {
      this.held.push({ chunk, endStream });
      return;
    }
    this.uncreditedBytes += chunk.length;
    if (chunk.length > 0) this.framer.push(chunk, this.takeFrame);
    if (this.over) return;
    this.owner.onPieceDone(this);
    if (endStream) this.ended(true, 'the endpoint ended the watch');
  }

  onSent(): void {}

  onReset(_stream: MessageStream, reason: ResetReason): void {
    if (this.over) return;
    if (this.answered) this.ended(false, reason.detail);
    else this.refuse('failed', reason.detail);
  }

  private onFrame(frame: WatchFrame): void {
    if (this.over) return;
    // "Too old" comes as an event after a 200, so the first event decides (cacher.Watch).
    if (!this.proven && frame.type === 'ERROR') {
      this.refuse(frame.errorCode === 410 ? 'expired' : 'failed', `error ${frame.errorCode}`);
      return;
    }
    this.proven = true;
    this.owner.onFrame(this, frame);
  }

  private refuse(kind: RefusalKind, detail: string): void {
    this.drop();
    this.owner.onRefused(this, { kind, detail: `${this.endpoint.name}: ${detail}` });
  }

  private ended(clean: boolean, detail: string): void {
    // What is held was sent before the end, and the client must get it before the watch goes on.
    if (this.held !== undefined) this.goOn();
    if (this.over) return;
    this.finish();
    this.owner.onEnded(this, clean, `${this.endpoint.name}: ${detail}`);
  }

  private finish(): void {
    this.over = true;
    this.held = undefined;
    this.endpoint.load.leave(true);
  }
}
