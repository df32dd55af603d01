// What a request is about: the part of RequestInfo (k8s.io/apiserver
// pkg/endpoints/request/requestinfo.go) that the simulator needs.
import { findResource, RESOURCES, type Resource } from './resources.ts';

/** A request for a resource. */
export interface ResourceRequest {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** Kubernetes' verb: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string;
}

/** A group and version that are served, but no resource of that name in them. */
export type ParsedPath = ResourceRequest | 'unknown resource' | 'no resource';

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Splits a path such as `/api/v1/namespaces/default/pods/web-0/log`. */
export function parsePath(method: string, path: string, query: URLSearchParams): ParsedPath {
  const parts = path.split('/').filter((part) => part !== '');
  const [root, ...rest] = parts.map(decodePart);
  const named = root === 'apis';
  if (!named && root !== 'api') return 'no resource';
  const group = named ? (rest.shift() ?? '') : '';
  const version = rest.shift() ?? '';
  if (rest.length === 0) return 'no resource';
  if (!RESOURCES.some((known) => known.group === group && known.version === version)) {
    return 'no resource';
  }
  const namespace = takeNamespace(rest);
  const [plural = '', name, subresource, ...surplus] = rest;
  const resource = findResource(group, version, plural);
  if (!resource || surplus.length > 0 || (namespace !== undefined && !resource.namespaced)) {
    return 'unknown resource';
  }
  return { resource, namespace, name, subresource, verb: verbOf(method, name, query) };
}

/** `namespaces/x/pods` is scoped to x; `namespaces/x` and its subresources are about x itself. */
function takeNamespace(rest: string[]): string | undefined {
  const [first, namespace, third] = rest;
  if (first !== 'namespaces' || namespace === undefined || third === undefined) return undefined;
  if (third === 'status' || third === 'finalize') return undefined;
  rest.splice(0, 2);
  return namespace;
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): string {
  if (method === 'GET' || method === 'HEAD') {
    // A path with a name is a get, whatever the query says; one name is watched by field selector.
    if (name !== undefined) return 'get';
    const watch = query.get('watch');
    return watch !== null && watch !== 'false' && watch !== '0' ? 'watch' : 'list';
  }
  if (method === 'DELETE' && name === undefined) return 'deletecollection';
  return VERBS[method] ?? '';
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
