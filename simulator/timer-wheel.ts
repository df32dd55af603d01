// One interval for every deadline of a replica. Twenty thousand watches want two deadlines each,
// a bookmark and an end; as timers of their own they would cost more than the watches.

/** What a scheduled call can be ended with. */
export interface Scheduled {
  cancel(): void;
}

const TICK_MS = 25;

/** Calls back at or shortly after a delay; resolution is one tick (25 ms). */
export class TimerWheel {
  readonly #slots = new Map<number, Set<() => void>>();
  readonly #interval: NodeJS.Timeout;
  readonly #now: () => number;
  #tick: number;

  /** `now` is a monotonic clock in milliseconds; tests pass their own and call `advance`. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#tick = Math.floor(now() / TICK_MS);
    this.#interval = setInterval(() => this.advance(), TICK_MS);
    // A replica that is only waiting must not keep the process alive: its sockets do that.
    this.#interval.unref();
  }

  schedule(delayMs: number, callback: () => void): Scheduled {
    const due = Math.ceil((this.#now() + delayMs) / TICK_MS);
    const tick = Math.max(due, this.#tick + 1);
    const slot = this.#slots.get(tick) ?? new Set();
    this.#slots.set(tick, slot);
    // A wrapper of its own: the same callback may be scheduled twice for one tick.
    const entry = () => callback();
    slot.add(entry);
    return {
      cancel: () => {
        slot.delete(entry);
        if (slot.size === 0 && this.#slots.get(tick) === slot) this.#slots.delete(tick);
      },
    };
  }

  /** Runs what is due. */
  advance(): void {
    const target = Math.floor(this.#now() / TICK_MS);
    while (this.#tick < target) {
      this.#tick++;
      const slot = this.#slots.get(this.#tick);
      if (!slot) continue;
      this.#slots.delete(this.#tick);
      for (const callback of slot) callback();
    }
  }

  /** Drops everything that is scheduled. */
  stop(): void {
    clearInterval(this.#interval);
    this.#slots.clear();
  }
}
