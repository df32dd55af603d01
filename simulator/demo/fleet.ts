// The clients of one side: each an informer and some requests on a connection of its own.
import { ApiConnection, type ApiTarget } from './api-connection.ts';
import type { SideCounts } from './census.ts';
import { Informer } from './client.ts';
import { InformerTransport } from './informer-transport.ts';
import { requestRates, work } from './load.ts';
import { RestClient } from './rest-client.ts';

export interface FleetOptions {
  readonly count: number;
  readonly target: ApiTarget;
  /** The collection that all read and watch. Client k writes object `client-k` in it. */
  readonly path: string;
  readonly meanRequestsPerSecond: number;
  readonly minWatchSeconds: number;
}

/** What the clients of one side have seen since the start. */
export interface FleetFigures {
  readonly clients: number;
  readonly watching: number;
  readonly calls: number;
  readonly retries: number;
  readonly relists: number;
  readonly watchesCut: number;
  readonly longestSilenceMs: number;
  /** What clients got in place of an answer, oldest first. */
  readonly errors: readonly string[];
}

interface Member {
  readonly connection: ApiConnection;
  readonly rest: RestClient;
  readonly transport: InformerTransport;
  readonly informer: Informer;
  readonly errors: string[];
}

/** The object that a client of a fleet writes; `index` counts from 0. */
export function objectName(index: number): string {
  return `client-${index + 1}`;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #stop = new AbortController();
  readonly #members: readonly Member[];
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#members = Array.from({ length: options.count }, () => this.#member());
  }

  /** Connects the clients one after the other, then lets all of them work. */
  async start(): Promise<void> {
    for (const { connection } of this.#members) await connection.connect();
    const { count, meanRequestsPerSecond, path } = this.#options;
    const rates = requestRates(count, meanRequestsPerSecond);
    const { signal } = this.#stop;
    this.#running = Promise.all(
      this.#members.map(async ({ informer, rest, errors }, index) => {
        const requestsPerSecond = rates[index] ?? meanRequestsPerSecond;
        const ownWork = { path, name: objectName(index), requestsPerSecond };
        await Promise.all([
          informer.run(signal).catch(unlessAborted(signal)),
          work(rest, ownWork, signal, errors).catch(unlessAborted(signal)),
        ]);
      }),
    );
  }

  /** Rejects when a client has a bug; what clients see is in `figures`. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { connection } of this.#members) connection.close();
    await this.#running;
  }

  figures(): FleetFigures {
    for (const { informer } of this.#members) informer.noteSilence();
    const sum = (figure: (member: Member) => number): number =>
      this.#members.reduce((total, member) => total + figure(member), 0);
    return {
      clients: this.#members.length,
      watching: sum(({ transport }) => (transport.watching ? 1 : 0)),
      calls: sum(({ rest }) => rest.figures.calls),
      retries: sum(({ rest }) => rest.figures.retries),
      relists: sum(({ informer }) => informer.figures.relists),
      watchesCut: sum(({ informer }) => informer.figures.watchesCut),
      longestSilenceMs: Math.max(
        ...this.#members.map(({ informer }) => informer.figures.longestSilenceMs),
      ),
      errors: this.#members.flatMap(({ informer, errors }) => [
        ...informer.figures.errors,
        ...errors,
      ]),
    };
  }

  /** Requests answered by, and watches open at, each replica that a connection is known to end at. */
  countsByReplica(): Map<string, SideCounts> {
    const counts = new Map<string, SideCounts>();
    const add = (name: string, requests: number, watches: number): void => {
      const known = counts.get(name) ?? { requests: 0, watches: 0 };
      counts.set(name, {
        requests: known.requests + requests,
        watches: known.watches + watches,
      });
    };
    for (const { rest, transport } of this.#members) {
      for (const [name, answers] of rest.figures.answersByReplica) add(name, answers, 0);
      if (transport.watchedReplica !== undefined) add(transport.watchedReplica, 0, 1);
    }
    return counts;
  }

  #member(): Member {
    const { signal } = this.#stop;
    const { target, path, minWatchSeconds } = this.#options;
    const connection = new ApiConnection(target);
    const rest = new RestClient(connection, signal);
    const transport = new InformerTransport(rest, path, signal);
    const informer = new Informer(transport, minWatchSeconds);
    return { connection, rest, transport, informer, errors: [] };
  }
}

/** After the stop everything may fail, and none of it counts. */
function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
