// The one store behind all replicas, with the properties of etcd that the watch protocol rests on:
// a single revision counter, every write a new revision, reads at any revision not yet compacted,
// and compare-and-swap on an object's last revision.
import type { EventType, ObjectMeta, StoredObject, StoreEvent } from './objects.ts';

interface Version {
  readonly revision: number;
  /** Undefined is a tombstone: the object was deleted at this revision. */
  readonly object: StoredObject | undefined;
}

/** What a write answers when the stored state is not the one that it expects. */
export type WriteFailure = 'exists' | 'missing' | 'conflict';

/** An object before its revision is known: resourceVersion is set by the write. */
export type NewObject = Omit<StoredObject, 'metadata'> & {
  readonly metadata: Omit<ObjectMeta, 'resourceVersion'>;
};

/** The outcome of a write. */
export type WriteResult = StoredObject | WriteFailure;

export interface StoreOptions {
  /** Events kept for reads of old revisions (continue tokens); older ones are compacted. */
  readonly historySize?: number;
}

// Ten times a replica's own history: a continue token outlives a watch cache, as with a real
// etcd, which is compacted every five minutes.
const DEFAULT_HISTORY_SIZE = 50_000;

/** An MVCC store. Every write is applied and announced before the call returns. */
export class Store {
  #revision = 0;
  #compactedRevision = 0;
  readonly #historySize: number;
  readonly #history: StoreEvent[] = [];
  readonly #resources = new Map<string, Map<string, Version[]>>();
  // Sorted keys are wanted by every list and change rarely, so they are kept until a key appears.
  readonly #sortedKeys = new Map<string, string[]>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();

  constructor({ historySize = DEFAULT_HISTORY_SIZE }: StoreOptions = {}) {
    this.#historySize = historySize;
  }

  /** The revision of the last write. */
  get revision(): number {
    return this.#revision;
  }

  /** Reads below this revision are refused. */
  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  get(resource: string, key: string): StoredObject | undefined {
    return this.#resources.get(resource)?.get(key)?.at(-1)?.object;
  }

  create(resource: string, key: string, object: NewObject): WriteResult {
    if (this.get(resource, key)) return 'exists';
    return this.#write(resource, key, 'ADDED', object, undefined);
  }

  /** Replaces an object; with `expectedVersion` only if its resourceVersion still is that one. */
  update(resource: string, key: string, object: NewObject, expectedVersion?: string): WriteResult {
    const previous = this.get(resource, key);
    if (!previous) return 'missing';
    if (expectedVersion !== undefined && previous.metadata.resourceVersion !== expectedVersion) {
      return 'conflict';
    }
    return this.#write(resource, key, 'MODIFIED', object, previous);
  }

  delete(resource: string, key: string): WriteResult {
    const previous = this.get(resource, key);
    if (!previous) return 'missing';
    return this.#write(resource, key, 'DELETED', previous, previous);
  }

  /** Objects whose key starts with `prefix`, in key order, as they were at `revision`. */
  list(resource: string, prefix = '', revision = this.#revision): StoredObject[] {
    const objects: StoredObject[] = [];
    const versionsByKey = this.#resources.get(resource);
    for (const key of this.#keys(resource)) {
      if (!key.startsWith(prefix)) continue;
      const object = objectAt(versionsByKey?.get(key) ?? [], revision);
      if (object) objects.push(object);
    }
    return objects;
  }

  /** The resources that hold, or held, at least one object. */
  resources(): string[] {
    return [...this.#resources.keys()];
  }

  /** Calls `listener` for every later event, in order. Returns what ends the subscription. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets what only reads below `revision` would need, as etcd's compaction does. */
  compact(revision: number): void {
    this.#compactedRevision = Math.max(this.#compactedRevision, Math.min(revision, this.#revision));
    const kept = this.#history.findIndex((event) => event.revision > this.#compactedRevision);
    const count = kept === -1 ? this.#history.length : kept;
    for (const event of this.#history.splice(0, count)) this.#dropSuperseded(event);
  }

  #write(
    resource: string,
    key: string,
    type: EventType,
    object: NewObject,
    previous: StoredObject | undefined,
  ): StoredObject {
    const revision = ++this.#revision;
    const stored: StoredObject = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) } as ObjectMeta,
    };
    this.#versions(resource, key).push({
      revision,
      object: type === 'DELETED' ? undefined : stored,
    });
    const event: StoreEvent = { revision, resource, key, type, object: stored };
    this.#publish(previous ? { ...event, previous } : event);
    return stored;
  }

  #publish(event: StoreEvent): void {
    this.#history.push(event);
    // Compaction in strides keeps the array shift off the path of most writes.
    if (this.#history.length > this.#historySize * 1.1) {
      this.compact(this.#history.at(-this.#historySize)?.revision ?? 0);
    }
    for (const listener of this.#listeners) listener(event);
  }

  #versions(resource: string, key: string): Version[] {
    let versionsByKey = this.#resources.get(resource);
    if (!versionsByKey) {
      versionsByKey = new Map();
      this.#resources.set(resource, versionsByKey);
    }
    let versions = versionsByKey.get(key);
    if (!versions) {
      versions = [];
      versionsByKey.set(key, versions);
      this.#sortedKeys.delete(resource);
    }
    return versions;
  }

  #keys(resource: string): string[] {
    let keys = this.#sortedKeys.get(resource);
    if (!keys) {
      keys = [...(this.#resources.get(resource)?.keys() ?? [])].sort();
      this.#sortedKeys.set(resource, keys);
    }
    return keys;
  }

  #dropSuperseded({ resource, key, revision }: StoreEvent): void {
    const versionsByKey = this.#resources.get(resource);
    const versions = versionsByKey?.get(key);
    if (!versionsByKey || !versions) return;
    // The version written at `revision` itself still answers reads at that revision.
    const kept = versions.filter((version) => version.revision >= revision);
    const onlyTombstone = kept.length === 1 && kept[0]?.object === undefined;
    if (onlyTombstone) {
      versionsByKey.delete(key);
      this.#sortedKeys.delete(resource);
    } else {
      versionsByKey.set(key, kept);
    }
  }
}

function objectAt(versions: readonly Version[], revision: number): StoredObject | undefined {
  for (let index = versions.length - 1; index >= 0; index--) {
    const version = versions[index];
    if (version && version.revision <= revision) return version.object;
  }
  return undefined;
}
