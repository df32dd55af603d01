/**
 * What an endpoint is carrying, as the picker sees it. Failures count as load for a while: an
 * endpoint that answers 429 or 500 at once has little in flight, and would otherwise draw all
 * traffic to itself.
 */
export class EndpointLoad {
  /** Requests that are in flight, watches and tunnels not among them. */
  requests = 0;
  /** Watches, log streams and tunnels that are open. */
  longRunning = 0;
  /** Client connections whose reads of the watch cache are served here. */
  readers = 0;
  private penalty = 0;
  private penaltyAtMs = 0;

  /** Half of a penalty is forgotten each second. */
  private static readonly halfLifeMs = 1000;
  /** Less is nothing: however small, it would lose every tie between idle endpoints. */
  private static readonly leastPenalty = 0.1;
  /** More says nothing new and would take long to forget. */
  private static readonly maxPenalty = 1000;

  enter(longRunning: boolean): void {
    if (longRunning) this.longRunning += 1;
    else this.requests += 1;
  }

  leave(longRunning: boolean): void {
    if (longRunning) this.longRunning -= 1;
    else this.requests -= 1;
  }

  failed(nowMs: number): void {
    this.penalty = Math.min(this.penaltyAt(nowMs) + 1, EndpointLoad.maxPenalty);
    this.penaltyAtMs = nowMs;
  }

  penaltyAt(nowMs: number): number {
    if (this.penalty === 0) return 0;
    const left = this.penalty * 0.5 ** ((nowMs - this.penaltyAtMs) / EndpointLoad.halfLifeMs);
    return left < EndpointLoad.leastPenalty ? 0 : left;
  }
}
