// Open watches of the backend, in groups that get the same events.
import type { Writable } from 'node:stream';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** What to send. */
export interface SendEvents {
  /** Path of the watches. */
  readonly group: string;
  /** Each one goes to every watch of the group. */
  readonly events: number;
  readonly intervalMs: number;
}

const TEXT_CHARS = 200;

/** A change of a small object, as one line. About 400 bytes. */
export function watchEvent(resourceVersion: number): string {
  const metadata = {
    name: 'worker-7d9c5b6f4-x2x8z',
    namespace: 'batch',
    uid: '9a4f08ec-daa3-423c-9eee-9438590b0ae4',
    resourceVersion: `${resourceVersion}`,
  };
  const data = { text: 'x'.repeat(TEXT_CHARS) };
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata, data };
  return `${JSON.stringify({ type: 'MODIFIED', object })}\n`;
}

export class WatchGroups {
  readonly #groups = new Map<string, Map<object, Set<Writable>>>();
  #resourceVersion = 1000;

  add(group: string, connection: object, watch: Writable): void {
    const connections = this.#groups.get(group) ?? new Map<object, Set<Writable>>();
    const watches = connections.get(connection) ?? new Set<Writable>();
    this.#groups.set(group, connections.set(connection, watches.add(watch)));
    watch.once('close', () => {
      watches.delete(watch);
      if (watches.size === 0) connections.delete(connection);
    });
  }

  /** Resolves, when all is written, with how many events that were, those to each watch counted. */
  async send({ group, events, intervalMs }: SendEvents): Promise<number> {
    let deliveries = 0;
    for (let count = 0; count < events; count += 1) {
      const next = delay(intervalMs);
      deliveries += await this.#sendOne(group);
      await next;
    }
    return deliveries;
  }

  /**
   * In each turn at most one watch of a connection: kube-apiserver flushes every event of every
   * watch by itself, so that each comes as a TLS record of its own, and so it is here.
   */
  async #sendOne(group: string): Promise<number> {
    this.#resourceVersion += 1;
    const event = watchEvent(this.#resourceVersion);
    const queues = [...(this.#groups.get(group)?.values() ?? [])].map((watches) => [...watches]);
    const turns = Math.max(0, ...queues.map(({ length }) => length));
    let deliveries = 0;
    for (let turn = 0; turn < turns; turn += 1) {
      for (const queue of queues) {
        const watch = queue[turn];
        if (watch === undefined || watch.destroyed) continue;
        watch.write(event);
        deliveries += 1;
      }
      await nextTurn();
    }
    return deliveries;
  }
}
