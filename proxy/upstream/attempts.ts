import type { ProxyErrorCode } from '../errors.ts';
import type { Connection } from '../http2/connection.ts';
import type { HeaderList } from '../http2/header-list.ts';
import type { MessageListener, MessageStream } from '../http2/message-stream.ts';
import type { RequestIdentity } from '../identity/client.ts';
import type { RequestRecord } from '../observe/request-record.ts';
import type { Balancer } from './balancer.ts';
import type { Endpoint } from './endpoint.ts';
import { isCachedRead, type ReadAffinity } from './read-affinity.ts';
import { type ReadPlaces, readerOf } from './read-places.ts';
import { isTooFarAhead, isUnprocessedAnswer, mayReplay, type RetryBudget } from './retry-policy.ts';
import type { Upload } from './upload.ts';

export interface AttemptParts {
  readonly balancer: Balancer;
  readonly retryBudget: RetryBudget;
  readonly maxAttempts: number;
  readonly readPlaces: ReadPlaces;
  readonly nowMs: () => number;
}

/** Why a request could not be sent, or failed. */
export interface AttemptFailure {
  readonly code: ProxyErrorCode;
  readonly detail: string;
}

/** One request at one endpoint. */
export interface Attempt {
  readonly endpoint: Endpoint;
  readonly connection: Connection;
  readonly stream: MessageStream;
}

const MAX_FORGIVEN_GOAWAYS = 3;

const NONE_READY: AttemptFailure = {
  code: 'no_ready_endpoint',
  detail: 'no kube-apiserver is ready',
};

/** The attempts of one request: one at a time, and never two at one endpoint. */
export class Attempts {
  current: Attempt | undefined;
  private readonly parts: AttemptParts;
  private readonly record: RequestRecord;
  private readonly upload: Upload;
  private readonly reads: ReadAffinity;
  private readonly tried: Endpoint[] = [];
  private goaways = 0;
  /** Of the current attempt. */
  private sentAtMs = 0;

  constructor(parts: AttemptParts, record: RequestRecord, upload: Upload, reads: ReadAffinity) {
    this.parts = parts;
    this.record = record;
    this.upload = upload;
    this.reads = reads;
  }

  /**
   * Sends the request, with what has arrived of its body, to an endpoint that has not had it.
   * @param last why the attempt before failed
   * @returns undefined when it was sent, else why it cannot be
   */
  begin(
    headers: HeaderList,
    identity: RequestIdentity,
    listener: MessageListener,
    last: AttemptFailure = NONE_READY,
  ): AttemptFailure | undefined {
    this.leaveCurrent();
    const { record, upload, reads } = this;
    const { readPlaces, balancer } = this.parts;
    const reader = (): string | undefined => readerOf(identity, headers);
    const preferred = reads.preferredFor(record.info, () => {
      const place = readPlaces.of(reader());
      return place !== undefined && balancer.hasRoomForReader(place) ? place : undefined;
    });
    let failure = last;
    for (;;) {
      const endpoint = balancer.pick(record.longRunning, this.tried, preferred);
      if (endpoint === undefined) return failure;
      this.tried.push(endpoint);
      const connection = endpoint.acquire(identity.class, record.longRunning ? 'watch' : 'short');
      if (connection !== undefined) {
        endpoint.load.enter(record.longRunning);
        record.endpoint = endpoint.name;
        record.attempts += 1;
        if (reads.sent(record.info, endpoint)) readPlaces.set(reader(), endpoint);
        this.sentAtMs = this.parts.nowMs();
        const stream = connection.request(headers, upload.empty, listener);
        this.current = { endpoint, connection, stream };
        upload.sendAgain(stream);
        return undefined;
      }
      failure = {
        code: 'too_many_requests',
        detail: `all connections to ${endpoint.name} are taken`,
      };
    }
  }

  /**
   * After a GOAWAY, which concerns the connection and not the endpoint: the same endpoint may be
   * asked again. An apiserver sends one after each anonymous request (1.29 and later), so the
   * request may meet several in a row.
   */
  forgiveGoaway(): void {
    const { current } = this;
    if (current === undefined || this.goaways >= MAX_FORGIVEN_GOAWAYS) return;
    this.goaways += 1;
    this.tried.splice(this.tried.indexOf(current.endpoint), 1);
  }

  /** Whether there may be another attempt; the answer yes takes one from the budget. */
  mayTryAgain(unprocessed: boolean): boolean {
    const attempt = {
      method: this.record.info.method,
      bodyKept: this.upload.kept,
      attempts: this.record.attempts,
      maxAttempts: this.parts.maxAttempts + this.goaways,
    };
    return mayReplay(attempt, { unprocessed }) && this.parts.retryBudget.take();
  }

  /**
   * Whether to ask another endpoint although this one has answered: it has surely done nothing, or
   * is behind what the client has read elsewhere.
   */
  mayAskAnother(answer: HeaderList): boolean {
    if (isUnprocessedAnswer(answer)) return this.mayTryAgain(true);
    if (!isTooFarAhead(answer) || !isCachedRead(this.record.info)) return false;
    // If nobody is left, this answer is the best there is.
    const { endpoints } = this.parts.balancer;
    const untried = endpoints.some((one) => one.available && !this.tried.includes(one));
    return untried && this.mayTryAgain(false);
  }

  /** There is no other attempt: the last is over, or somebody else goes on with it. */
  release(): void {
    this.leaveCurrent();
    // Arrays grow in large steps, and a watch stays open for long.
    this.tried.length = 0;
  }

  /** The attempt is not counted any more. */
  private leaveCurrent(): void {
    const { current, record } = this;
    if (current === undefined) return;
    current.endpoint.load.leave(record.longRunning);
    const readyAtMs = current.connection.readyAtMs ?? this.parts.nowMs();
    record.queuedMs = Math.max(this.sentAtMs, readyAtMs) - record.enteredAtMs;
    this.current = undefined;
  }
}
