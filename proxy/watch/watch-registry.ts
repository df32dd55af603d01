import type { Connection } from '../http2/connection.ts';
import type { Balancer } from '../upstream/balancer.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { alone } from './alone.ts';
import { Pace } from './pace.ts';
import type { RebalancePolicy } from './rebalance.ts';
import { Rebalancer } from './rebalancer.ts';
import type { HomedWatch, WatchHome } from './watch-home.ts';
import type { MoveReason, MoveResult, WatchObserver } from './watch-origin.ts';
import { choosePlace } from './watch-target.ts';

/** Why a watch is to leave an endpoint that still serves it. */
interface Departure {
  readonly reason: Extract<MoveReason, 'silent' | 'removed'>;
  /** What has arrived on its connection after this shows that it need not go. */
  readonly unlessReadSinceMs: number;
}

export interface WatchPolicy extends RebalancePolicy {
  /** Watches that one endpoint may be given each second after another one was lost. */
  readonly continuationsPerSecond: number;
  /** How long a watch looks for an endpoint that can go on with it. */
  readonly maxWaitMs: number;
}

const TICK_MS = 10;
/** Endpoints that failed are asked again after so long, while a watch still waits. */
const RETRY_MS = 200;

/** All carried watches, where they are, and which of them wait for a place. */
export class WatchRegistry implements WatchHome {
  private readonly balancer: Pick<Balancer, 'endpoints'>;
  private readonly policy: WatchPolicy;
  private readonly observer: WatchObserver;
  private readonly nowMs: () => number;
  private readonly onBug: (error: unknown) => void;
  private readonly places = new Map<Endpoint, Set<HomedWatch>>();
  /** Lost their endpoint. In order of their last event once `sorted`. */
  private waiting: HomedWatch[] = [];
  private sorted = true;
  /** Still have their endpoint, and are to be opened elsewhere as soon as the pace allows. */
  private readonly departing = new Map<HomedWatch, Departure>();
  /** Endpoints that are not on the list any more. */
  private readonly emptying = new Set<Endpoint>();
  private readonly pace: Pace<Endpoint>;
  private readonly rebalancer: Rebalancer;
  private timer: NodeJS.Timeout | undefined;
  private lastRetryMs = 0;
  private stopped = false;

  constructor(
    balancer: Pick<Balancer, 'endpoints'>,
    policy: WatchPolicy,
    observer: WatchObserver,
    nowMs: () => number,
    onBug: (error: unknown) => void,
  ) {
    this.balancer = balancer;
    this.policy = policy;
    this.observer = observer;
    this.nowMs = nowMs;
    this.onBug = onBug;
    this.pace = new Pace(policy.continuationsPerSecond);
    this.rebalancer = new Rebalancer(balancer, this.places, policy, nowMs);
  }

  attached(watch: HomedWatch, endpoint: Endpoint): void {
    let place = this.places.get(endpoint);
    if (place === undefined) {
      place = new Set();
      this.places.set(endpoint, place);
    }
    place.add(watch);
  }

  detached(watch: HomedWatch, endpoint: Endpoint): void {
    this.places.get(endpoint)?.delete(watch);
    this.departing.delete(watch);
  }

  left(watch: HomedWatch): void {
    this.departing.delete(watch);
  }

  opening(endpoint: Endpoint): void {
    this.pace.asked(endpoint);
  }

  settled(endpoint: Endpoint): void {
    this.pace.answered(endpoint);
  }

  bug(error: unknown): void {
    this.onBug(error);
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
  wait(watch: HomedWatch): void {
    if (this.stopped) {
      watch.endForShutdown();
      return;
    }
    this.waiting.push(watch);
    this.sorted = false;
    this.start();
  }

  /** A connection has not answered a PING: its watches are opened elsewhere, and it is kept. */
  suspect(endpoint: Endpoint, connection: Connection): void {
    if (this.stopped) return;
    for (const watch of this.places.get(endpoint) ?? []) {
      if (watch.connection !== connection || !watch.movable) continue;
      if (!this.departing.has(watch)) this.depart(watch, 'silent', this.nowMs());
    }
  }

  /** An endpoint is not on the list any more: its watches are opened elsewhere, until it is gone. */
  empty(endpoint: Endpoint): void {
    if (this.stopped) return;
    this.emptying.add(endpoint);
    for (const watch of this.places.get(endpoint) ?? []) {
      if (watch.movable) this.depart(watch, 'removed', Number.POSITIVE_INFINITY);
    }
  }

  /** Nothing is kept of an endpoint that is gone. */
  forget(endpoint: Endpoint): void {
    this.emptying.delete(endpoint);
    this.places.delete(endpoint);
    this.pace.forget(endpoint);
  }

  /** To be called once a second: evens out, and empties endpoints that are leaving. */
  rebalance(): void {
    if (this.stopped) return;
    // Those that came there late, could not go before, or had nowhere to go.
    for (const endpoint of this.emptying) this.empty(endpoint);
    this.rebalancer.run();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.waiting = [];
    this.departing.clear();
  }

  private start(): void {
    // At once, so that a single lost watch has a new place within a round trip.
    this.timer ??= setTimeout(() => this.tick(), 0);
  }

  private tick(): void {
    this.timer = undefined;
    const nowMs = this.nowMs();
    this.pace.refill(nowMs);
    this.placeWaiting(nowMs);
    this.moveDeparting(nowMs);
    if (this.waiting.length === 0 && this.departing.size === 0) return;
    this.timer ??= setTimeout(() => this.tick(), TICK_MS);
  }

  private placeWaiting(nowMs: number): void {
    if (!this.sorted) {
      // Who has been silent longest is next.
      this.waiting.sort((one, other) => one.lastEventAtMs - other.lastEventAtMs);
      this.sorted = true;
    }
    const retry = nowMs - this.lastRetryMs > RETRY_MS;
    if (retry) this.lastRetryMs = nowMs;
    const queue = this.waiting;
    this.waiting = [];
    // There may be very many, so those whose turn has not come cost next to nothing.
    let someTurn = this.someTurn;
    for (const watch of queue) {
      if (watch.isOver) continue;
      if (!someTurn && !retry) {
        this.waiting.push(watch);
      } else if (alone(watch, () => this.tryToPlace(watch, nowMs)) ?? true) {
        someTurn = this.someTurn;
      } else {
        if (retry) watch.search.forgetFailures();
        this.waiting.push(watch);
      }
    }
  }

  /** @returns false when it has to wait on */
  private tryToPlace(watch: HomedWatch, nowMs: number): boolean {
    const reason = this.reasonToGiveUp(watch, nowMs);
    const endpoint = reason === undefined ? this.find(watch, nowMs) : undefined;
    if (reason !== undefined) watch.giveUp(reason);
    else if (endpoint !== undefined) watch.continueAt(endpoint);
    return reason !== undefined || endpoint !== undefined;
  }

  private moveDeparting(nowMs: number): void {
    for (const [watch, { reason, unlessReadSinceMs }] of this.departing) {
      const { connection } = watch;
      if (connection !== undefined && connection.lastReadAtMs <= unlessReadSinceMs) {
        if (!this.someTurn) return;
        const endpoint = this.find(watch, nowMs);
        if (endpoint !== undefined) alone(watch, () => watch.moveTo(endpoint, reason));
      }
      // One that has awoken stays. One that cannot go anywhere is told again by the next sweep.
      this.departing.delete(watch);
    }
  }

  private depart(watch: HomedWatch, reason: Departure['reason'], unlessReadSinceMs: number): void {
    this.departing.set(watch, { reason, unlessReadSinceMs });
    // A move that failed long ago says nothing of now.
    watch.search.forgetFailures();
    this.start();
  }

  private reasonToGiveUp(watch: HomedWatch, nowMs: number): string | undefined {
    const available = this.balancer.endpoints.filter((endpoint) => endpoint.available);
    if (available.length > 0 && this.balancer.endpoints.every((one) => isInVain(watch, one))) {
      return 'no endpoint has the history that the watch needs';
    }
    if (watch.search.waitedMs(nowMs) <= this.policy.maxWaitMs) return undefined;
    // One that only waits for its turn goes on waiting: its client would come back to the queue.
    if (available.length > 0 && !watch.search.asked) return undefined;
    return 'no endpoint can go on with the watch';
  }

  /** Some endpoint may be given a watch at this moment. */
  private get someTurn(): boolean {
    return this.balancer.endpoints.some((one) => usable(one) && this.pace.allows(one));
  }

  /** A place that may take one more watch now. */
  private find(watch: HomedWatch, nowMs: number): Endpoint | undefined {
    const { endpoints } = this.balancer;
    // When all others lack the history, one that misses its checks may still have it.
    const ready = endpoints.filter((endpoint) => endpoint.available);
    const isLastResort =
      watch.endpoint === undefined &&
      ready.length > 0 &&
      ready.every((endpoint) => watch.search.hasRefused(endpoint));
    const candidates = endpoints.map((endpoint) => ({
      available:
        (isLastResort || usable(endpoint)) &&
        endpoint !== watch.endpoint &&
        watch.search.mayAsk(endpoint),
      watches: endpoint.load.longRunning,
      availableSinceMs: nowMs - endpoint.availableForMs,
    }));
    const mayNow = endpoints.map((endpoint) => this.pace.allows(endpoint));
    const endpoint = endpoints[choosePlace(candidates, mayNow, watch.lastEventAtMs)];
    if (endpoint !== undefined) this.pace.take(endpoint);
    return endpoint;
  }
}

/** There is no use in asking: it has no such history, or is gone. */
function isInVain({ search }: HomedWatch, endpoint: Endpoint): boolean {
  return search.hasRefused(endpoint) || (!endpoint.available && search.hasFailed(endpoint));
}

function usable(endpoint: Endpoint): boolean {
  return endpoint.available && !endpoint.suspected;
}
