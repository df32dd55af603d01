// Watches of one subject: what an event costs, and what one costs that waits.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, ChildGroup } from '../../tools/child.ts';
import { JsonLines } from '../../tools/json-lines.ts';
import { readTreeResidentBytes, readTreeSeconds } from '../process-time.ts';
import type { OwnBackend } from './backends.ts';
import type { Target } from './load.ts';
import type { WatchAnswer, WatchCommand, WatchSpec } from './watch-client.ts';

export interface WatchSample {
  readonly cpuMicrosPerEvent: number;
  readonly eventsPerSecond: number;
}

/** Fewer than a backend's 100 and than any proxy's limit, all defaults. */
export const WATCHES_PER_CONNECTION = 50;
/** Twenty thousand watches are opened within it, on a busy machine too. */
const ANSWER_LIMIT_MS = 180_000;
const CLIENT = fileURLToPath(new URL('watch-client.ts', import.meta.url));

/** A client with open watches. */
export class WatchLoad {
  readonly target: Target & { readonly pid: number };
  readonly samples: WatchSample[] = [];
  readonly #backend: OwnBackend;
  readonly #group: string;
  readonly #client: Child;
  readonly #lines: JsonLines;
  #open = 0;
  #events = 0;

  constructor(
    target: Target & { readonly pid: number },
    backend: OwnBackend,
    environment: { children: ChildGroup; directory: string; maxWatches: number; group: string },
  ) {
    const { children, directory, maxWatches, group } = environment;
    this.target = target;
    this.#backend = backend;
    // A path of its own: the backend sends an event to all watches of one path, and those of an
    // earlier client may still be open there.
    this.#group = `/api/v1/namespaces/${group}-${target.pid}/configmaps`;
    const spec: WatchSpec = {
      url: target.url,
      path: `${this.#group}?watch=true&resourceVersion=1000`,
      caPath: backend.pki.clusterCa.certPath,
      connections: Math.ceil(maxWatches / WATCHES_PER_CONNECTION),
      headers: backend.headers,
    };
    this.#client = children.start({
      name: `watches of ${target.name}`,
      command: process.execPath,
      args: [CLIENT, JSON.stringify(spec)],
      logPath: join(directory, 'watch-client.log'),
      interactive: true,
    });
    this.#lines = new JsonLines(this.#client.name, this.#client.requireStdout());
  }

  /** Throws unless all of them are open at the end. */
  async open(watches: number): Promise<void> {
    this.#open += watches;
    await this.#tell({ open: watches });
    // Each begins with one.
    this.#events += watches;
    const { open, lost, events } = await this.#tell({ untilEvents: this.#events });
    if (open !== this.#open || events !== this.#events || lost > 0) {
      throw new Error(`${this.target.name}: ${open} of ${this.#open} watches open, ${lost} lost`);
    }
  }

  residentBytes(): number {
    return readTreeResidentBytes(this.target.pid);
  }

  /** Sends events for about so many seconds. Throws unless each one came to each watch. */
  async measure(seconds: number, eventsPerSecond: number): Promise<void> {
    const startedAt = performance.now();
    const cpuBefore = readTreeSeconds(this.target.pid);
    const deliveries = await this.deliver(
      Math.max(1, Math.round(seconds * eventsPerSecond)),
      1000 / eventsPerSecond,
    );
    const cpuSeconds = readTreeSeconds(this.target.pid) - cpuBefore;
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    this.samples.push({
      cpuMicrosPerEvent: (cpuSeconds / deliveries) * 1e6,
      eventsPerSecond: deliveries / elapsedSeconds,
    });
  }

  /** Resolves with the number of deliveries. */
  async deliver(events: number, intervalMs: number): Promise<number> {
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const sent = this.#backend.lines.next(({ event }) => event === 'sent', limit);
    const command = { group: this.#group, events, intervalMs };
    this.#backend.child.stdin?.write(`${JSON.stringify(command)}\n`);
    const { deliveries } = await sent;
    const wanted = events * this.#open;
    this.#events += wanted;
    const { events: got, lost } = await this.#tell({ untilEvents: this.#events });
    if (deliveries !== wanted || got !== this.#events || lost > 0) {
      const figures = `${deliveries} of ${wanted} events sent, ${got} of ${this.#events} came`;
      throw new Error(`${this.target.name}: ${figures}, ${lost} watches lost`);
    }
    return wanted;
  }

  /** Closes the watches; their connections too. */
  async close(): Promise<void> {
    this.#client.stdin?.end();
    await this.#client.exited;
  }

  async #tell(command: WatchCommand): Promise<WatchAnswer> {
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const answer = this.#lines.next(({ event }) => event === 'watches', limit);
    this.#client.stdin?.write(`${JSON.stringify(command)}\n`);
    return (await answer) as unknown as WatchAnswer;
  }
}
