// Clients that do nothing wrong, and how long they wait for their answers.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';

export interface HonestOptions {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
  readonly path: string;
  readonly count: number;
  /** Between two requests of one client. */
  readonly intervalMs: number;
}

export interface Waits {
  readonly requests: number;
  /** Requests that were not answered with 200. */
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const ANSWER_LIMIT_MS = 10_000;

/** They ask from `open` to `close`; `collect` tells of the time since it was last called. */
export class HonestClients {
  readonly #options: HonestOptions;
  readonly #sessions: ClientHttp2Session[];
  readonly #timers: NodeJS.Timeout[] = [];
  #waitsMs: number[] = [];
  #failures = 0;

  constructor(options: HonestOptions) {
    const { port, ca, count } = options;
    this.#options = options;
    this.#sessions = Array.from({ length: count }, () =>
      connect(`https://127.0.0.1:${port}`, { ca }),
    );
    for (const session of this.#sessions) session.on('error', () => {});
  }

  async open(): Promise<void> {
    await Promise.all(
      this.#sessions.map((session) => (session.connecting ? once(session, 'connect') : undefined)),
    );
    const { intervalMs, count } = this.#options;
    for (const [index, session] of this.#sessions.entries()) {
      const start = (): void => {
        this.#timers.push(setInterval(() => this.#ask(session), intervalMs));
      };
      // Spread, as clients are.
      this.#timers.push(setTimeout(start, (index * intervalMs) / count));
    }
  }

  collect(): Waits {
    const sorted = this.#waitsMs.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const waits = {
      requests: sorted.length + this.#failures,
      failures: this.#failures,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
    this.#waitsMs = [];
    this.#failures = 0;
    return waits;
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const session of this.#sessions) session.destroy();
  }

  #ask(session: ClientHttp2Session): void {
    const startedAt = performance.now();
    const { path, token } = this.#options;
    if (session.destroyed) {
      this.#failures += 1;
      return;
    }
    const stream = session.request({ ':path': path, authorization: `Bearer ${token}` });
    let status = 0;
    stream.setTimeout(ANSWER_LIMIT_MS, () => stream.close());
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      if (status === 200) this.#waitsMs.push(performance.now() - startedAt);
      else this.#failures += 1;
    });
    stream.resume();
  }
}
