// What a request means to Kubernetes, read from method and path alone, with the same result as
// kube-apiserver's own reading. Runs once for each request, so nothing is decoded or allocated that
// the common case does not need.
import { requiredFieldValue } from './field-selector.ts';
import { percentDecode, queryValue } from './query.ts';

/** The names are those of k8s.io/apiserver pkg/endpoints/request.RequestInfo. */
export interface RequestInfo {
  readonly method: string;
  /** Percent-decoded, without the query. */
  readonly path: string;
  /** Without "?"; "" when there is none. */
  readonly query: string;
  readonly isResourceRequest: boolean;
  /**
   * For resources get, list, watch, create, update, patch, delete, deletecollection, proxy, or ""
   * for a method that has no verb; for anything else the method in lower case.
   */
  readonly verb: string;
  readonly apiPrefix: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Path segments from the resource on. */
  readonly parts: readonly string[];
}

export type Scope = 'resource' | 'namespace' | 'cluster' | '';

// While a request is being read; nobody outside may write.
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_PARTS: readonly string[] = [];

/**
 * Follows pkg/endpoints/request/requestinfo.go NewRequestInfo (v0.34). Never throws: what cannot be
 * read is a non-resource request, or, after "/watch" without a resource, a resource request
 * without one, which the apiserver answers with an error.
 *
 * One difference is known and harmless: an invalid labelSelector, which the apiserver answers with
 * 400, does not stop a name from being read out of the fieldSelector beside it.
 *
 * @param target the :path of HTTP/2 or the request target of HTTP/1.1, in origin form.
 */
export function parseRequestInfo(method: string, target: string): RequestInfo {
  const question = target.indexOf('?');
  const rawPath = question < 0 ? target : target.slice(0, question);
  const info: Mutable<RequestInfo> = {
    method,
    // A malformed escape makes net/http refuse the request, so here any reading will do.
    path: percentDecode(rawPath) ?? rawPath,
    query: question < 0 ? '' : target.slice(question + 1),
    isResourceRequest: false,
    verb: method.toLowerCase(),
    apiPrefix: '',
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: NO_PARTS,
  };
  // Escapes are decoded before the split, as net/url does: "a%2Fb" is two segments.
  readResourcePath(info, splitPath(info.path));
  return info;
}

/** Path segments without the empty ones at both ends; those in the middle stay (strings.Trim). */
function splitPath(path: string): string[] {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === '/') start++;
  while (end > start && path[end - 1] === '/') end--;
  return start === end ? [] : path.slice(start, end).split('/');
}

function readResourcePath(info: Mutable<RequestInfo>, segments: readonly string[]): void {
  const prefix = segments[0];
  // "/api/v1" and "/apis/apps/v1" are documents about the API, what is below them are resources.
  let at = 1;
  if (prefix === 'apis') {
    if (segments.length >= 3) info.apiPrefix = prefix;
    if (segments.length < 4) return;
    info.apiGroup = segments[at++] ?? '';
  } else if (prefix !== 'api' || segments.length < 3) {
    return;
  }
  info.apiPrefix = prefix;
  info.isResourceRequest = true;
  info.apiVersion = segments[at++] ?? '';

  const special = segments[at];
  if (special === 'watch' || special === 'proxy') {
    at++;
    if (at === segments.length) return; // The apiserver's "unable to determine kind".
    info.verb = special;
  } else {
    info.verb = verbOfMethod(info.method);
  }
  readParts(info, segments, at);
  if (info.name === '') readCollectionVerb(info);
}

function verbOfMethod(method: string): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return 'delete';
    default:
      return '';
  }
}

function readParts(info: Mutable<RequestInfo>, segments: readonly string[], from: number): void {
  let at = from;
  if (segments[at] === 'namespaces' && at + 1 < segments.length) {
    info.namespace = segments[at + 1] ?? '';
    // "/namespaces/x/pods" is about pods, "/namespaces/x/status" still about the namespace.
    const next = segments[at + 2];
    if (next !== undefined && next !== 'status' && next !== 'finalize') at += 2;
  }
  info.resource = segments[at] ?? '';
  info.name = segments[at + 1] ?? '';
  // Behind the legacy proxy prefix everything after the name belongs to the proxied path.
  if (info.verb !== 'proxy') info.subresource = segments[at + 2] ?? '';
  info.parts = segments.slice(at);
}

function readCollectionVerb(info: Mutable<RequestInfo>): void {
  if (info.verb === 'delete') info.verb = 'deletecollection';
  if (info.verb !== 'get') return;
  if (info.query === '') {
    info.verb = 'list';
    return;
  }
  info.verb = asksToWatch(info.query) ? 'watch' : 'list';
  // An informer that selects one object by name is treated as asking for that object.
  const selector = queryValue(info.query, 'fieldSelector');
  if (selector === undefined || !listOptionsDecode(info.query)) return;
  const name = requiredFieldValue(selector, 'metadata.name') ?? '';
  if (isPathSegmentName(name)) info.name = name;
}

/**
 * Everything but "0" and any spelling of "false" is true, also the empty value; the first of several
 * values counts (apimachinery pkg/runtime/conversion.go Convert_Slice_string_To_bool).
 */
function asksToWatch(query: string): boolean {
  const value = queryValue(query, 'watch');
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}

/** List options are read all or not at all: a number that is none also loses the selector. */
function listOptionsDecode(query: string): boolean {
  return isInteger(queryValue(query, 'limit')) && isInteger(queryValue(query, 'timeoutSeconds'));
}

function isInteger(text: string | undefined): boolean {
  if (text === undefined) return true;
  let at = text[0] === '-' || text[0] === '+' ? 1 : 0;
  if (at === text.length) return false;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  if (text.length < 16) return true;
  // BigInt reads "-1" but not "+1", strconv.ParseInt reads both. The length is bounded because
  // BigInt takes quadratic time; leading zeros beyond it are nobody's number.
  const value = text.length > 64 ? undefined : BigInt(text[0] === '+' ? text.slice(1) : text);
  return value !== undefined && BigInt.asIntN(64, value) === value;
}

/** apimachinery pkg/api/validation/path IsValidPathSegmentName. */
function isPathSegmentName(name: string): boolean {
  return name !== '.' && name !== '..' && !name.includes('/') && !name.includes('%');
}

/** pkg/endpoints/metrics/metrics.go CleanScope. */
export function scopeOf(info: RequestInfo): Scope {
  if (info.name !== '' || info.verb === 'create') return 'resource';
  if (info.namespace !== '') return 'namespace';
  return info.isResourceRequest ? 'cluster' : '';
}

/**
 * Whether the request may stay open for long and so has no deadline and no place among the short
 * ones. pkg/server/filters/longrunning.go with the verbs and subresources of kube-apiserver.
 */
export function isLongRunning(info: RequestInfo): boolean {
  if (!info.isResourceRequest) return info.path.startsWith('/debug/pprof/');
  return info.verb === 'watch' || info.verb === 'proxy' || isConnect(info);
}

/** The subresources whose bytes are a conversation with a node or a pod, not an object. */
export function isConnect(info: RequestInfo): boolean {
  switch (info.subresource) {
    case 'attach':
    case 'exec':
    case 'log':
    case 'portforward':
    case 'proxy':
      return info.isResourceRequest;
    default:
      return false;
  }
}

/**
 * Whether the request counts as a write. As in pkg/server/filters/maxinflight.go for resources; for
 * the rest HEAD and OPTIONS are reads too. A false here is no permission to send the request twice:
 * "GET …/exec" runs a command (see isConnect).
 */
export function isMutating(info: RequestInfo): boolean {
  switch (info.verb) {
    case 'get':
    case 'list':
    case 'watch':
      return false;
    case 'head':
    case 'options':
      return info.isResourceRequest;
    default:
      return true;
  }
}
