import { ErrorCode } from '../http2/errors.ts';
import type { HeaderList } from '../http2/header-list.ts';
import type { MessageListener, MessageStream } from '../http2/message-stream.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import type { Endpoint } from './endpoint.ts';

/** One small request of the door's own. */
export interface ProbeRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** The connections to use, and the header fields that belong on them. */
  readonly identityClass: IdentityClass;
  readonly identityHeaders: HeaderList;
  /** From sending it to the end of its answer. */
  readonly timeoutMs: number;
}

export type ProbeOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'failed'; readonly detail: string };

/** Nothing that is asked for here is longer. */
const MAX_BODY_BYTES = 64 * 1024;

/** Asks an endpoint something, with a deadline; the first outcome counts. */
export class Probe implements MessageListener {
  private readonly endpoint: Endpoint;
  private readonly request: ProbeRequest;
  private readonly onDone: (outcome: ProbeOutcome) => void;
  private readonly timer: NodeJS.Timeout;
  private stream: MessageStream | undefined;
  private status = 0;
  private body = '';
  private done = false;

  constructor(endpoint: Endpoint, request: ProbeRequest, onDone: (outcome: ProbeOutcome) => void) {
    this.endpoint = endpoint;
    this.request = request;
    this.onDone = onDone;
    this.timer = setTimeout(() => {
      this.stream?.reset(ErrorCode.CANCEL);
      this.fail(`no answer to ${request.path} within ${request.timeoutMs} ms`);
    }, request.timeoutMs);
  }

  begin(): void {
    const { method, path, body, identityClass, identityHeaders } = this.request;
    const connection = this.endpoint.acquire(identityClass, 'health');
    if (connection === undefined) {
      this.fail('no connection for the health check');
      return;
    }
    const authority = this.endpoint.url.slice('https://'.length);
    const headers: HeaderList = [':method', method, ':scheme', 'https', ':authority', authority];
    headers.push(':path', path, 'user-agent', 'evenkeel-health', 'accept', 'application/json');
    if (body !== undefined) headers.push('content-type', 'application/json');
    headers.push(...identityHeaders);
    this.stream = connection.request(headers, body === undefined, this);
    if (body !== undefined) this.stream.sendData(Buffer.from(body), true);
  }

  /** Nothing is told any more. */
  cancel(): void {
    this.done = true;
    clearTimeout(this.timer);
    this.stream?.reset(ErrorCode.CANCEL);
  }

  onHeaders(_stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    if (headers[0] === ':status') this.status = Number(headers[1]);
    if (endStream) this.answered();
  }

  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    stream.consumed(chunk.length);
    if (this.body.length < MAX_BODY_BYTES) this.body += chunk.toString('utf8');
    if (endStream) this.answered();
  }

  onSent(): void {}

  onReset(_stream: MessageStream, reason: { readonly detail: string }): void {
    this.fail(reason.detail);
  }

  private answered(): void {
    this.finish({ kind: 'answered', status: this.status, body: this.body });
  }

  private fail(detail: string): void {
    this.finish({ kind: 'failed', detail });
  }

  private finish(outcome: ProbeOutcome): void {
    if (this.done) return;
    this.done = true;
    clearTimeout(this.timer);
    this.onDone(outcome);
  }
}
