import { ErrorCode } from '../http2/errors.ts';
import type { HeaderList } from '../http2/header-list.ts';
import type { MessageListener, MessageStream } from '../http2/message-stream.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import type { Endpoint } from './endpoint.ts';

export interface HealthCheckOptions {
  readonly path: string;
  readonly intervalMs: number;
  /** From sending the check to the end of its answer. */
  readonly timeoutMs: number;
  /** The connections to use, and the header fields that belong on them. */
  readonly identityClass: IdentityClass;
  readonly identityHeaders: HeaderList;
}

/** Where the results of health checks come from. */
export interface HealthSource {
  /**
   * Results are given to the endpoints from now on. Resolves when each endpoint has had its first
   * one, so that a door that opens then has no client to turn away; it takes no longer than a check.
   */
  start(endpoints: readonly Endpoint[]): Promise<void>;
  /** An endpoint is suspected: the next result should not wait for its time. */
  checkNow(endpoint: Endpoint): void;
  stop(): void;
}

/** Knows when every endpoint has had a result. */
export class FirstResults {
  readonly all: Promise<void>;
  private readonly names = new Set<string>();
  private readonly count: number;
  private readonly resolve: () => void;

  constructor(count: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.all = promise;
    this.resolve = resolve;
    this.count = count;
  }

  add(name: string): void {
    this.names.add(name);
    if (this.names.size === this.count) this.resolve();
  }
}

/** Checks that this process makes itself. */
export class OwnChecks implements HealthSource {
  private readonly options: HealthCheckOptions;
  private readonly onResult: (endpoint: Endpoint, passed: boolean, detail: string) => void;
  private readonly checks = new Map<Endpoint, HealthCheck>();

  /** @param onResult also told of each result, after its endpoint */
  constructor(
    options: HealthCheckOptions,
    onResult: (endpoint: Endpoint, passed: boolean, detail: string) => void = () => {},
  ) {
    this.options = options;
    this.onResult = onResult;
  }

  async start(endpoints: readonly Endpoint[]): Promise<void> {
    const first = new FirstResults(endpoints.length);
    for (const endpoint of endpoints) {
      const check = new HealthCheck(endpoint, this.options, (passed, detail) => {
        endpoint.checked(passed, detail);
        this.onResult(endpoint, passed, detail);
        first.add(endpoint.name);
      });
      this.checks.set(endpoint, check);
    }
    await first.all;
  }

  checkNow(endpoint: Endpoint): void {
    this.checks.get(endpoint)?.checkNow();
  }

  stop(): void {
    for (const check of this.checks.values()) check.stop();
  }
}

/** Asks one endpoint's /readyz at a steady pace, each time with a deadline of its own. */
class HealthCheck {
  private readonly endpoint: Endpoint;
  private readonly options: HealthCheckOptions;
  private readonly onResult: (passed: boolean, detail: string) => void;
  private readonly timer: NodeJS.Timeout;
  private current: Check | undefined;

  constructor(
    endpoint: Endpoint,
    options: HealthCheckOptions,
    onResult: (passed: boolean, detail: string) => void,
  ) {
    this.endpoint = endpoint;
    this.options = options;
    this.onResult = onResult;
    this.timer = setInterval(() => this.checkNow(), options.intervalMs);
    this.checkNow();
  }

  /** Checks at once, unless a check is under way. */
  checkNow(): void {
    if (this.current !== undefined) return;
    this.current = new Check(this.endpoint, this.options, (passed, detail) => {
      this.current = undefined;
      this.onResult(passed, detail);
    });
    this.current.begin();
  }

  stop(): void {
    clearInterval(this.timer);
    this.current?.cancel();
  }
}

/** One request for readiness. Its first outcome counts. */
class Check implements MessageListener {
  private readonly endpoint: Endpoint;
  private readonly options: HealthCheckOptions;
  private readonly onDone: (passed: boolean, detail: string) => void;
  private readonly timer: NodeJS.Timeout;
  private stream: MessageStream | undefined;
  private status = '';
  private done = false;

  constructor(
    endpoint: Endpoint,
    options: HealthCheckOptions,
    onDone: (passed: boolean, detail: string) => void,
  ) {
    this.endpoint = endpoint;
    this.options = options;
    this.onDone = onDone;
    this.timer = setTimeout(() => {
      this.stream?.reset(ErrorCode.CANCEL);
      this.finish(false, `no answer to ${options.path} within ${options.timeoutMs} ms`);
    }, options.timeoutMs);
  }

  begin(): void {
    const connection = this.endpoint.acquire(this.options.identityClass, 'health');
    if (connection === undefined) {
      this.finish(false, 'no connection for the health check');
      return;
    }
    const headers: HeaderList = [
      ':method',
      'GET',
      ':scheme',
      'https',
      ':authority',
      this.endpoint.url.slice('https://'.length),
      ':path',
      this.options.path,
      'user-agent',
      'evenkeel-health',
      ...this.options.identityHeaders,
    ];
    this.stream = connection.request(headers, true, this);
  }

  cancel(): void {
    this.done = true;
    clearTimeout(this.timer);
    this.stream?.reset(ErrorCode.CANCEL);
  }

  onHeaders(_stream: MessageStream, headers: HeaderList, endStream: boolean): void {
    if (headers[0] === ':status') this.status = headers[1] ?? '';
    if (endStream) this.answered();
  }

  onData(stream: MessageStream, chunk: Buffer, endStream: boolean): void {
    stream.consumed(chunk.length);
    if (endStream) this.answered();
  }

  onSent(): void {}

  onReset(_stream: MessageStream, reason: { readonly detail: string }): void {
    this.finish(false, reason.detail);
  }

  private answered(): void {
    this.finish(this.status === '200', `${this.options.path} answered ${this.status}`);
  }

  private finish(passed: boolean, detail: string): void {
    if (this.done) return;
    this.done = true;
    clearTimeout(this.timer);
    this.onDone(passed, detail);
  }
}
