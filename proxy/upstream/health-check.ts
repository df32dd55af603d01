import type { HeaderList } from '../http2/header-list.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import { disbelief, SELF_REVIEW_BODY, SELF_REVIEW_PATH } from './belief.ts';
import type { Endpoint } from './endpoint.ts';
import { Probe, type ProbeOutcome, type ProbeRequest } from './probe.ts';

export interface HealthCheckOptions {
  readonly path: string;
  readonly intervalMs: number;
  /** From sending the check to the end of its answer. */
  readonly timeoutMs: number;
  /** The connections to use, and the header fields that belong on them. */
  readonly identityClass: IdentityClass;
  readonly identityHeaders: HeaderList;
  /** Whom the identity headers name; undefined when there are none. */
  readonly user: string | undefined;
}

/** Where the results of health checks come from. */
export interface HealthSource {
  /**
   * Results are given to the endpoints from now on. Resolves when each endpoint has had its first
   * one, so that a door that opens then has no client to turn away; it takes no longer than a check.
   */
  start(endpoints: readonly Endpoint[]): Promise<void>;
  /** The endpoints are these from now on: new ones are checked at once. */
  follow(endpoints: readonly Endpoint[]): void;
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
    for (const endpoint of endpoints) this.begin(endpoint, () => first.add(endpoint.name));
    await first.all;
  }

  follow(endpoints: readonly Endpoint[]): void {
    for (const [endpoint, check] of this.checks) {
      if (endpoints.includes(endpoint)) continue;
      check.stop();
      this.checks.delete(endpoint);
    }
    for (const endpoint of endpoints) if (!this.checks.has(endpoint)) this.begin(endpoint);
  }

  checkNow(endpoint: Endpoint): void {
    this.checks.get(endpoint)?.checkNow();
  }

  stop(): void {
    for (const check of this.checks.values()) check.stop();
  }

  private begin(endpoint: Endpoint, onFirst: () => void = () => {}): void {
    const check = new HealthCheck(endpoint, this.options, (passed, detail) => {
      endpoint.checked(passed, detail);
      this.onResult(endpoint, passed, detail);
      onFirst();
    });
    this.checks.set(endpoint, check);
  }
}

/** Asks one endpoint's /readyz at a steady pace, each time with a deadline of its own. */
class HealthCheck {
  private readonly endpoint: Endpoint;
  private readonly options: HealthCheckOptions;
  private readonly onResult: (passed: boolean, detail: string) => void;
  private readonly timer: NodeJS.Timeout;
  private current: Probe | undefined;
  /** It has said whom it takes us for since it was last out, and that was right. */
  private believes = false;

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
    const { path } = this.options;
    this.ask({ method: 'GET', path }, (outcome) => {
      const passed = outcome.kind === 'answered' && outcome.status === 200;
      if (passed && !this.believes) this.askIdentity();
      else if (passed) this.onResult(true, '');
      else
        this.failed(
          outcome.kind === 'failed' ? outcome.detail : `${path} answered ${outcome.status}`,
        );
    });
  }

  stop(): void {
    clearInterval(this.timer);
    this.current?.cancel();
  }

  /** Before an endpoint is used: does it take the door's users for whom the door says they are? */
  private askIdentity(): void {
    const { user } = this.options;
    if (user === undefined) {
      this.onResult(true, '');
      return;
    }
    const request = { method: 'POST', path: SELF_REVIEW_PATH, body: SELF_REVIEW_BODY } as const;
    this.ask(request, (outcome) => {
      const problem = disbelief(outcome, user);
      if (problem !== undefined) {
        this.failed(problem);
        return;
      }
      this.believes = true;
      this.onResult(true, '');
    });
  }

  private failed(detail: string): void {
    this.believes = false;
    this.onResult(false, detail);
  }

  private ask(
    request: Pick<ProbeRequest, 'method' | 'path' | 'body'>,
    onDone: (outcome: ProbeOutcome) => void,
  ): void {
    const { identityClass, identityHeaders, timeoutMs } = this.options;
    const whole = { ...request, identityClass, identityHeaders, timeoutMs };
    this.current = new Probe(this.endpoint, whole, (outcome) => {
      this.current = undefined;
      onDone(outcome);
    });
    this.current.begin();
  }
}
