import { Endpoint, type EndpointOptions } from './endpoint.ts';
import { type EndpointAddress, EndpointList } from './endpoint-list.ts';
import { mayEject, type OutlierPolicy } from './outlier.ts';
import { type Candidate, pick } from './picker.ts';

/** A preferred endpoint may have this much more to do than the least busy one. */
const PREFERRED_BAND = 1.25;
const PREFERRED_MORE = 4;

export interface BalancerOptions {
  readonly endpoints: readonly EndpointAddress[];
  readonly endpoint: Omit<EndpointOptions, 'name' | 'host' | 'port' | 'mayEject'>;
  readonly slowStartMs: number;
}

/** Differences in requests in flight up to this are chance; see `pick`. */
const REQUEST_BAND = 1;

/** The endpoints, and which of them gets the next request or watch. */
export class Balancer {
  readonly list: EndpointList;
  private readonly slowStartMs: number;
  private readonly nowMs: () => number;
  private turn = 0;

  constructor(options: BalancerOptions) {
    this.slowStartMs = options.slowStartMs;
    this.nowMs = options.endpoint.nowMs;
    const { outlier } = options.endpoint;
    this.list = new EndpointList(
      options.endpoints,
      (address) =>
        new Endpoint({ ...options.endpoint, ...address, mayEject: () => this.maySpare(outlier) }),
      this.nowMs,
    );
  }

  /** As they are now: not to be kept. */
  get endpoints(): readonly Endpoint[] {
    return this.list.current;
  }

  get readyCount(): number {
    return this.endpoints.filter((endpoint) => endpoint.available).length;
  }

  /**
   * @param longRunning balance open watches and streams rather than requests in flight
   * @param tried endpoints that this request has been sent to already
   * @param preferred takes the request unless it has clearly more to do than others
   */
  pick(
    longRunning: boolean,
    tried: readonly Endpoint[],
    preferred?: Endpoint,
  ): Endpoint | undefined {
    if (preferred !== undefined && !tried.includes(preferred) && this.hasRoom(preferred)) {
      return preferred;
    }
    const { endpoints } = this;
    const triedIndexes = tried.map((endpoint) => endpoints.indexOf(endpoint));
    const { turn } = this;
    this.turn += 1;
    const index = this.pickFrom(
      this.candidates(longRunning, false),
      triedIndexes,
      turn,
      longRunning,
    );
    if (index >= 0) return endpoints[index];
    // A suspected endpoint is better than none.
    const all = this.candidates(longRunning, true);
    return endpoints[this.pickFrom(all, triedIndexes, turn, longRunning)];
  }

  private pickFrom(
    candidates: readonly Candidate[],
    tried: readonly number[],
    turn: number,
    longRunning: boolean,
  ): number {
    return pick(candidates, tried, turn, this.slowStartMs, longRunning ? 0 : REQUEST_BAND);
  }

  /**
   * Whether one more connection should read where the same client has read on another one: many
   * programs with one identity must not all come to one endpoint.
   */
  hasRoomForReader(endpoint: Endpoint): boolean {
    const least = Math.min(...this.usable().map(({ load }) => load.readers));
    return endpoint.load.readers <= least * PREFERRED_BAND + PREFERRED_MORE;
  }

  private usable(): Endpoint[] {
    return this.endpoints.filter((one) => one.available && !one.suspected);
  }

  private hasRoom(preferred: Endpoint): boolean {
    const nowMs = this.nowMs();
    const work = ({ load }: Endpoint): number => load.requests + load.penaltyAt(nowMs);
    const usable = this.usable();
    const least = Math.min(...usable.map(work));
    return usable.includes(preferred) && work(preferred) <= least * PREFERRED_BAND + PREFERRED_MORE;
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
