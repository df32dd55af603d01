import type { HeaderList } from '../http2/header-list.ts';
import type { RequestInfo } from '../kube/request-info.ts';
import { continuationQuery, parseWatchRequest, withBookmarks } from '../kube/watch-query.ts';

/**
 * A watch that ends in its first second, without an event, makes client-go relist. Its clock begins
 * when our answer arrives, hence the rest.
 */
export const MIN_WATCH_MS = 1250;
/** An apiserver ends a watch this much before the time that the client has asked for, or later. */
const NATURAL_END_MS = 1500;
/** The shortest that an apiserver lets a watch last when the client names no time. */
const SERVER_MIN_WATCH_MS = 1_790_000;

/** What the client has asked for, and for how long. */
export class WatchTerms {
  /** What the client's request says; see `parseWatchRequest`. */
  readonly request: ReturnType<typeof parseWatchRequest>;
  private readonly path: string;
  private readonly query: string;
  readonly beganAtMs: number;
  /** When the client's own timeoutSeconds are over. */
  private readonly deadlineMs: number;

  /** @param target path and query as the client sent them */
  constructor(target: string, beganAtMs: number) {
    const question = target.indexOf('?');
    this.path = question < 0 ? target : target.slice(0, question);
    this.query = question < 0 ? '' : target.slice(question + 1);
    this.request = parseWatchRequest(this.query);
    this.beganAtMs = beganAtMs;
    const { timeoutSeconds } = this.request;
    this.deadlineMs =
      timeoutSeconds === undefined ? Number.POSITIVE_INFINITY : beganAtMs + timeoutSeconds * 1000;
  }

  /** The same watch from a later version on, for the time that is left. */
  continuation(resourceVersion: string, nowMs: number): string {
    const leftMs = this.deadlineMs - nowMs;
    const timeoutSeconds = Number.isFinite(leftMs)
      ? Math.max(1, Math.ceil(leftMs / 1000))
      : undefined;
    return `${this.path}?${continuationQuery(this.query, { resourceVersion, timeoutSeconds })}`;
  }

  /** Whether a watch that ends now has lasted as long as it was meant to. */
  isNaturalEnd(nowMs: number): boolean {
    if (Number.isFinite(this.deadlineMs)) return nowMs >= this.deadlineMs - NATURAL_END_MS;
    return nowMs - this.beganAtMs >= SERVER_MIN_WATCH_MS;
  }
}

/**
 * The watch as it goes to an endpoint: with bookmarks, which keep the version fresh that it can be
 * continued from.
 */
export function bookmarkedTarget(target: string): string {
  const question = target.indexOf('?');
  if (question < 0) return `${target}?${withBookmarks('')}`;
  return `${target.slice(0, question)}?${withBookmarks(target.slice(question + 1))}`;
}

/** A watch of objects, by a request that can be sent again. */
export function isResourceWatch({ info }: { readonly info: RequestInfo }): boolean {
  return info.isResourceRequest && info.verb === 'watch' && info.method === 'GET';
}

/**
 * The client's header list for another target, without Accept-Encoding: in a compressed stream
 * nobody could tell one event from the next.
 */
export function watchHeaders(headers: HeaderList, target: string): HeaderList {
  const changed: HeaderList = [];
  if (headers.neverIndexed !== undefined) changed.neverIndexed = headers.neverIndexed;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name === 'accept-encoding') continue;
    changed.push(name, name === ':path' ? target : (headers[i + 1] ?? ''));
  }
  return changed;
}
