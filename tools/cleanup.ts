/** Ends what was started, last one first, and each one once. */
export class Cleanup {
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #signal: AbortSignal;
  #running = Promise.resolve();

  /** Aborting `signal` ends everything at once; what is still in use then fails. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    // Whoever calls `run` afterwards gets the same error.
    signal.addEventListener('abort', () => void this.run().catch(() => undefined), { once: true });
  }

  /** Throws, after ending it, when it comes too late. */
  async add(end: () => Promise<void>): Promise<void> {
    this.#ends.push(end);
    if (!this.#signal.aborted) return;
    await this.run();
    this.#signal.throwIfAborted();
  }

  /** Two runs at a time are one after the other: when either resolves, everything has ended. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#drain());
    return this.#running;
  }

  async #drain(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}
