import type { Balancer } from '../upstream/balancer.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { alone } from './alone.ts';
import { planMoves, planSwap, type RebalancePolicy } from './rebalance.ts';
import type { HomedWatch } from './watch-home.ts';

/** The lightest are looked for among this many for each that is to move: a sample is as good. */
const SAMPLED_FOR_EACH = 4;
/** To know what watches bring all of them are looked at, and averages change slowly. */
const RUNS_FOR_A_SWAP = 5;
const NONE: ReadonlySet<HomedWatch> = new Set();

/** Moves watches so that all endpoints have their share, of watches and of what they bring. */
export class Rebalancer {
  private readonly balancer: Pick<Balancer, 'endpoints'>;
  private readonly places: ReadonlyMap<Endpoint, ReadonlySet<HomedWatch>>;
  private readonly policy: RebalancePolicy;
  private readonly nowMs: () => number;
  private runs = 0;

  constructor(
    balancer: Pick<Balancer, 'endpoints'>,
    places: ReadonlyMap<Endpoint, ReadonlySet<HomedWatch>>,
    policy: RebalancePolicy,
    nowMs: () => number,
  ) {
    this.balancer = balancer;
    this.places = places;
    this.policy = policy;
    this.nowMs = nowMs;
  }

  /** To be called once a second. */
  run(): void {
    const { policy } = this;
    const { endpoints } = this.balancer;
    // What looks silent now is about to change: all is looked at again when that is over.
    if (endpoints.some((endpoint) => endpoint.suspected)) return;
    const loads = endpoints.map((endpoint) => ({
      available: endpoint.available,
      watches: this.at(endpoint).size,
      availableForMs: endpoint.availableForMs,
      unavailableForMs: endpoint.unavailableForMs,
    }));
    const moves = planMoves(loads, policy);
    for (const { from, to, count, reason } of moves) {
      this.moveLightest(endpoints[from], endpoints[to], count, reason);
    }
    this.runs += 1;
    if (moves.length > 0 || this.runs % RUNS_FOR_A_SWAP !== 0) return;
    const rates = endpoints.map((endpoint) => this.rateOf(endpoint));
    const swap = planSwap(loads, rates, policy);
    if (swap !== undefined) this.swap(endpoints[swap.from], endpoints[swap.to], swap.maxRate);
  }

  /** Of the lightest: their move costs the least. */
  private moveLightest(
    source: Endpoint | undefined,
    target: Endpoint | undefined,
    count: number,
    reason: 'rebalance' | 'leaving',
  ): void {
    if (source === undefined || target === undefined) return;
    const sample: HomedWatch[] = [];
    for (const watch of this.at(source)) {
      if (!this.mayMove(watch, target, reason)) continue;
      sample.push(watch);
      if (sample.length >= count * SAMPLED_FOR_EACH) break;
    }
    const nowMs = this.nowMs();
    sample.sort((one, other) => one.bytesPerSecond(nowMs) - other.bytesPerSecond(nowMs));
    for (const watch of sample.slice(0, count)) alone(watch, () => watch.moveTo(target, reason));
  }

  /** A heavy watch goes to where the least is brought, and a light one comes back for it. */
  private swap(source: Endpoint | undefined, target: Endpoint | undefined, maxRate: number): void {
    if (source === undefined || target === undefined) return;
    const nowMs = this.nowMs();
    let heaviest: HomedWatch | undefined;
    let most = 0;
    for (const watch of this.at(source)) {
      const rate = watch.bytesPerSecond(nowMs);
      if (rate <= most || rate > maxRate || !this.mayMove(watch, target, 'rebalance')) continue;
      heaviest = watch;
      most = rate;
    }
    const moving = heaviest;
    if (moving === undefined) return;
    alone(moving, () => moving.moveTo(target, 'rebalance'));
    this.moveLightest(target, source, 1, 'rebalance');
  }

  /** One that is only evened out must surely find the history that it needs. */
  private mayMove(watch: HomedWatch, target: Endpoint, reason: 'rebalance' | 'leaving'): boolean {
    const sure =
      reason === 'leaving' || watch.lastEventAtMs >= this.nowMs() - target.availableForMs;
    return sure && watch.movable && !watch.search.hasRefused(target);
  }

  private at(endpoint: Endpoint): ReadonlySet<HomedWatch> {
    return this.places.get(endpoint) ?? NONE;
  }

  private rateOf(endpoint: Endpoint): number {
    const nowMs = this.nowMs();
    let rate = 0;
    for (const watch of this.at(endpoint)) rate += watch.bytesPerSecond(nowMs);
    return rate;
  }
}
