// One request from its first header to its last byte, told in the order in which things happen.
import { errorResponse, ProxyError, type ProxyErrorCode } from './errors.ts';
import type { HandlerParts } from './handler-parts.ts';
import { ErrorCode } from './http2/errors.ts';
import { type HeaderList, headerValue } from './http2/header-list.ts';
import type { MessageListener, MessageStream, ResetReason } from './http2/message-stream.ts';
import type { Client, RequestIdentity } from './identity/client.ts';
import { stripIdentityHeaders } from './identity/front-proxy-headers.ts';
import { enterRecord, noteAnswer, type RequestRecord } from './observe/request-record.ts';
import type { OpenExchange } from './open-exchanges.ts';
import { type AttemptFailure, Attempts } from './upstream/attempts.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import { upstreamHeaders } from './upstream/request-headers.ts';
import { isFailure, isSafe, lossCode } from './upstream/retry-policy.ts';
import { Upload } from './upstream/upload.ts';
import type { CarriedWatch } from './watch/carried-watch.ts';
import { carryWatch } from './watch/carry.ts';
import type { WatchOrigin } from './watch/watch-origin.ts';
import {
  bookmarkedTarget,
  isResourceWatch,
  MIN_WATCH_MS,
  watchHeaders,
} from './watch/watch-terms.ts';

const EMPTY = Buffer.alloc(0);
const TUNNEL_METHODS = new Set(['CONNECT', 'TRACE']);

/** One request, its attempts at endpoints, and the one answer that the client gets. */
export class Exchange implements MessageListener, OpenExchange {
  readonly record: RequestRecord;
  slot = -1;
  private readonly parts: HandlerParts;
  private readonly front: MessageStream;
  private readonly client: Client;
  private readonly headers: HeaderList;
  private readonly upload: Upload;
  private readonly attempts: Attempts;
  private identity: RequestIdentity | undefined;
  /** Once the answer to a watch has come: the watch goes its own way. */
  private watch: CarriedWatch | undefined;
  private answered = false;
  private over = false;
  private lastUploadAtMs: number;

  constructor(
    parts: HandlerParts,
    front: MessageStream,
    client: Client,
    headers: HeaderList,
    endStream: boolean,
  ) {
    this.parts = parts;
    this.front = front;
    this.client = client;
    this.headers = headers;
    this.upload = new Upload(parts.keptBodies, parts.maxKeptBodyBytes, endStream);
    this.record = enterRecord(client, headers, parts.nowMs());
    this.attempts = new Attempts(parts, this.record, this.upload, client.reads);
    this.lastUploadAtMs = this.record.enteredAtMs;
  }

  private get upstream(): MessageStream | undefined {
    return this.attempts.current?.stream;
  }

  private get endpoint(): Endpoint | undefined {
    return this.attempts.current?.endpoint;
  }

  begin(): void {
    const { parts, record } = this;
    this.front.listener = this;
    parts.open.add(this);
    parts.observer.entered(record);
    parts.retryBudget.request();
    if (TUNNEL_METHODS.has(record.info.method)) {
      this.fail('method_not_allowed', `the front door does not do ${record.info.method}`);
      return;
    }
    try {
      this.identity = this.client.identify(this.headers);
    } catch (error) {
      this.answerError(error);
      return;
    }
    record.identityClass = this.identity.class;
    record.user = this.client.nameOf(this.identity, this.headers, parts.callerNames);
    this.attempt();
  }

  /** Sends the request to an endpoint that has not had it, or fails as the last attempt did. */
  private attempt(last?: AttemptFailure): void {
    const { identity, record } = this;
    if (identity === undefined) return;
    const target = isResourceWatch(record) ? bookmarkedTarget(this.target) : undefined;
    const failure = this.attempts.begin(this.headersFor(identity, target), identity, this, last);
    if (failure !== undefined) this.fail(failure.code, failure.detail);
  }

  /** @param watchTarget path and query of a watch, in place of the client's own */
  private headersFor(identity: RequestIdentity, watchTarget: string | undefined): HeaderList {
    const { client, parts } = this;
    const headers =
      watchTarget === undefined ? this.headers : watchHeaders(this.headers, watchTarget);
    return upstreamHeaders(headers, identity, client.address, parts.alsoStrip);
  }

  private get target(): string {
    return headerValue(this.headers, ':path') ?? '/';
  }

  onHeaders(stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    if (stream === this.front) this.onClientTrailers(headers);
    else if (stream !== this.upstream) return;
    else if (this.answered) this.passEnd(headers);
    else if (headers[1]?.charCodeAt(0) === 0x31) this.front.sendHeaders(headers, false);
    else this.onAnswer(headers, endStream);
  }

  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    if (stream === this.front) {
      this.onUpload(chunk, endStream);
      return;
    }
    if (stream !== this.upstream) return;
    this.record.responseBytes += chunk.length;
    this.front.sendData(chunk, endStream);
    if (endStream) this.onAnswerEnd();
  }

  onSent(stream: MessageStream, bytes: number): void {
    if (stream === this.front) {
      this.upstream?.consumed(bytes);
      return;
    }
    if (stream !== this.upstream) return;
    const credit = this.upload.credit(bytes);
    if (credit > 0) this.front.consumed(credit);
  }

  onReset(stream: MessageStream, reason: ResetReason): void {
    if (stream === this.front) {
      this.upstream?.reset(ErrorCode.CANCEL);
      this.leave('client_gone', reason.detail);
    } else if (stream === this.upstream) {
      this.onLost(reason);
    }
  }

  /** Called about once a second: ends what has waited too long. */
  checkDeadlines(nowMs: number): void {
    const { record, parts } = this;
    if (this.answered || record.longRunning) return;
    if (!this.upload.ended && nowMs - this.lastUploadAtMs > parts.uploadIdleMs) {
      this.upstream?.reset(ErrorCode.CANCEL);
      this.fail('upload_idle', 'the request body stopped arriving');
    } else if (this.upload.ended && nowMs - this.lastUploadAtMs > parts.answerTimeoutMs) {
      this.upstream?.reset(ErrorCode.CANCEL);
      this.endpoint?.failed('no answer in time');
      const code = isSafe(record.info.method) ? 'upstream_timeout' : 'outcome_unknown';
      this.fail(code, `${record.endpoint} has not answered in time`);
    }
  }

  /** The door ends: a watch ends as the apiserver itself would end it, and comes back elsewhere. */
  endForShutdown(): void {
    if (this.watch !== undefined) this.watch.endForShutdown();
    else if (this.answered && this.record.longRunning)
      this.endCleanly('shutting_down', 'door drains');
  }

  private onUpload(chunk: Buffer, endStream: boolean): void {
    this.lastUploadAtMs = this.parts.nowMs();
    this.record.requestBytes += chunk.length;
    if (!this.answered) this.upload.add(chunk, endStream);
    else this.upload.ended ||= endStream;
    if (this.over || this.upstream === undefined) this.front.consumed(chunk.length);
    else this.upstream.sendData(chunk, endStream);
  }

  private onClientTrailers(trailers: HeaderList): void {
    this.upload.ended = true;
    // They are not kept, so there is no other attempt with them.
    this.upload.drop();
    this.upstream?.sendHeaders(stripIdentityHeaders(trailers, this.parts.alsoStrip), true);
  }

  private onAnswer(headers: HeaderList, endStream: boolean): void {
    const status = Number(headers[1]);
    if (status === 429) this.endpoint?.overloaded();
    if (this.attempts.mayAskAnother(headers)) {
      this.upstream?.reset(ErrorCode.CANCEL);
      const detail = `${this.record.endpoint} answered ${status}`;
      this.attempt({ code: 'too_many_requests', detail });
      return;
    }
    if (isFailure(status)) this.endpoint?.failed(`answered ${status}`);
    else this.endpoint?.succeeded();
    this.answered = true;
    this.upload.drop();
    noteAnswer(this.record, status, headers, this.parts.nowMs());
    this.front.sendHeaders(headers, endStream);
    if (endStream) this.onAnswerEnd();
    else if (status === 200 && this.identity !== undefined && isResourceWatch(this.record)) {
      this.carryWatch(headers, this.identity);
    }
  }

  /** From here on the watch goes its own way, if its events can be told apart. */
  private carryWatch(headers: HeaderList, identity: RequestIdentity): void {
    const { attempts, parts, front, record, target } = this;
    const open: WatchOrigin['open'] = (endpoint, newTarget, listener) => {
      const connection = endpoint.acquire(identity.class, 'watch');
      if (connection === undefined) return undefined;
      const stream = connection.request(this.headersFor(identity, newTarget), true, listener);
      return { stream, connection };
    };
    const ended: WatchOrigin['ended'] = (code, detail) => this.leave(code, detail);
    const origin = { front, record, target, open, ended };
    this.watch = carryWatch(attempts, headers, origin, parts.watches, parts.nowMs);
  }

  private passEnd(trailers: HeaderList): void {
    this.front.sendHeaders(trailers, true);
    this.onAnswerEnd();
  }

  private onAnswerEnd(): void {
    // An answer may overtake the body: 413, or 401. The client must read it and stop sending.
    if (!this.upload.ended) {
      this.front.stopReading();
      this.upstream?.reset(ErrorCode.NO_ERROR);
    }
    this.leave();
  }

  private onLost(reason: ResetReason): void {
    const { record } = this;
    const detail = `${record.endpoint}: ${reason.detail}`;
    if (this.answered) {
      // END_STREAM makes client-go watch again from where it was; a reset makes it LIST.
      if (record.longRunning) this.endCleanly('upstream_lost', detail);
      else this.cut(detail);
      return;
    }
    const code = lossCode(record.info.method, reason);
    if (reason.goingAway) this.attempts.forgiveGoaway();
    else if (code !== 'bad_request') this.endpoint?.lost(detail, reason.unprocessed);
    if (code !== 'bad_request' && this.attempts.mayTryAgain(reason.unprocessed))
      this.attempt({ code, detail });
    else this.fail(code, detail);
  }

  private endCleanly(code: ProxyErrorCode, detail: string): void {
    this.upstream?.reset(ErrorCode.CANCEL);
    this.attempts.release();
    const ageMs = this.parts.nowMs() - this.record.answeredAtMs;
    const waitMs = this.record.responseBytes > 0 ? 0 : Math.max(0, MIN_WATCH_MS - ageMs);
    setTimeout(() => {
      if (!this.over) this.front.sendData(EMPTY, true);
      this.leave(code, detail);
    }, waitMs);
  }

  /** The answer has begun and cannot be finished: the client must see that it is not whole. */
  private cut(detail: string): void {
    this.front.reset(ErrorCode.INTERNAL_ERROR);
    this.leave('upstream_lost', detail);
  }

  private fail(code: ProxyErrorCode, detail: string): void {
    this.answerError(new ProxyError(detail, { code }));
  }

  private answerError(error: unknown): void {
    const { record } = this;
    const { status, headers, body, code, detail } = errorResponse(error);
    record.status = status;
    record.answeredAtMs = this.parts.nowMs();
    this.answered = true;
    const bodyless = record.info.method === 'HEAD';
    this.front.sendHeaders(headers, bodyless);
    if (!bodyless) this.front.sendData(body, true);
    if (!this.upload.ended) this.front.stopReading();
    this.leave(code, detail);
  }

  /** @param code why the door ended it, or undefined when it ended by itself */
  private leave(code?: ProxyErrorCode, detail = ''): void {
    if (this.over) return;
    this.over = true;
    this.record.failure = code;
    this.record.failureDetail = detail;
    this.upload.drop();
    this.attempts.release();
    this.parts.open.delete(this);
    this.parts.observer.left(this.record, this.parts.nowMs());
  }
}
