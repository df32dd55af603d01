// Create, update, patch, delete and deletecollection.
import { randomBytes, randomUUID } from 'node:crypto';
import {
  checkedObject,
  checkName,
  contentType,
  parseText,
  readBytes,
  readObjectBody,
  type SentObject,
} from './body.ts';
import { withDefaults } from './defaults.ts';
import type { Exchange } from './exchange.ts';
import { parseListOptions } from './list-options.ts';
import { type JsonObject, objectKey, type StoredObject } from './objects.ts';
import { applyPatch, PATCH_MEDIA_TYPES } from './patch.ts';
import type { ResourceRequest } from './request-path.ts';
import { type Resource, resourceKey } from './resources.ts';
import type { Serving } from './serving.ts';
import {
  alreadyExists,
  badRequest,
  bareError,
  conflict,
  invalid,
  notFound,
  unsupportedRoute,
} from './status.ts';
import type { NewObject, WriteResult } from './store.ts';

/** What a write answers. */
export interface WriteAnswer {
  readonly code: number;
  readonly body: string;
}

const NAMESPACES = { group: '', plural: 'namespaces' };
const APPLY_PATCH = 'application/apply-patch+yaml';

/** POST to a collection. */
export async function createObject(
  exchange: Exchange,
  request: ResourceRequest,
  query: URLSearchParams,
  serving: Serving,
): Promise<WriteAnswer> {
  const sent = await readObjectBody(exchange, request.resource);
  const object = storeNew(sent, request, serving, isDryRun(query));
  return { code: 201, body: serving.encoder.object(request.resource, object) };
}

/** PUT of an object or of its status. */
export async function updateObject(
  exchange: Exchange,
  request: ResourceRequest,
  query: URLSearchParams,
  serving: Serving,
): Promise<WriteAnswer> {
  const { resource, name = '' } = request;
  const sent = await readObjectBody(exchange, resource);
  if ((sent.metadata.name ?? '') !== name) {
    throw badRequest(
      `the name of the object (${String(sent.metadata.name ?? '')}) does not match the name on the URL (${name})`,
    );
  }
  const current = serving.store.get(resourceKey(resource), objectKey(request.namespace, name));
  if (!current) {
    if (!resource.createOnUpdate) throw notFound(resource, name);
    const created = storeNew(sent, request, serving, isDryRun(query));
    return { code: 201, body: serving.encoder.object(resource, created) };
  }
  const stored = replace(current, sent, request, serving, isDryRun(query));
  return { code: 200, body: serving.encoder.object(resource, stored) };
}

/** PATCH of an object or of its status; apply creates what is missing. */
export async function patchObject(
  exchange: Exchange,
  request: ResourceRequest,
  query: URLSearchParams,
  serving: Serving,
): Promise<WriteAnswer> {
  const { resource, namespace, name = '' } = request;
  const type = contentType(exchange);
  if (!PATCH_MEDIA_TYPES.includes(type)) throw unsupportedRoute();
  if (type === APPLY_PATCH && !query.get('fieldManager')) throw missingFieldManager();
  const patch = parseText(await readBytes(exchange), type);
  const current = serving.store.get(resourceKey(resource), objectKey(namespace, name));
  if (!current) {
    if (type !== APPLY_PATCH) throw notFound(resource, name);
    const sent = checkedObject(patch, resource);
    const created = storeNew(sent, request, serving, isDryRun(query));
    return { code: 201, body: serving.encoder.object(resource, created) };
  }
  const patched = checkedObject(applyPatch(current as JsonObject, patch, type), resource);
  const stored = replace(current, patched, request, serving, isDryRun(query));
  return { code: 200, body: serving.encoder.object(resource, stored) };
}

function missingFieldManager() {
  return invalid({ kind: 'PatchOptions', group: 'meta.k8s.io' }, '', [
    {
      reason: 'FieldValueRequired',
      message: 'Required value: is required for apply patch',
      field: 'fieldManager',
    },
  ]);
}

/** DELETE of one object. Grace periods, finalizers and preconditions are not simulated. */
export function deleteObject(
  { resource, namespace, name = '' }: ResourceRequest,
  query: URLSearchParams,
  { store, encoder }: Serving,
): WriteAnswer {
  const key = objectKey(namespace, name);
  const current = store.get(resourceKey(resource), key);
  if (!current) throw notFound(resource, name);
  const deleted = isDryRun(query)
    ? current
    : written(store.delete(resourceKey(resource), key), resource, name);
  if (resource.kind === 'Namespace' && !isDryRun(query)) emptyNamespace(name, store);
  if (resource.returnsDeleted) return { code: 200, body: encoder.object(resource, deleted) };
  const { group, plural } = resource;
  const details = { name, ...(group ? { group } : {}), kind: plural, uid: current.metadata.uid };
  return {
    code: 200,
    body: JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details,
    }),
  };
}

/** DELETE of a collection: everything selected, answered as the list of what was deleted. */
export function deleteCollection(
  request: ResourceRequest,
  query: URLSearchParams,
  { store, encoder }: Serving,
): WriteAnswer {
  const { resource } = request;
  const { prefix, predicate } = parseListOptions(request, query);
  const listed = store.list(resourceKey(resource), prefix);
  const selected = predicate ? listed.filter(predicate) : listed;
  if (!isDryRun(query)) {
    for (const { metadata } of selected) {
      store.delete(resourceKey(resource), objectKey(metadata.namespace, metadata.name));
    }
  }
  const metadata = { resourceVersion: String(store.revision) };
  return { code: 200, body: encoder.list(resource, selected, metadata) };
}

function storeNew(
  sent: SentObject,
  { resource, namespace, name: urlName }: ResourceRequest,
  { store }: Serving,
  dryRun: boolean,
): StoredObject {
  const { metadata } = sent;
  if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request`,
    );
  }
  if (metadata.resourceVersion) {
    throw bareError('resourceVersion should not be set on objects to be created');
  }
  const prefix = typeof metadata.generateName === 'string' ? metadata.generateName : '';
  const given = String(metadata.name ?? urlName ?? '');
  // Five letters, as names.SimpleNameGenerator adds them.
  const name = given || (prefix && prefix + randomBytes(3).toString('hex').slice(0, 5));
  checkName(name, resource);
  if (namespace !== undefined && !store.get('namespaces', namespace)) {
    throw notFound(NAMESPACES, namespace);
  }
  const object = withDefaults(resource, sent, {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: randomUUID(),
    creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  });
  const key = objectKey(namespace, name);
  if (dryRun) {
    if (store.get(resourceKey(resource), key)) throw alreadyExists(resource, name);
    return { ...object, metadata: object.metadata } as StoredObject;
  }
  return written(store.create(resourceKey(resource), key, object), resource, name);
}

function replace(
  current: StoredObject,
  sent: SentObject,
  { resource, namespace, name = '', subresource }: ResourceRequest,
  { store }: Serving,
  dryRun: boolean,
): StoredObject {
  const version = sent.metadata.resourceVersion;
  const expected = typeof version === 'string' && version !== '' ? version : undefined;
  if (expected === undefined && !resource.unconditionalUpdate) {
    // In this one message the resource stands where the kind should.
    throw invalid({ kind: resource.plural, group: resource.group }, name, [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 0: must be specified for an update',
        field: 'metadata.resourceVersion',
      },
    ]);
  }
  if (sent.metadata.uid && sent.metadata.uid !== current.metadata.uid) {
    throw conflict(resource, name);
  }
  const next = nextState(current, sent, resource, subresource);
  if (expected !== undefined && expected !== current.metadata.resourceVersion) {
    throw conflict(resource, name);
  }
  // An update that changes nothing makes no revision and no event (etcd3/store.go).
  if (dryRun || sameState(current, next)) return dryRun ? (next as StoredObject) : current;
  const key = objectKey(namespace, name);
  return written(store.update(resourceKey(resource), key, next, expected), resource, name);
}

/** What the client may change: everything but identity, or the status alone. */
function nextState(
  current: StoredObject,
  sent: SentObject,
  resource: Resource,
  subresource: string | undefined,
): NewObject {
  if (subresource === 'status') return { ...current, status: sent.status ?? {} };
  const { kind: _kind, apiVersion: _version, ...fields } = sent;
  const { name, namespace, uid, creationTimestamp, resourceVersion, generation } = current.metadata;
  return {
    ...fields,
    metadata: {
      ...sent.metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      creationTimestamp,
      resourceVersion,
      ...(generation === undefined ? {} : { generation }),
    },
    ...(resource.status && current.status !== undefined ? { status: current.status } : {}),
  };
}

function sameState(current: StoredObject, next: NewObject): boolean {
  return canonical(current) === canonical(next);
}

/** JSON with sorted keys: the order in which a client writes fields is no change. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, nested) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(
          Object.entries(nested).sort(([left], [right]) => (left < right ? -1 : 1)),
        )
      : nested,
  );
}

function written(result: WriteResult, resource: Resource, name: string): StoredObject {
  if (typeof result === 'object') return result;
  switch (result) {
    case 'exists':
      throw alreadyExists(resource, name);
    case 'missing':
      throw notFound(resource, name);
    case 'conflict':
      throw conflict(resource, name);
  }
}

/** The work of the namespace controller, done at once. */
function emptyNamespace(name: string, store: Serving['store']): void {
  for (const resource of store.resources()) {
    for (const { metadata } of store.list(resource, `${name}/`)) {
      store.delete(resource, objectKey(metadata.namespace, metadata.name));
    }
  }
}

function isDryRun(query: URLSearchParams): boolean {
  return query.get('dryRun') === 'All';
}
