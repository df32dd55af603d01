// Reads the one-object-a-line output of our Go programs.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** One line, as it came. */
export type JsonLine = Readonly<Record<string, unknown>>;

interface Waiter {
  readonly wanted: (line: JsonLine) => boolean;
  readonly resolve: (line: JsonLine) => void;
  readonly reject: (error: Error) => void;
}

/** Hands each line to whoever waits for one like it. Lines that nobody waits for are dropped. */
export class JsonLines {
  readonly #waiters = new Set<Waiter>();
  readonly #name: string;
  #ended = false;

  /** `onLine` sees every line. */
  constructor(name: string, input: Readable, onLine: (line: JsonLine) => void = () => undefined) {
    this.#name = name;
    createInterface({ input })
      .on('line', (text) => {
        const line: JsonLine = JSON.parse(text);
        onLine(line);
        for (const waiter of this.#waiters) {
          if (waiter.wanted(line)) this.#settle(waiter, () => waiter.resolve(line));
        }
      })
      .on('close', () => {
        this.#ended = true;
        for (const waiter of this.#waiters) this.#settle(waiter, () => waiter.reject(this.#over()));
      });
  }

  /** The next line that `wanted` accepts; rejects when the output ends, or `signal` is aborted. */
  next(wanted: (line: JsonLine) => boolean, signal?: AbortSignal): Promise<JsonLine> {
    if (this.#ended) return Promise.reject(this.#over());
    return new Promise((resolve, reject) => {
      const waiter = { wanted, resolve, reject };
      this.#waiters.add(waiter);
      const abort = (): void => this.#settle(waiter, () => reject(signal?.reason));
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    });
  }

  #settle(waiter: Waiter, settle: () => void): void {
    if (this.#waiters.delete(waiter)) settle();
  }

  #over(): Error {
    return new Error(`${this.#name}: its output has ended`);
  }
}
