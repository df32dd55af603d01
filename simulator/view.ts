// What one replica knows: its watch cache. It starts from the store's state at the moment of its
// own start, keeps a bounded history of its own, and may lag behind the store. Two rules of
// kube-apiserver follow from that: a watch from before its start is Expired even if nothing was
// missed (KEP-1904), and a read at a revision it has not seen yet must wait.
import { objectKey, type StoredObject, type StoreEvent } from './objects.ts';
import { expired, tooLargeResourceVersion } from './status.ts';
import type { Store } from './store.ts';

export interface ViewOptions {
  /** Events kept per resource; a watch from further back is Expired. */
  readonly historySize: number;
}

/** Is told of every event of one resource, in order. */
export type EventListener = (event: StoreEvent) => void;

/** A resource's objects and recent events, as this replica has seen them. */
interface ResourceCache {
  readonly objects: Map<string, StoredObject>;
  readonly history: StoreEvent[];
  readonly listeners: Set<EventListener>;
  /** The revision from which the history is complete. */
  completeFrom: number;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

/** One replica's view of the store. `close` ends its subscription. */
export class View {
  readonly #historySize: number;
  readonly #caches = new Map<string, ResourceCache>();
  readonly #listRevision: number;
  readonly #unsubscribe: () => void;
  #revision: number;
  #lagMs = 0;
  // Events that the lag still holds back, oldest first.
  #delayed: { readonly event: StoreEvent; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waiters: Waiter[] = [];

  constructor(store: Store, { historySize }: ViewOptions) {
    this.#historySize = historySize;
    this.#revision = store.revision;
    this.#listRevision = store.revision;
    for (const resource of store.resources()) {
      const cache = this.#cache(resource);
      for (const object of store.list(resource)) {
        cache.objects.set(objectKey(object.metadata.namespace, object.metadata.name), object);
      }
    }
    this.#unsubscribe = store.subscribe((event) => this.#receive(event));
  }

  /** The newest revision that this replica has seen. */
  get revision(): number {
    return this.#revision;
  }

  get(resource: string, key: string): StoredObject | undefined {
    return this.#caches.get(resource)?.objects.get(key);
  }

  /** Objects whose key starts with `prefix`, in key order. */
  list(resource: string, prefix = ''): StoredObject[] {
    const objects = this.#caches.get(resource)?.objects;
    if (!objects) return [];
    return [...objects]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object);
  }

  /**
   * The events after `revision`. A revision from the future is fine: there are none yet, and the
   * watcher drops whatever is not newer (watch_cache_history.go GetIntervalLocked).
   */
  eventsSince(resource: string, revision: number): StoreEvent[] {
    const { history, completeFrom } = this.#cache(resource);
    if (revision < completeFrom) {
      throw expired(`too old resource version: ${revision} (${completeFrom})`);
    }
    return history.filter((event) => event.revision > revision);
  }

  listen(resource: string, listener: EventListener): () => void {
    const { listeners } = this.#cache(resource);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Resolves when the view has reached `revision`; a 504 Status when it takes too long. */
  async waitFor(revision: number, timeoutMs: number): Promise<void> {
    if (this.#revision >= revision) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { revision, resolve };
    this.#waiters.push(waiter);
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      reject(tooLargeResourceVersion(revision, this.#revision));
    }, timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Delays everything the store tells from now on; 0 catches up at once. */
  setLag(lagMs: number): void {
    this.#lagMs = lagMs;
    if (lagMs === 0) this.#release(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#unsubscribe();
    clearTimeout(this.#timer);
    this.#delayed = [];
    // What still waits for a revision belongs to a connection that is gone as well.
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters = [];
  }

  #receive(event: StoreEvent): void {
    if (this.#lagMs === 0 && this.#delayed.length === 0) {
      this.#apply(event);
      return;
    }
    this.#delayed.push({ event, dueMs: performance.now() + this.#lagMs });
    if (this.#delayed.length === 1) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#delayed[0];
    if (!next) return;
    const waitMs = Math.max(0, next.dueMs - performance.now());
    this.#timer = setTimeout(() => this.#release(performance.now()), waitMs);
  }

  #release(untilMs: number): void {
    const waiting = this.#delayed.findIndex(({ dueMs }) => dueMs > untilMs);
    const count = waiting === -1 ? this.#delayed.length : waiting;
    for (const { event } of this.#delayed.splice(0, count)) this.#apply(event);
    this.#arm();
  }

  #apply(event: StoreEvent): void {
    const cache = this.#cache(event.resource);
    if (event.type === 'DELETED') cache.objects.delete(event.key);
    else cache.objects.set(event.key, event.object);
    cache.history.push(event);
    if (cache.history.length > this.#historySize) {
      // What was the newest evicted event is now the oldest revision a watch can start from.
      cache.completeFrom = cache.history.shift()?.revision ?? cache.completeFrom;
    }
    this.#revision = event.revision;
    for (const listener of cache.listeners) listener(event);
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter(({ revision }) => revision <= this.#revision);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ revision }) => revision > this.#revision);
    for (const waiter of ready) waiter.resolve();
  }

  #cache(resource: string): ResourceCache {
    let cache = this.#caches.get(resource);
    if (!cache) {
      cache = {
        objects: new Map(),
        history: [],
        listeners: new Set(),
        completeFrom: this.#listRevision,
      };
      this.#caches.set(resource, cache);
    }
    return cache;
  }
}
