// A watch that is carried: when its endpoint dies, freezes or has too many watches, it goes on at
// another one from the last event on, and the client sees nothing but its events.
import type { ProxyErrorCode } from '../errors.ts';
import type { Connection } from '../http2/connection.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import { ResumePoint } from '../kube/watch-resume.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { type Adoption, Attachment, type AttachmentOwner, type Refusal } from './attachment.ts';
import { ClientSide } from './client-side.ts';
import { MoveClock } from './move-clock.ts';
import { Overlap } from './overlap.ts';
import type { HomedWatch, WatchHome } from './watch-home.ts';
import type { MoveReason, WatchOrigin } from './watch-origin.ts';
import { WatchSearch } from './watch-search.ts';
import { WatchTerms } from './watch-terms.ts';

/** A place where a watch has been for so long was a good one. */
const GOOD_PLACE_MS = 1000;
/** How long an endpoint may take to answer, for a watch that has another one and that has none. */
const MOVE_ANSWER_MS = 1000;
const CONTINUATION_ANSWER_MS = 3000;

export class CarriedWatch implements AttachmentOwner, HomedWatch {
  /** When the client last got an event or bookmark, or the watch began. */
  lastEventAtMs: number;
  /** Endpoints that have been asked in vain. */
  readonly search: WatchSearch;
  readonly origin: WatchOrigin;
  private readonly home: WatchHome;
  private readonly nowMs: () => number;
  private readonly terms: WatchTerms;
  private readonly resume: ResumePoint;
  private readonly client: ClientSide;
  private readonly contentType: string | undefined;
  private reason: MoveReason = 'lost';
  private current: Attachment | undefined;
  /** Where it is about to go on; `current`, if there is one, goes on meanwhile. */
  private next: Attachment | undefined;
  /** Of the last move, until the new endpoint is as far as the client is. */
  private overlap: Overlap | undefined;
  /** Limits how long `next` may take to answer, then how long it is mistrusted. */
  private readonly clock: MoveClock;
  /** When the client was cut off from its events. */
  private silentSinceMs = 0;
  private attachedAtMs = 0;
  private errorSeen = false;
  /** The Expired that the client's own request was answered with. */
  private ownRefusal: WatchFrame | undefined;
  private over = false;

  constructor(
    origin: WatchOrigin,
    contentType: string | undefined,
    home: WatchHome,
    nowMs: () => number,
  ) {
    const { front, record, target } = origin;
    this.origin = origin;
    this.contentType = contentType;
    this.home = home;
    this.nowMs = nowMs;
    this.terms = new WatchTerms(target, record.enteredAtMs);
    this.resume = new ResumePoint(this.terms.request);
    this.client = new ClientSide(front, record, this.terms.request.allowWatchBookmarks, {
      onRoom: () => this.current?.credit(),
      onGone: (detail) => this.leave('client_gone', detail),
    });
    this.search = new WatchSearch(nowMs());
    this.clock = new MoveClock(nowMs, (error) => this.fail(error));
    this.lastEventAtMs = nowMs();
  }

  /** Begins with the answer to the client's own request. */
  begin(endpoint: Endpoint, adoption: Omit<Adoption, 'mayExpire'>): void {
    const attachment = new Attachment(this, endpoint, this.contentType, this.terms.beganAtMs);
    attachment.adopt({ ...adoption, mayExpire: this.resumable });
    this.origin.front.listener = this.client;
    this.attach(attachment);
  }

  get endpoint(): Endpoint | undefined {
    return this.current?.endpoint;
  }

  get connection(): Connection | undefined {
    return this.current?.connection;
  }

  bytesPerSecond(nowMs: number): number {
    return this.origin.record.responseBytes / Math.max(1, (nowMs - this.terms.beganAtMs) / 1000);
  }

  get isOver(): boolean {
    return this.over;
  }

  /** It could go on elsewhere, and is not about to. */
  get movable(): boolean {
    return !this.over && this.next === undefined && !this.client.isEnding && this.resumable;
  }

  private get resumable(): boolean {
    const tracked = this.current?.tracked ?? true;
    return tracked && !this.errorSeen && this.resume.resourceVersion !== undefined;
  }

  /** Opens the watch at another endpoint; the present stream is kept until that has answered. */
  moveTo(endpoint: Endpoint, reason: MoveReason): void {
    if (!this.movable || this.current === undefined) return;
    this.reason = reason;
    this.overlap = new Overlap();
    if (!this.openAt(endpoint, MOVE_ANSWER_MS)) this.overlap = undefined;
  }

  /** Goes on at an endpoint after the present one was lost. */
  continueAt(endpoint: Endpoint): void {
    if (!this.movable || this.current !== undefined) return;
    this.overlap = undefined;
    if (this.openAt(endpoint, CONTINUATION_ANSWER_MS)) return;
    this.search.failedAt(endpoint);
    this.home.wait(this);
  }

  /** Nobody can go on with it: the client watches again by itself. */
  giveUp(detail: string): void {
    if (this.ownRefusal !== undefined && this.origin.record.responseBytes === 0) {
      // It was the answer to the client's own request, and no endpoint has a better one.
      this.client.send(this.ownRefusal, this.nowMs());
      this.finish(undefined, detail);
      return;
    }
    this.finish('upstream_lost', detail);
  }

  endForShutdown(): void {
    this.finish('shutting_down', 'door drains');
  }

  /** A bug of ours ends this watch and no other. */
  fail(error: unknown): void {
    this.home.bug(error);
    this.finish('internal', 'a bug ended the watch');
  }

  onSettled({ endpoint }: Attachment): void {
    this.home.settled(endpoint);
  }

  onAnswered(attachment: Attachment): void {
    const isBehind = () => this.current !== undefined && this.overlap?.isOver === false;
    this.clock.peek(attachment, isBehind, () => this.attach(attachment));
  }

  onFrame(attachment: Attachment, frame: WatchFrame): void {
    if (this.overlap !== undefined && !this.isNews(this.overlap, attachment, frame)) return;
    if (attachment === this.next) this.attach(attachment);
    if (attachment !== this.current) return;
    const before = this.resume.resourceVersion;
    this.resume.advance(frame);
    if (this.resume.resourceVersion !== before) this.search.versionChanged();
    if (frame.type === 'ERROR') this.errorSeen = true;
    this.lastEventAtMs = this.nowMs();
    this.client.send(frame, attachment.firstByteAtMs);
  }

  /** During a move, and after it until the new endpoint is as far as the client is. */
  private isNews(overlap: Overlap, attachment: Attachment, frame: WatchFrame): boolean {
    if (this.next !== undefined && attachment === this.current) {
      overlap.passedOn(frame);
      return true;
    }
    const verdict = overlap.judge(frame);
    // The new endpoint's bookmarks count from when it is heard, and as far as the client is.
    const heard = attachment === this.current;
    if (verdict === 'pass' || (heard && overlap.isOver)) this.overlap = undefined;
    if (verdict === 'refuse') attachment.refuse('failed', 'sends other events');
    return verdict === 'pass';
  }

  onPieceDone(attachment: Attachment): void {
    if (this.client.hasRoom) attachment.credit();
  }

  onRefused(attachment: Attachment, { kind, detail, frame }: Refusal): void {
    if (attachment === this.next) {
      this.home.outcome(this.reason, kind);
      this.next = undefined;
      this.clock.stop();
    } else {
      // The peek was over, or it was the client's own request that was refused.
      this.ownRefusal ??= this.origin.record.responseBytes === 0 ? frame : undefined;
      this.reason = kind === 'expired' ? 'expired' : 'lost';
      this.detach();
      this.beginSearch();
    }
    if (kind === 'failed') this.search.failedAt(attachment.endpoint);
    else this.search.refusedBy(attachment.endpoint);
    this.overlap = undefined;
    if (this.current !== undefined) return;
    if (kind === 'denied') this.giveUp(detail);
    else this.home.wait(this);
  }

  onEnded(attachment: Attachment, clean: boolean, detail: string): void {
    if (attachment === this.next) {
      this.onRefused(attachment, { kind: 'failed', detail });
      return;
    }
    const natural = clean && (this.errorSeen || this.terms.isNaturalEnd(this.nowMs()));
    const goesOn = !natural && this.resumable;
    this.detach();
    if (!goesOn) {
      this.finish(natural ? undefined : 'upstream_lost', detail);
      return;
    }
    this.reason = clean ? 'ended_early' : 'lost';
    this.beginSearch();
    this.search.lostAt(attachment.endpoint);
    // A move that is under way is the continuation.
    if (this.next === undefined) this.home.wait(this);
  }

  /** Only after a place where it was well: endpoints that end watches at once are asked slowly. */
  private beginSearch(): void {
    const nowMs = this.nowMs();
    const wasLong = nowMs - this.attachedAtMs >= GOOD_PLACE_MS;
    if (wasLong || this.lastEventAtMs >= this.attachedAtMs) this.search.begin(nowMs);
  }

  private openAt(endpoint: Endpoint, answerMs: number): boolean {
    const resourceVersion = this.resume.resourceVersion;
    if (resourceVersion === undefined) return false;
    const target = this.terms.continuation(resourceVersion, this.nowMs());
    const attachment = new Attachment(this, endpoint, this.contentType, this.nowMs());
    this.next = attachment;
    this.clock.awaitAnswer(attachment, answerMs);
    this.home.opening(endpoint);
    this.search.asked = true;
    const opened = this.origin.open(endpoint, target, attachment);
    if (opened !== undefined) {
      attachment.begin(opened.stream, opened.connection);
      return true;
    }
    attachment.drop();
    this.next = undefined;
    this.clock.stop();
    return false;
  }

  /** Makes an attachment the one that the client is served from. */
  private attach(attachment: Attachment): void {
    this.clock.stop();
    const before = this.current;
    if (attachment === this.next) {
      this.next = undefined;
      before?.drop();
      if (before !== undefined) this.home.detached(this, before.endpoint);
      else this.home.gap(this.nowMs() - this.silentSinceMs);
      this.client.goesOnAt(attachment.endpoint.name, this.reason);
      this.home.outcome(this.reason, 'continued');
    }
    if (this.overlap?.isOver === true) this.overlap = undefined;
    this.current = attachment;
    this.attachedAtMs = this.nowMs();
    this.origin.record.endpoint = attachment.endpoint.name;
    this.home.attached(this, attachment.endpoint);
  }

  private detach(): void {
    if (this.current === undefined) return;
    this.home.detached(this, this.current.endpoint);
    this.current = undefined;
    this.silentSinceMs = this.nowMs();
  }

  /** Ends the client's stream as the apiserver would; at once, if that has done so. */
  private finish(code: ProxyErrorCode | undefined, detail: string): void {
    if (this.over || this.client.isEnding) return;
    const onEnd = (): void => this.leave(code, detail);
    if (code !== undefined) {
      this.client.endWhenOldEnough(this.nowMs(), onEnd);
      return;
    }
    this.client.end();
    onEnd();
  }

  private leave(code: ProxyErrorCode | undefined, detail: string): void {
    if (this.over) return;
    this.over = true;
    this.clock.stop();
    this.client.close();
    this.next?.drop();
    this.current?.drop();
    this.detach();
    this.home.left(this);
    this.origin.ended(code, detail);
  }
}
