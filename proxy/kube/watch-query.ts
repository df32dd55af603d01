// The query of a watch: read as the apiserver reads it, and rewritten for a watch that goes on
// elsewhere. The rules are the same below the legacy /watch/ paths.
import { percentDecode, queryValue } from './query.ts';

/** The members of metav1.ListOptions that matter to the door. */
export interface WatchRequest {
  /** "" when the client gave none. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  /** Undefined is neither yes nor no: the apiserver then decides by the resourceVersion. */
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  /** Undefined where the apiserver chooses: for none, for 0, and for what it refuses anyway. */
  readonly timeoutSeconds: number | undefined;
}

export interface Continuation {
  /** Of the last event that the client has seen. */
  readonly resourceVersion: string;
  /** What the client has left; without it the query's own timeoutSeconds stays. */
  readonly timeoutSeconds?: number | undefined;
}

const INTEGER = /^[+-]?[0-9]+$/;
const BOOKMARKS = 'allowWatchBookmarks';
/** What a continued watch must not ask for again, beside what is set anew. */
const REPLACED = [BOOKMARKS, 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents'];

/** @param query without "?". The first of several equal parameters counts, as in Go. */
export function parseWatchRequest(query: string): WatchRequest {
  return {
    resourceVersion: queryValue(query, 'resourceVersion') ?? '',
    resourceVersionMatch: queryValue(query, 'resourceVersionMatch') ?? '',
    sendInitialEvents: booleanValue(query, 'sendInitialEvents'),
    allowWatchBookmarks: booleanValue(query, BOOKMARKS) ?? false,
    timeoutSeconds: integerValue(query, 'timeoutSeconds'),
  };
}

/**
 * The query for the same watch from a later version on. Selectors and whatever else it holds stay
 * byte for byte and in order. Initial events have been sent, and resourceVersionMatch is refused
 * without sendInitialEvents (apimachinery pkg/apis/meta/internalversion/validation). Bookmarks are
 * asked for whether the client wants them or not, for they keep the version fresh.
 */
export function continuationQuery(query: string, continuation: Continuation): string {
  const { resourceVersion, timeoutSeconds } = continuation;
  const dropped = timeoutSeconds === undefined ? REPLACED : [...REPLACED, 'timeoutSeconds'];
  const parts = pairsWithout(query, dropped);
  parts.push(`resourceVersion=${encodeURIComponent(resourceVersion)}`, `${BOOKMARKS}=true`);
  if (timeoutSeconds !== undefined) parts.push(`timeoutSeconds=${timeoutSeconds}`);
  return parts.join('&');
}

/** The query with bookmarks asked for: the same string when they are already. */
export function withBookmarks(query: string): string {
  if (booleanValue(query, BOOKMARKS) === true) return query;
  return [...pairsWithout(query, [BOOKMARKS]), `${BOOKMARKS}=true`].join('&');
}

function pairsWithout(query: string, names: readonly string[]): string[] {
  if (query === '') return [];
  return query.split('&').filter((pair) => {
    const equals = pair.indexOf('=');
    // A key with a bad escape is none for Go, and stays as it is.
    const key = percentDecode(equals < 0 ? pair : pair.slice(0, equals), true);
    return key === undefined || !names.includes(key);
  });
}

/**
 * Everything but "0" and any spelling of "false" is true, also the empty value (apimachinery
 * pkg/runtime/conversion.go Convert_Slice_string_To_bool).
 */
function booleanValue(query: string, name: string): boolean | undefined {
  const value = queryValue(query, name);
  return value === undefined ? undefined : value !== '0' && value.toLowerCase() !== 'false';
}

/** As strconv.ParseInt(text, 10, 64) reads it; 0 and what it refuses are undefined. */
function integerValue(query: string, name: string): number | undefined {
  const text = queryValue(query, name) ?? '';
  if (!INTEGER.test(text)) return undefined;
  const number = Number(text);
  return number === 0 || Math.abs(number) >= 2 ** 63 ? undefined : number;
}
