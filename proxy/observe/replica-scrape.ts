import { ErrorCode } from '../http2/errors.ts';
import { type HeaderList, headerValue } from '../http2/header-list.ts';
import type { MessageListener, MessageStream, ResetReason } from '../http2/message-stream.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { HeldExposition } from './replica-merge.ts';

export interface ScrapeOptions {
  /** The connections to use, and the header fields that belong on them. */
  readonly identityClass: IdentityClass;
  readonly identityHeaders: HeaderList;
  /** From sending the request to the end of its answer. */
  readonly timeoutMs: number;
  /** Of the answer as it comes, which is mostly compressed. */
  readonly maxBytes: number;
}

export type ScrapeOutcome =
  | { readonly kind: 'answered'; readonly held: HeldExposition }
  | { readonly kind: ScrapeProblem; readonly detail: string };

/**
 * `refused`: another status than 200. `unreadable`: not in the text format. `too_large`: beyond a
 * limit. `failed`: no answer, or not in time.
 */
export type ScrapeProblem = 'refused' | 'unreadable' | 'too_large' | 'failed';

const PATH = '/metrics';
const NEEDED =
  'the door needs the right to "get" the path /metrics, as group system:monitoring has it; or set ' +
  'admin.replicaMetrics.enabled: false';

/** Asks one endpoint for its metrics, with a deadline; the first outcome counts. */
export class Scrape implements MessageListener {
  readonly outcome: Promise<ScrapeOutcome>;
  private readonly options: ScrapeOptions;
  private readonly resolve: (outcome: ScrapeOutcome) => void;
  private readonly timer: NodeJS.Timeout;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private compressed = false;
  private answered = false;
  private stream: MessageStream | undefined;

  constructor(endpoint: Pick<Endpoint, 'acquire' | 'url'>, options: ScrapeOptions) {
    const { promise, resolve } = Promise.withResolvers<ScrapeOutcome>();
    this.outcome = promise;
    this.resolve = resolve;
    this.options = options;
    const { timeoutMs, identityClass } = options;
    this.timer = setTimeout(() => this.fail('failed', `no answer in ${timeoutMs} ms`), timeoutMs);
    // Those of the health checks: a long answer must not take windows from a client's requests.
    const connection = endpoint.acquire(identityClass, 'health');
    if (connection === undefined) this.fail('failed', 'no connection for it');
    else this.stream = connection.request(this.headers(endpoint.url), true, this);
  }

  /** Ends it as failed, unless it has ended. */
  cancel(): void {
    this.fail('failed', 'the door closes');
  }

  onHeaders(_stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    const status = headers[0] === ':status' ? (headers[1] ?? '') : '';
    if (status.startsWith('1')) return;
    if (!this.answered) this.onAnswer(status, headers);
    if (endStream) this.whole();
  }

  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    stream.consumed(chunk.length);
    this.bytes += chunk.length;
    if (this.bytes > this.options.maxBytes) {
      this.fail('too_large', `more than ${this.options.maxBytes} bytes`);
      return;
    }
    // A copy, for it is kept longer than the read buffer that it lies in should live.
    if (chunk.length > 0) this.chunks.push(Buffer.from(chunk));
    if (endStream) this.whole();
  }

  onSent(): void {}

  onReset(_stream: MessageStream, { detail }: ResetReason): void {
    this.stream = undefined;
    this.fail('failed', detail);
  }

  private onAnswer(status: string, headers: HeaderList): void {
    this.answered = true;
    if (status !== '200') {
      const denied = status === '401' || status === '403';
      this.fail('refused', `answered ${status}${denied ? `; ${NEEDED}` : ''}`);
      return;
    }
    const encoding = (headerValue(headers, 'content-encoding') ?? 'identity').toLowerCase();
    const type = headerValue(headers, 'content-type') ?? 'text/plain';
    this.compressed = encoding === 'gzip';
    if (!this.compressed && encoding !== 'identity') {
      this.fail('unreadable', `content-encoding ${encoding}`);
    } else if (!type.toLowerCase().startsWith('text/plain')) {
      this.fail('unreadable', `content-type ${type}`);
    }
  }

  private whole(): void {
    const { chunks, compressed } = this;
    this.end({ kind: 'answered', held: { chunks, compressed } });
  }

  private fail(kind: ScrapeProblem, detail: string): void {
    this.stream?.reset(ErrorCode.CANCEL);
    this.end({ kind, detail });
  }

  private end(outcome: ScrapeOutcome): void {
    clearTimeout(this.timer);
    this.stream = undefined;
    this.resolve(outcome);
  }

  private headers(url: string): HeaderList {
    const authority = url.slice('https://'.length);
    const headers: HeaderList = [':method', 'GET', ':scheme', 'https', ':authority', authority];
    headers.push(':path', PATH, 'user-agent', 'evenkeel-metrics');
    headers.push('accept', 'text/plain;version=0.0.4', 'accept-encoding', 'gzip');
    headers.push(...this.options.identityHeaders);
    return headers;
  }
}
