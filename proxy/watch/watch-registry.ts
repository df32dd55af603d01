import type { Connection } from '../http2/connection.ts';
import type { Balancer } from '../upstream/balancer.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { CarriedWatch, WatchHome } from './carried-watch.ts';
import { planMoves, type RebalancePolicy } from './rebalance.ts';
import type { MoveReason, MoveResult, WatchObserver } from './watch-origin.ts';
import { choosePlace } from './watch-target.ts';

export interface WatchPolicy extends RebalancePolicy {
  /** Watches that one endpoint may be given each second after another one was lost. */
  readonly continuationsPerSecond: number;
  /** How long a watch waits for an endpoint that can go on with it. */
  readonly maxWaitMs: number;
}

const TICK_MS = 10;
/** Endpoints that failed are asked again after so long, while a watch still waits. */
const RETRY_MS = 200;

/** All carried watches, where they are, and which of them wait for a place. */
export class WatchRegistry implements WatchHome {
  private readonly balancer: Balancer;
  private readonly policy: WatchPolicy;
  private readonly observer: WatchObserver;
  private readonly nowMs: () => number;
  private readonly places = new Map<Endpoint, Set<CarriedWatch>>();
  /** Lost their endpoint. In order of their last event once `sorted`. */
  private waiting: CarriedWatch[] = [];
  /** Still have their endpoint, which has gone silent. */
  private suspects = new Set<CarriedWatch>();
  private sorted = true;
  private timer: NodeJS.Timeout | undefined;
  private allowances = new Map<Endpoint, number>();
  private lastTickMs = 0;
  private lastRetryMs = 0;

  constructor(
    balancer: Balancer,
    policy: WatchPolicy,
    observer: WatchObserver,
    nowMs: () => number,
  ) {
    this.balancer = balancer;
    this.policy = policy;
    this.observer = observer;
    this.nowMs = nowMs;
  }

  attached(watch: CarriedWatch, endpoint: Endpoint): void {
    let place = this.places.get(endpoint);
    if (place === undefined) {
      place = new Set();
      this.places.set(endpoint, place);
    }
    place.add(watch);
    this.suspects.delete(watch);
  }

  detached(watch: CarriedWatch, endpoint: Endpoint): void {
    this.places.get(endpoint)?.delete(watch);
  }

  left(watch: CarriedWatch): void {
    this.suspects.delete(watch);
  }

  outcome(reason: MoveReason, result: MoveResult): void {
    this.observer.moved(reason, result);
  }

  gap(gapMs: number): void {
    this.observer.gap(gapMs);
  }

  /** Watches at an endpoint. */
  count(endpoint: Endpoint): number {
    return this.places.get(endpoint)?.size ?? 0;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** The watch has no endpoint: it is given one as soon as the pace allows. */
  wait(watch: CarriedWatch): void {
    this.waiting.push(watch);
    this.sorted = false;
    this.start();
  }

  /** A connection has not answered a PING: its watches are opened elsewhere, and it is kept. */
  suspect(endpoint: Endpoint, connection: Connection): void {
    for (const watch of this.places.get(endpoint) ?? []) {
      if (watch.connection === connection && watch.movable) this.suspects.add(watch);
    }
    if (this.suspects.size > 0) this.start();
  }

  /** To be called once a second: evens out, and empties endpoints that are leaving. */
  rebalance(): void {
    const { endpoints } = this.balancer;
    const states = endpoints.map((endpoint) => ({
      available: endpoint.available && !endpoint.suspected,
      watches: this.count(endpoint),
      availableForMs: endpoint.availableForMs,
    }));
    for (const { from, to, count, reason } of planMoves(states, this.policy)) {
      const source = endpoints[from];
      const target = endpoints[to];
      if (source === undefined || target === undefined) continue;
      const sureSinceMs = reason === 'rebalance' ? this.nowMs() - target.availableForMs : 0;
      for (const watch of this.cheapest(source, count, sureSinceMs)) watch.moveTo(target, reason);
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting = [];
    this.suspects.clear();
  }

  /**
   * Those that bring the least, for their move costs the least; a sample is as good as all.
   * @param sureSinceMs leaves out watches whose last event is older: the target may lack its history
   */
  private cheapest(endpoint: Endpoint, count: number, sureSinceMs: number): CarriedWatch[] {
    const sample: CarriedWatch[] = [];
    for (const watch of this.places.get(endpoint) ?? []) {
      if (watch.movable && watch.lastEventAtMs >= sureSinceMs) sample.push(watch);
      if (sample.length >= count * 4) break;
    }
    return sample.sort((one, other) => one.bytes - other.bytes).slice(0, count);
  }

  private start(): void {
    if (this.timer !== undefined) return;
    this.lastTickMs = this.nowMs() - TICK_MS;
    // At once, so that a single lost watch has a new place within a round trip.
    this.timer = setTimeout(() => this.tick(), 0);
  }

  private tick(): void {
    this.timer = undefined;
    const nowMs = this.nowMs();
    this.refill(nowMs);
    if (!this.sorted) {
      // Who has been silent longest is next.
      this.waiting.sort((one, other) => one.lastEventAtMs - other.lastEventAtMs);
      this.sorted = true;
    }
    const retry = nowMs - this.lastRetryMs > RETRY_MS;
    if (retry) this.lastRetryMs = nowMs;
    const queue = this.waiting;
    this.waiting = [];
    for (const watch of queue) this.place(watch, retry);
    for (const watch of this.suspects) {
      const endpoint = this.find(watch, watch.endpoint === undefined ? [] : [watch.endpoint]);
      if (endpoint === undefined) break;
      this.suspects.delete(watch);
      watch.moveTo(endpoint, 'silent');
    }
    if (this.waiting.length === 0 && this.suspects.size === 0) return;
    this.timer ??= setTimeout(() => this.tick(), TICK_MS);
  }

  private place(watch: CarriedWatch, retry: boolean): void {
    if (watch.isOver) return;
    if (watch.waitingForMs > this.policy.maxWaitMs) {
      watch.giveUp('no endpoint can go on with the watch');
      return;
    }
    if (watch.hasNowhereToGo(this.balancer.endpoints)) {
      watch.giveUp('the history of every endpoint begins too late');
      return;
    }
    const endpoint = this.find(watch, watch.tried);
    if (endpoint !== undefined) {
      watch.continueAt(endpoint);
      return;
    }
    if (retry) watch.forgetFailures();
    this.waiting.push(watch);
  }

  /** A place that may take one more watch now. */
  private find(watch: CarriedWatch, tried: readonly Endpoint[]): Endpoint | undefined {
    const { endpoints } = this.balancer;
    const nowMs = this.nowMs();
    const candidates = endpoints.map((endpoint) => ({
      available: endpoint.available && !endpoint.suspected,
      watches: endpoint.load.longRunning,
      availableSinceMs: nowMs - endpoint.availableForMs,
    }));
    const triedIndexes = tried.map((endpoint) => endpoints.indexOf(endpoint));
    const endpoint = endpoints[choosePlace(candidates, triedIndexes, watch.lastEventAtMs)];
    if (endpoint === undefined) return undefined;
    const allowance = this.allowances.get(endpoint) ?? 0;
    if (allowance < 1) return undefined;
    this.allowances.set(endpoint, allowance - 1);
    return endpoint;
  }

  /** An endpoint that has been left alone may be given a tenth of a second's share at once. */
  private refill(nowMs: number): void {
    const { continuationsPerSecond } = this.policy;
    const earned = ((nowMs - this.lastTickMs) / 1000) * continuationsPerSecond;
    const most = Math.max(1, continuationsPerSecond / 10);
    this.lastTickMs = nowMs;
    for (const endpoint of this.balancer.endpoints) {
      const before = this.allowances.get(endpoint) ?? most;
      this.allowances.set(endpoint, Math.min(most, before + earned));
    }
  }
}
