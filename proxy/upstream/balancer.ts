import { Endpoint, type EndpointOptions } from './endpoint.ts';
import { mayEject, type OutlierPolicy } from './outlier.ts';
import { type Candidate, pick } from './picker.ts';

export interface BalancerOptions {
  readonly endpoints: readonly Pick<EndpointOptions, 'name' | 'host' | 'port'>[];
  readonly endpoint: Omit<EndpointOptions, 'name' | 'host' | 'port' | 'mayEject'>;
  readonly slowStartMs: number;
}

/** The endpoints, and which of them gets the next request or watch. */
export class Balancer {
  readonly endpoints: readonly Endpoint[];
  private readonly slowStartMs: number;
  private readonly nowMs: () => number;
  private turn = 0;

  constructor(options: BalancerOptions) {
    this.slowStartMs = options.slowStartMs;
    this.nowMs = options.endpoint.nowMs;
    const { outlier } = options.endpoint;
    this.endpoints = options.endpoints.map(
      (address) =>
        new Endpoint({ ...options.endpoint, ...address, mayEject: () => this.maySpare(outlier) }),
    );
  }

  get readyCount(): number {
    return this.endpoints.filter((endpoint) => endpoint.available).length;
  }

  /**
   * @param longRunning balance open watches and streams rather than requests in flight
   * @param tried endpoints that this request has been sent to already
   */
  pick(longRunning: boolean, tried: readonly Endpoint[]): Endpoint | undefined {
    const triedIndexes = tried.map((endpoint) => this.endpoints.indexOf(endpoint));
    const { turn } = this;
    this.turn += 1;
    const index = pick(this.candidates(longRunning, false), triedIndexes, turn, this.slowStartMs);
    if (index >= 0) return this.endpoints[index];
    // A suspected endpoint is better than none.
    return this.endpoints[
      pick(this.candidates(longRunning, true), triedIndexes, turn, this.slowStartMs)
    ];
  }

  private candidates(longRunning: boolean, withSuspected: boolean): Candidate[] {
    const nowMs = this.nowMs();
    return this.endpoints.map((endpoint) => ({
      available: endpoint.available && (withSuspected || !endpoint.suspected),
      load: longRunning ? endpoint.load.longRunning : endpoint.load.requests,
      penalty: endpoint.load.penaltyAt(nowMs),
      availableForMs: endpoint.availableForMs,
    }));
  }

  private maySpare(policy: OutlierPolicy): boolean {
    const ready = this.endpoints.filter((endpoint) => endpoint.ready);
    const ejected = ready.filter((endpoint) => endpoint.ejected).length;
    return mayEject(policy, ready.length, ejected);
  }
}
