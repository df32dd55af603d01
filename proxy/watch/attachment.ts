import type { Connection } from '../http2/connection.ts';
import { ErrorCode } from '../http2/errors.ts';
import type { HeaderList } from '../http2/header-list.ts';
import { headerValue } from '../http2/header-list.ts';
import type { MessageListener, MessageStream, ResetReason } from '../http2/message-stream.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import { createWatchFramer, type WatchFramer } from '../kube/watch-framer.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { RefusalKind, WatchOrigin } from './watch-origin.ts';

/** The watch that an attachment belongs to. */
export interface AttachmentOwner {
  readonly origin: Pick<WatchOrigin, 'record'>;
  /** The endpoint has answered the request for it, or it was given up: once, and not if adopted. */
  onSettled(attachment: Attachment): void;
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
  /** The error event, if it was one. */
  readonly frame?: WatchFrame;
}

/** What to do with a stream that has been answered already. */
export interface Adoption {
  readonly stream: MessageStream;
  readonly connection: Connection;
  readonly framer: WatchFramer;
  /** An Expired in place of the first event is a refusal, for it can be had without elsewhere. */
  readonly mayExpire: boolean;
}

/** The client is at fault or has lost its rights: no other endpoint would answer better. */
const DENIED = new Set(['400', '401', '403', '406', '422']);
/** Endpoints come to know new resources, such as CRDs, one after the other. */
const ABSENT = new Set(['404', '405']);
/** metav1.StatusReasonExpired: the history begins after the version that was asked for. */
const EXPIRED = 410;

/** The stream of one watch at one endpoint, cut into events. */
export class Attachment implements MessageListener {
  readonly endpoint: Endpoint;
  connection: Connection | undefined;
  /** When the first byte of the event that is handed on was read. */
  firstByteAtMs = 0;
  private readonly owner: AttachmentOwner;
  /** Content-Type of what the client has been sent so far: it must not change. */
  private readonly contentType: string | undefined;
  /** When its request was sent. */
  private readonly openedAtMs: number;
  private stream: MessageStream | undefined;
  private framer: WatchFramer | undefined;
  private settled = false;
  private answered = false;
  private adopted = false;
  /** An event that is no refusal has arrived. */
  private proven = false;
  private over = false;
  private uncreditedBytes = 0;
  private readonly takeFrame = (frame: WatchFrame): void => this.onFrame(frame);

  constructor(
    owner: AttachmentOwner,
    endpoint: Endpoint,
    contentType: string | undefined,
    openedAtMs: number,
  ) {
    this.owner = owner;
    this.endpoint = endpoint;
    this.contentType = contentType;
    this.openedAtMs = openedAtMs;
    endpoint.load.enter(true);
  }

  /** Takes over a stream that has been answered already, as the client's own watch. */
  adopt({ stream, connection, framer, mayExpire }: Adoption): void {
    this.stream = stream;
    this.connection = connection;
    this.framer = framer;
    this.settled = true;
    this.answered = true;
    this.adopted = true;
    this.proven = !mayExpire;
    stream.listener = this;
  }

  begin(stream: MessageStream, connection: Connection): void {
    // It may have been refused while it was being opened.
    if (this.over) stream.reset(ErrorCode.CANCEL);
    this.stream = stream;
    this.connection = connection;
  }

  /** False once an event was too long or unreadable: then nobody knows where the watch stands. */
  get tracked(): boolean {
    return this.framer === undefined || this.framer.lost === undefined;
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
    this.over = true;
    this.endpoint.load.leave(true);
    if (this.answered) {
      const { info, attempts, answeredAtMs } = this.owner.origin.record;
      // With earlier attempts the time since the client asked is not this endpoint's.
      const isLater = this.adopted && attempts > 1;
      this.endpoint.watchEnded(info, isLater ? answeredAtMs : this.openedAtMs);
    }
    this.stream?.reset(ErrorCode.CANCEL);
    this.settle();
  }

  /** Leaves it and says why. */
  refuse(kind: RefusalKind, detail: string, frame?: WatchFrame): void {
    if (this.over) return;
    this.drop();
    const text = `${this.endpoint.name}: ${detail}`;
    this.owner.onRefused(this, { kind, detail: text, ...(frame === undefined ? {} : { frame }) });
  }

  onHeaders(_stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    if (this.over) return;
    if (this.answered) {
      this.ended(true, 'the endpoint ended the watch');
      return;
    }
    const status = headers[1] ?? '';
    if (status.startsWith('1')) return;
    this.settle();
    const contentType = headerValue(headers, 'content-type');
    this.framer = createWatchFramer(contentType, headerValue(headers, 'content-encoding'));
    if (status !== '200' || endStream || this.framer === undefined) {
      this.refuse(refusalOf(status), `answered ${status}`);
    } else if (contentType !== this.contentType) {
      // Another release may prefer another encoding; the client reads the one that it was promised.
      this.refuse('failed', `answered with ${contentType} in place of ${this.contentType}`);
    } else {
      this.answered = true;
      this.owner.onAnswered(this);
    }
  }

  onData(_stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    if (this.over || this.framer === undefined) return;
    this.uncreditedBytes += chunk.length;
    if (this.framer.bufferedBytes === 0) this.firstByteAtMs = this.connection?.lastReadAtMs ?? 0;
    if (chunk.length > 0) this.framer.push(chunk, this.takeFrame);
    if (this.over) return;
    this.owner.onPieceDone(this);
    if (endStream) this.ended(true, 'the endpoint ended the watch');
  }

  onSent(): void {}

  onReset(_stream: MessageStream, reason: ResetReason): void {
    if (this.answered) this.ended(false, reason.detail);
    else this.refuse('failed', reason.detail);
  }

  private onFrame(frame: WatchFrame): void {
    if (this.over) return;
    if (!this.proven) {
      // No event, so it proves nothing, and it would be an empty line to the client.
      if (frame.type === 'BLANK') return;
      // "Too old" comes as an event after a 200, so the first event decides (cacher.Watch).
      if (frame.type === 'ERROR' && (frame.errorCode === EXPIRED || !this.adopted)) {
        const kind = frame.errorCode === EXPIRED ? 'expired' : 'failed';
        this.refuse(kind, `error ${frame.errorCode}`, frame);
        return;
      }
      this.proven = true;
    }
    this.owner.onFrame(this, frame);
    this.firstByteAtMs = this.connection?.lastReadAtMs ?? 0;
  }

  private settle(): void {
    if (this.settled) return;
    this.settled = true;
    this.owner.onSettled(this);
  }

  private ended(clean: boolean, detail: string): void {
    if (this.over) return;
    this.drop();
    this.owner.onEnded(this, clean, `${this.endpoint.name}: ${detail}`);
  }
}

function refusalOf(status: string): RefusalKind {
  if (DENIED.has(status)) return 'denied';
  return ABSENT.has(status) ? 'absent' : 'failed';
}
