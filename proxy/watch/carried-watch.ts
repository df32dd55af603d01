// A watch that is carried: when its endpoint dies, freezes or has too many watches, it goes on at
// another one from the last event on, and the client sees nothing but its events.
import type { ProxyErrorCode } from '../errors.ts';
import type { Connection } from '../http2/connection.ts';
import type { MessageListener, MessageStream, ResetReason } from '../http2/message-stream.ts';
import { BookmarkFilter } from '../kube/watch-bookmarks.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import type { WatchFramer } from '../kube/watch-framer.ts';
import { ResumePoint } from '../kube/watch-resume.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { Attachment, type AttachmentOwner, type Refusal } from './attachment.ts';
import type { MoveReason, MoveResult, WatchOrigin } from './watch-origin.ts';
import { WatchTerms } from './watch-terms.ts';

/** Keeps all carried watches, and finds places for those that need one. */
export interface WatchHome {
  attached(watch: CarriedWatch, endpoint: Endpoint): void;
  detached(watch: CarriedWatch, endpoint: Endpoint): void;
  /** The watch has no endpoint, and is to be given one. */
  wait(watch: CarriedWatch): void;
  left(watch: CarriedWatch): void;
  outcome(reason: MoveReason, result: MoveResult): void;
  gap(gapMs: number): void;
}

/** A watch that ends younger than this, without an event, makes client-go relist. */
const MIN_WATCH_MS = 1000;
/** After a 200, an endpoint that cannot serve the watch has said so within this time. */
const PEEK_MS = 100;
/** What may wait for a slow client before its endpoint is held back. */
const MAX_QUEUED_BYTES = 128 * 1024;
const EMPTY = Buffer.alloc(0);

export class CarriedWatch implements MessageListener, AttachmentOwner {
  /** When the client last got an event or bookmark, or the watch began. */
  lastEventAtMs: number;
  /** Endpoints that this continuation has been sent to; those of `expired` will not change. */
  tried: Endpoint[] = [];
  private expired: Endpoint[] = [];
  reason: MoveReason = 'lost';
  private readonly origin: WatchOrigin;
  private readonly home: WatchHome;
  private readonly nowMs: () => number;
  private readonly terms: WatchTerms;
  private readonly resume: ResumePoint;
  private readonly bookmarks: BookmarkFilter;
  private current: Attachment | undefined;
  private next: Attachment | undefined;
  private peek: NodeJS.Timeout | undefined;
  private queuedBytes = 0;
  private orphanedAtMs = 0;
  private errorSeen = false;
  private over = false;

  constructor(origin: WatchOrigin, home: WatchHome, nowMs: () => number) {
    this.origin = origin;
    this.home = home;
    this.nowMs = nowMs;
    this.terms = new WatchTerms(origin.target, origin.record.enteredAtMs);
    this.resume = new ResumePoint(this.terms.request);
    this.bookmarks = new BookmarkFilter(this.terms.request.allowWatchBookmarks);
    this.lastEventAtMs = nowMs();
  }

  /** Begins with the answer to the client's own request. */
  begin(
    endpoint: Endpoint,
    stream: MessageStream,
    connection: Connection,
    framer: WatchFramer,
  ): void {
    const attachment = new Attachment(this, endpoint);
    attachment.adopt(stream, connection, framer);
    stream.listener = attachment;
    this.origin.front.listener = this;
    this.attach(attachment);
  }

  get endpoint(): Endpoint | undefined {
    return this.current?.endpoint;
  }

  get connection(): Connection | undefined {
    return this.current?.connection;
  }

  /** The bytes that the watch has brought so far, for the choice of which one to move. */
  get bytes(): number {
    return this.origin.record.responseBytes;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Every endpoint's history begins too late for it. */
  hasNowhereToGo(endpoints: readonly Endpoint[]): boolean {
    return endpoints.every((endpoint) => this.expired.includes(endpoint));
  }

  get waitingForMs(): number {
    return this.nowMs() - this.orphanedAtMs;
  }

  /** It could go on elsewhere, and is not about to. */
  get movable(): boolean {
    return !this.over && this.next === undefined && this.resumable;
  }

  private get resumable(): boolean {
    const tracked = this.current?.tracked ?? true;
    return tracked && !this.errorSeen && this.resume.resourceVersion !== undefined;
  }

  /** Opens the watch at another endpoint; the present stream is kept until that has answered. */
  moveTo(endpoint: Endpoint, reason: MoveReason): void {
    if (!this.movable) return;
    this.reason = reason;
    this.current?.pause();
    if (!this.openAt(endpoint)) this.stayHere();
  }

  /** Goes on at an endpoint after the present one was lost. */
  continueAt(endpoint: Endpoint): void {
    if (this.over || this.next !== undefined || this.current !== undefined) return;
    this.tried.push(endpoint);
    if (!this.openAt(endpoint)) this.home.wait(this);
  }

  /** Endpoints that failed may be asked again; those without the history may not. */
  forgetFailures(): void {
    this.tried = [...this.expired];
  }

  /** Nobody can go on with it: the client watches again by itself. */
  giveUp(detail: string): void {
    this.finish('upstream_lost', detail);
  }

  endForShutdown(): void {
    this.finish('shutting_down', 'door drains');
  }

  // The client's side

  onHeaders(): void {}

  onData(stream: MessageStream, chunk: Buffer): void {
    // The body of a GET means nothing.
    stream.consumed(chunk.length);
  }

  onSent(_stream: MessageStream, bytes: number): void {
    this.queuedBytes -= bytes;
    if (this.queuedBytes <= MAX_QUEUED_BYTES) this.current?.credit();
  }

  onReset(_stream: MessageStream, reason: ResetReason): void {
    this.leave('client_gone', reason.detail);
  }

  // The endpoints' side

  onAnswered(attachment: Attachment): void {
    if (this.current === undefined) this.attach(attachment);
    else this.peek = setTimeout(() => this.attach(attachment), PEEK_MS);
  }

  onFrame(attachment: Attachment, frame: WatchFrame): void {
    if (attachment === this.next) this.attach(attachment);
    if (attachment !== this.current) return;
    this.resume.advance(frame);
    if (frame.type === 'ERROR') this.errorSeen = true;
    this.lastEventAtMs = this.nowMs();
    if (!this.bookmarks.forwards(frame)) return;
    this.queuedBytes += frame.bytes.length;
    this.origin.record.responseBytes += frame.bytes.length;
    this.origin.front.sendData(frame.bytes, false);
  }

  onPieceDone(attachment: Attachment): void {
    if (this.queuedBytes <= MAX_QUEUED_BYTES) attachment.credit();
  }

  onRefused(attachment: Attachment, { kind, detail }: Refusal): void {
    this.home.outcome(this.reason, kind);
    if (kind === 'expired') this.expired.push(attachment.endpoint);
    if (!this.tried.includes(attachment.endpoint)) this.tried.push(attachment.endpoint);
    if (attachment === this.next) {
      this.next = undefined;
      clearTimeout(this.peek);
      if (this.current !== undefined) {
        this.stayHere();
        return;
      }
    } else if (attachment === this.current) {
      this.detach();
    }
    if (this.over) return;
    if (kind === 'denied') this.giveUp(detail);
    else this.home.wait(this);
  }

  onEnded(attachment: Attachment, clean: boolean, detail: string): void {
    if (attachment === this.next) {
      this.next = undefined;
      clearTimeout(this.peek);
      if (this.current !== undefined) {
        this.stayHere();
        return;
      }
    } else {
      this.detach();
    }
    if (this.over) return;
    if (clean && (this.errorSeen || this.terms.isNaturalEnd(this.nowMs()))) {
      this.finish(undefined, detail);
      return;
    }
    if (!this.resumable) {
      this.finish('upstream_lost', detail);
      return;
    }
    this.reason = clean ? 'ended_early' : 'lost';
    this.tried = [attachment.endpoint];
    this.expired = [];
    // A move that is under way is the continuation.
    if (this.next === undefined) this.home.wait(this);
  }

  private openAt(endpoint: Endpoint): boolean {
    const resourceVersion = this.resume.resourceVersion;
    if (resourceVersion === undefined) return false;
    const target = this.terms.continuation(resourceVersion, this.nowMs());
    const attachment = new Attachment(this, endpoint);
    const opened = this.origin.open(endpoint, target, attachment);
    if (opened === undefined) {
      attachment.drop();
      return false;
    }
    attachment.begin(opened.stream, opened.connection);
    this.next = attachment;
    return true;
  }

  /** Makes an attachment the one that the client is served from. */
  private attach(attachment: Attachment): void {
    clearTimeout(this.peek);
    const before = this.current;
    if (before !== undefined) {
      this.home.detached(this, before.endpoint);
      before.drop();
    }
    if (attachment === this.next) {
      this.next = undefined;
      this.home.outcome(this.reason, 'continued');
    }
    this.current = attachment;
    if (this.orphanedAtMs > 0) this.home.gap(this.nowMs() - this.orphanedAtMs);
    this.orphanedAtMs = 0;
    this.origin.record.endpoint = attachment.endpoint.name;
    this.home.attached(this, attachment.endpoint);
  }

  private detach(): void {
    if (this.current === undefined) return;
    this.home.detached(this, this.current.endpoint);
    this.current = undefined;
    this.orphanedAtMs = this.nowMs();
  }

  private stayHere(): void {
    this.current?.goOn();
  }

  /** Ends the client's stream as the apiserver would, but never in its first second. */
  private finish(code: ProxyErrorCode | undefined, detail: string): void {
    if (this.over) return;
    const { record, front } = this.origin;
    const ageMs = this.nowMs() - record.answeredAtMs;
    const waitMs = record.responseBytes > 0 ? 0 : MIN_WATCH_MS - ageMs;
    if (waitMs > 0 && code !== undefined) {
      setTimeout(() => this.finish(code, detail), waitMs);
      return;
    }
    front.sendData(EMPTY, true);
    this.leave(code, detail);
  }

  private leave(code: ProxyErrorCode | undefined, detail: string): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.peek);
    this.next?.drop();
    this.current?.drop();
    this.detach();
    this.home.left(this);
    this.origin.ended(code, detail);
  }
}
