// Patches. Merge patch is RFC 7396, JSON patch is RFC 6902. Strategic merge and server-side apply
// are done as a merge patch, with lists replaced as a whole: no field ownership is kept.
import { isJsonObject, type Json, type JsonObject } from './objects.ts';
import { badRequest, type StatusError, unappliablePatch } from './status.ts';

const JSON_PATCH = 'application/json-patch+json';

/** The media types of a PATCH, in the order in which kube-apiserver lists them. */
export const PATCH_MEDIA_TYPES = [
  JSON_PATCH,
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
];

/** Applies a parsed patch of the given media type; the target is not changed. */
export function applyPatch(target: JsonObject, patch: unknown, type: string): JsonObject {
  if (type === JSON_PATCH) return applyJsonPatch(target, patch);
  if (!isJsonObject(patch)) throw badRequest('the patch is not an object');
  return mergePatch(target, patch);
}

/** RFC 7396, section 2: null removes, objects merge, everything else replaces. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const current = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (value === null) delete merged[key];
    else if (isJsonObject(value)) {
      defineField(merged, key, mergePatch(isJsonObject(current) ? current : {}, value));
    } else defineField(merged, key, value);
  }
  return merged;
}

/** Assignment to "__proto__" would change the prototype instead of adding a field. */
function defineField(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** RFC 6902 for the operations that Kubernetes clients send. */
export function applyJsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  const document = structuredClone(target);
  for (const operation of patch) applyOperation(document, operation);
  return document;
}

function applyOperation(document: JsonObject, operation: unknown): void {
  if (!isJsonObject(operation)) throw badRequest('an operation of a JSON patch is an object');
  const path = String(operation.path);
  const from = String(operation.from ?? '');
  const value = operation.value ?? null;
  switch (operation.op) {
    case 'add':
      insert(document, path, value);
      break;
    case 'remove':
      take(document, path);
      break;
    case 'replace':
      take(document, path);
      insert(document, path, value);
      break;
    case 'move':
      insert(document, path, take(document, from));
      break;
    case 'copy':
      insert(document, path, structuredClone(find(document, from)));
      break;
    case 'test':
      if (JSON.stringify(find(document, path)) === JSON.stringify(value)) break;
      throw failedOperation(`testing value ${path} failed`);
    default:
      throw badRequest(`Unexpected kind: ${String(operation.op)}`);
  }
}

/** kube-apiserver keeps the reason to itself; the cause is for whoever debugs the simulator. */
function failedOperation(message: string): StatusError {
  return unappliablePatch(new Error(message));
}

/** RFC 6901: "~1" is "/" and "~0" is "~", in this order. */
function steps(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parentOf(document: JsonObject, pointer: string): [Json, string] {
  const path = steps(pointer);
  const last = path.pop() ?? '';
  let current: Json = document;
  for (const step of path) current = child(current, step, pointer);
  return [current, last];
}

function child(container: Json, step: string, pointer: string): Json {
  const value = Array.isArray(container)
    ? container[Number(step)]
    : isJsonObject(container) && Object.hasOwn(container, step)
      ? container[step]
      : undefined;
  if (value === undefined) throw failedOperation(`missing path: ${pointer}`);
  return value;
}

function find(document: JsonObject, pointer: string): Json {
  const [parent, last] = parentOf(document, pointer);
  return child(parent, last, pointer);
}

function insert(document: JsonObject, pointer: string, value: Json): void {
  const [parent, last] = parentOf(document, pointer);
  if (Array.isArray(parent)) {
    parent.splice(last === '-' ? parent.length : Number(last), 0, value);
  } else if (isJsonObject(parent)) defineField(parent, last, value);
  else throw failedOperation(`missing path: ${pointer}`);
}

function take(document: JsonObject, pointer: string): Json {
  const [parent, last] = parentOf(document, pointer);
  const value = child(parent, last, pointer);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isJsonObject(parent)) delete parent[last];
  return value;
}
