import type { RequestRecord } from './observe/request-record.ts';

/** An exchange, to those who keep time for it. */
export interface OpenExchange {
  readonly record: RequestRecord;
  /** Its place in the list; the list's own. */
  slot: number;
  /** To be called about once a second: ends what has waited too long. */
  checkDeadlines(nowMs: number): void;
  /** The door ends: a watch ends as the apiserver would end it, and comes back elsewhere. */
  endForShutdown(): void;
}

/**
 * The exchanges that are open. A list and not a Set for the reason that IdMap has: a Set with so
 * much coming and going kept thousands of exchanges alive that were over.
 */
export class OpenExchanges {
  private readonly list: OpenExchange[] = [];

  get size(): number {
    return this.list.length;
  }

  add(exchange: OpenExchange): void {
    exchange.slot = this.list.length;
    this.list.push(exchange);
  }

  /** The last one takes the place of the one that goes. */
  delete(exchange: OpenExchange): void {
    if (this.list[exchange.slot] !== exchange) return;
    const last = this.list.pop();
    if (last === undefined || last === exchange) return;
    this.list[exchange.slot] = last;
    last.slot = exchange.slot;
  }

  /** All of them, as they are now. */
  all(): OpenExchange[] {
    return [...this.list];
  }
}
