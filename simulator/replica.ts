// One kube-apiserver replica: a gate, a TLS server, a view of the store, and the faults that it
// can be put through. A restart makes a new view, so its watch history begins anew.
import type { Pki } from '../tools/pki.ts';
import type { Encoder } from './encoder.ts';
import { Gate } from './gate.ts';
import { type Behaviour, Handler } from './handler.ts';
import { Counters, type ReplicaStats } from './metrics.ts';
import type { Serving, ServingConfig } from './serving.ts';
import type { Store } from './store.ts';
import { TimerWheel } from './timer-wheel.ts';
import { startTlsServer, type TlsServer } from './tls-server.ts';
import { View } from './view.ts';

/** What all replicas of a simulator share. */
export interface ReplicaParts {
  readonly store: Store;
  readonly encoder: Encoder;
  readonly pki: Pki;
  readonly config: ServingConfig;
}

/** An orderly shutdown, as SIGTERM starts it. */
export interface TerminateOptions {
  /** --shutdown-delay-duration: /readyz says no, everything else goes on. Default 0. */
  readonly delayMs?: number;
  /** --shutdown-send-retry-after: new requests get a 429 while the old ones end. Default false. */
  readonly sendRetryAfter?: boolean;
  /** Between the end of the delay and the end of the watches. Default 0. */
  readonly watchGraceMs?: number;
  /** Connections that are still open after this are dropped. Default 1000. */
  readonly drainMs?: number;
}

/** Statistics and state of a replica. */
export interface ReplicaReport extends ReplicaStats {
  readonly running: boolean;
  /** Newest revision that this replica has seen; 0 when it does not run. */
  readonly revision: number;
}

interface Life {
  readonly serving: Serving;
  readonly server: TlsServer;
  readonly behaviour: Behaviour;
}

/** A replica that runs, or ran. Faults take effect at once unless they return a promise. */
export class Replica {
  readonly name: string;
  readonly #parts: ReplicaParts;
  readonly #counters = new Counters();
  readonly #gate: Gate;
  #life: Life | undefined;

  constructor(name: string, parts: ReplicaParts, port = 0) {
    this.name = name;
    this.#parts = parts;
    this.#gate = new Gate(this.#counters, port);
  }

  get port(): number {
    return this.#gate.port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#life !== undefined;
  }

  /** Starts the first life. */
  async start(): Promise<void> {
    if (this.#life) return;
    const { store, encoder, pki, config } = this.#parts;
    const serving: Serving = {
      name: this.name,
      store,
      view: new View(store, config),
      encoder,
      wheel: new TimerWheel(),
      counters: this.#counters,
      startedAtSeconds: Date.now() / 1000,
      config,
      longRunning: new Set(),
    };
    const behaviour: Behaviour = { unready: false, rejecting: false, answer: undefined };
    const handler = new Handler(serving, behaviour, () => `127.0.0.1:${this.port}`);
    const { maxConcurrentStreams } = config;
    const server = await startTlsServer({ pki, maxConcurrentStreams, handler });
    this.#life = { serving, server, behaviour };
    await this.#gate.open(server.port);
  }

  /** Like SIGKILL: the port refuses and every connection is gone. */
  kill(): void {
    this.#gate.close();
    this.#gate.destroyConnections('close');
    // A dead process is not frozen any more, and neither is its next life.
    this.#gate.thaw();
    this.#endLife();
  }

  /** Starts again on the same port after kill() or terminate(); ends refuse(). */
  async restart(): Promise<void> {
    if (this.#life && this.#gate.listening) this.kill();
    if (this.#life) await this.#gate.open(this.#life.server.port);
    else await this.start();
  }

  /** Like SIGTERM. Resolves when nothing is left; restart() brings the replica back. */
  async terminate(options: TerminateOptions = {}): Promise<void> {
    const { delayMs = 0, sendRetryAfter = false, watchGraceMs = 0, drainMs = 1000 } = options;
    const life = this.#life;
    if (!life) return;
    life.behaviour.unready = true;
    await waitMs(delayMs);
    if (sendRetryAfter) life.behaviour.rejecting = true;
    else this.#gate.close();
    await waitMs(watchGraceMs);
    for (const running of [...life.serving.longRunning]) running.end();
    this.#gate.close();
    life.server.drain();
    await this.#drained(drainMs);
    if (this.#life === life) this.kill();
  }

  /** Sockets stay open, but nothing is read from them and nothing answered, PINGs included. */
  freeze(): void {
    this.#gate.freeze();
  }

  thaw(): void {
    this.#gate.thaw();
  }

  /** Shows every change of the store `lagMs` late from now on; 0 catches up. */
  lag(lagMs: number): void {
    this.#life?.serving.view.setLag(lagMs);
  }

  /** Answers everything but health probes with this status; undefined ends it. */
  answer(status: Behaviour['answer']): void {
    if (this.#life) this.#life.behaviour.answer = status;
  }

  /** /readyz says no while everything else goes on; true ends it. */
  setReady(ready: boolean): void {
    if (this.#life) this.#life.behaviour.unready = !ready;
  }

  /** New connections are refused, open ones stay. restart() ends it. */
  refuse(): void {
    this.#gate.close();
  }

  /** Resets every open connection (TCP RST); new ones are welcome. */
  reset(): void {
    this.#gate.destroyConnections('reset');
  }

  /** Ends every watch and followed log cleanly, as a busy or restarting server may at any time. */
  endWatches(): void {
    for (const running of [...(this.#life?.serving.longRunning ?? [])]) running.end();
  }

  stats(): ReplicaReport {
    return {
      ...this.#counters.stats(),
      running: this.running,
      revision: this.#life?.serving.view.revision ?? 0,
    };
  }

  #endLife(): void {
    const life = this.#life;
    if (!life) return;
    this.#life = undefined;
    for (const running of [...life.serving.longRunning]) running.end();
    life.serving.view.close();
    life.serving.wheel.stop();
    life.server.destroy();
  }

  async #drained(limitMs: number): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (this.#counters.openConnections > 0 && performance.now() < deadlineMs) {
      await waitMs(DRAIN_POLL_MS);
    }
  }
}

const DRAIN_POLL_MS = 10;

function waitMs(durationMs: number): Promise<void> {
  return durationMs > 0
    ? new Promise((resolve) => setTimeout(resolve, durationMs))
    : Promise.resolve();
}
