// Objects to bytes, once. An object is served by three replicas, in lists and to thousands of
// watches; it is immutable, so its JSON is made once and kept as long as the object lives.
import type { EventType, JsonObject, StoredObject } from './objects.ts';
import { encodeProtobufEvent } from './protobuf-watch.ts';
import { apiVersion, type Resource } from './resources.ts';

/** How a watch is framed. */
export type WatchEncoding = 'json' | 'protobuf';

/** What goes into the stream of a watch besides stored objects. */
export type WatchEventType = EventType | 'BOOKMARK' | 'ERROR';

/** Encodes objects, lists and watch frames. One per cluster: its cache is keyed by object. */
export class Encoder {
  readonly #items = new WeakMap<StoredObject, string>();
  readonly #frames = new WeakMap<StoredObject, Map<string, Buffer>>();

  /** The object with kind and apiVersion, as GET answers it. */
  object(resource: Resource, object: StoredObject): string {
    return resource.custom
      ? this.#item(resource, object)
      : `${typeMeta(resource)},${this.#item(resource, object).slice(1)}`;
  }

  /** A list body. Items of built-in resources carry no kind: Go's typed lists have none. */
  list(resource: Resource, objects: readonly StoredObject[], metadata: JsonObject): string {
    const items = objects.map((object) => this.#item(resource, object)).join(',');
    const head = `{"kind":"${resource.kind}List","apiVersion":"${apiVersion(resource)}"`;
    return `${head},"metadata":${JSON.stringify(metadata)},"items":[${items}]}`;
  }

  /** One frame of a watch; the same object and type share their bytes. */
  frame(
    encoding: WatchEncoding,
    type: EventType,
    resource: Resource,
    object: StoredObject,
  ): Buffer {
    let frames = this.#frames.get(object);
    if (!frames) {
      frames = new Map();
      this.#frames.set(object, frames);
    }
    const key = `${encoding} ${type}`;
    let frame = frames.get(key);
    if (!frame) {
      frame =
        encoding === 'json'
          ? Buffer.from(`{"type":"${type}","object":${this.object(resource, object)}}\n`)
          : encodeProtobufEvent(type, resource, object);
      frames.set(key, frame);
    }
    return frame;
  }

  #item(resource: Resource, object: StoredObject): string {
    let json = this.#items.get(object);
    if (json === undefined) {
      const text = JSON.stringify(object);
      json = resource.custom ? `${typeMeta(resource)},${text.slice(1)}` : text;
      this.#items.set(object, json);
    }
    return json;
  }
}

function typeMeta(resource: Resource): string {
  return `{"kind":"${resource.kind}","apiVersion":"${apiVersion(resource)}"`;
}
