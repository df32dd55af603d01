// GET of one object and LIST, with the resourceVersion rules of KEP-2340: no revision is the
// newest state of the store, 0 is whatever this replica has, anything else is waited for.
import type { Encoder } from './encoder.ts';
import { type ListOptions, parseListOptions } from './list-options.ts';
import { isJsonObject, type JsonObject, objectKey, type StoredObject } from './objects.ts';
import type { ResourceRequest } from './request-path.ts';
import { resourceKey } from './resources.ts';
import type { Serving } from './serving.ts';
import { badRequest, expired, notFound, tooLargeResourceVersion } from './status.ts';

const TOKEN_VERSION = 'meta.k8s.io/v1';
const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** The objects of a list before paging, and the revision they are from. */
interface Snapshot {
  readonly objects: readonly StoredObject[];
  readonly revision: number;
  /** Objects up to this key were in earlier pages. */
  readonly startKey?: string;
  readonly limit: number;
}

/** One object, or a 404 Status. */
export async function readObject(
  { resource, namespace, name = '' }: ResourceRequest,
  query: URLSearchParams,
  { store, view, config }: Serving,
): Promise<StoredObject> {
  const key = objectKey(namespace, name);
  const wanted = query.get('resourceVersion') ?? '';
  if (wanted !== '') await view.waitFor(Number(wanted), config.freshnessTimeoutMs);
  const source = wanted === '' ? store : view;
  const object = source.get(resourceKey(resource), key);
  if (!object) throw notFound(resource, name);
  return object;
}

/** The body of a list. */
export async function readList(
  request: ResourceRequest,
  query: URLSearchParams,
  serving: Serving,
): Promise<string> {
  const options = parseListOptions(request, query);
  const snapshot = await takeSnapshot(request, options, serving);
  return page(request, options, snapshot, serving.encoder);
}

async function takeSnapshot(
  { resource }: ResourceRequest,
  options: ListOptions,
  { store, view, config }: Serving,
): Promise<Snapshot> {
  const key = resourceKey(resource);
  const { prefix, limit, resourceVersion } = options;
  const at = (revision: number): Snapshot => {
    if (revision < store.compactedRevision) {
      throw expired(`The resourceVersion for the provided list is too old.`);
    }
    return { objects: store.list(key, prefix, revision), revision, limit };
  };
  if (options.continueToken !== '') {
    const token = decodeToken(options, resourceVersion);
    if (token.revision >= 0 && token.revision < store.compactedRevision) {
      // The token in the answer continues from the same key at whatever revision is current.
      const rest = encodeToken(-1, token.startKey);
      throw expired(CONTINUE_EXPIRED, { continue: rest });
    }
    const revision = token.revision < 0 ? store.revision : token.revision;
    return { ...at(revision), startKey: prefix + token.startKey };
  }
  if (resourceVersion === '') return at(store.revision);
  const wanted = Number(resourceVersion);
  // Legacy rule: a limit turns "not older than" into "exactly", because the cache cannot page.
  const exact = options.match === 'Exact' || (options.match === '' && limit > 0 && wanted > 0);
  if (exact) {
    if (wanted > store.revision) throw tooLargeResourceVersion(wanted, store.revision);
    return at(wanted);
  }
  await view.waitFor(wanted, config.freshnessTimeoutMs);
  return { objects: view.list(key, prefix), revision: view.revision, limit: 0 };
}

function page(
  { resource }: ResourceRequest,
  { predicate, prefix, selective }: ListOptions,
  { objects, revision, startKey, limit }: Snapshot,
  encoder: Encoder,
): string {
  const remaining =
    startKey === undefined ? objects : objects.filter((object) => keyOf(object) >= startKey);
  const selected = predicate ? remaining.filter(predicate) : remaining;
  const metadata: JsonObject = { resourceVersion: String(revision) };
  const last = selected[limit - 1];
  if (limit <= 0 || !last || selected.length <= limit) {
    return encoder.list(resource, selected, metadata);
  }
  metadata.continue = encodeToken(revision, `${keyOf(last).slice(prefix.length)}\0`);
  if (!selective) metadata.remainingItemCount = selected.length - limit;
  return encoder.list(resource, selected.slice(0, limit), metadata);
}

/** Continue tokens as kube-apiserver writes them: opaque to clients, readable in a debugger. */
function encodeToken(revision: number, startKey: string): string {
  const token = JSON.stringify({ v: TOKEN_VERSION, rv: revision, start: `/${startKey}` });
  return Buffer.from(token).toString('base64url');
}

function decodeToken({ continueToken }: ListOptions, resourceVersion: string) {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(continueToken, 'base64url').toString());
  } catch (cause) {
    throw badRequest(`invalid continue token: continue key is not valid: ${String(cause)}`, cause);
  }
  if (!isJsonObject(token) || token.v !== TOKEN_VERSION || typeof token.start !== 'string') {
    throw badRequest(
      'invalid continue token: continue key is not valid: server does not recognize this encoded version',
    );
  }
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return { revision: Number(token.rv), startKey: token.start.replace(/^\//, '') };
}

function keyOf({ metadata: { namespace, name } }: StoredObject): string {
  return objectKey(namespace, name);
}
