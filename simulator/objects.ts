// The shapes that every part of the simulator shares. Objects are immutable once stored: replicas,
// watch caches and history all hold the same one, which is what makes three replicas cheap.

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** The part of metav1.ObjectMeta that the simulator itself reads. The rest is carried along. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: Json | object | undefined;
}

/** An object as it is stored: without kind and apiVersion, which its resource knows. */
export interface StoredObject {
  readonly metadata: ObjectMeta;
  readonly [field: string]: Json | object | undefined;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change of the store. `object` of a DELETED event is the last state, at the new revision. */
export interface StoreEvent {
  readonly revision: number;
  /** Resource key, for example `pods` or `leases.coordination.k8s.io`. */
  readonly resource: string;
  /** Object key: `namespace/name`, or `name` for cluster-scoped resources. */
  readonly key: string;
  readonly type: EventType;
  readonly object: StoredObject;
  readonly previous?: StoredObject;
}

/** Whether a parsed JSON value is an object, as opposed to a list, a scalar or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys, or undefined when a step on the way is no object. */
export function fieldAt(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[step];
  }
  return current;
}

/** The key under which an object is stored; '/' cannot occur in a name, so it never collides. */
export function objectKey(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
