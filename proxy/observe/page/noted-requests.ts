// The requests that are worth a look afterwards: failures, and the longest LISTs. For all others this
// costs two comparisons.
import { failureOf } from '../request-outcome.ts';
import type { RequestObserver, RequestRecord } from '../request-record.ts';
import type { NotedFailure, NotedList, NotedRequest } from './page-figures.ts';

/** In one interval. */
const MAX_LISTS = 10;
/** Failures are told apart by word and endpoint. */
const MAX_FAILURES = 64;
const MAX_TEXT_LENGTH = 160;

export class NotedRequests implements RequestObserver {
  private lists: NotedList[] = [];
  /** Of the one that the next must beat. */
  private shortestMs = 0;
  private failures = new Map<string, NotedFailure>();
  private readonly wallMs: () => number;

  constructor(wallMs: () => number = Date.now) {
    this.wallMs = wallMs;
  }

  entered(): void {}

  left(record: RequestRecord, leftAtMs: number): void {
    if (record.failure !== undefined) this.noteFailure(record);
    if (record.verb !== 'LIST') return;
    const durationMs = leftAtMs - record.enteredAtMs;
    if (durationMs > this.shortestMs || this.lists.length < MAX_LISTS) {
      this.noteList(record, durationMs);
    }
  }

  /** What has been noted since the last time; it is then forgotten. */
  take(): { readonly lists: NotedList[]; readonly failures: NotedFailure[] } {
    const { lists, failures } = this;
    this.lists = [];
    this.shortestMs = 0;
    this.failures = new Map();
    return { lists, failures: [...failures.values()] };
  }

  private noteList(record: RequestRecord, durationMs: number): void {
    const { lists } = this;
    lists.push(notedList(record, durationMs, this.wallMs()));
    lists.sort((one, other) => other.durationMs - one.durationMs);
    if (lists.length > MAX_LISTS) lists.pop();
    if (lists.length === MAX_LISTS) this.shortestMs = lists.at(-1)?.durationMs ?? 0;
  }

  private noteFailure(record: RequestRecord): void {
    const failure = failureOf(record);
    // Clients cancel requests all day long.
    if (failure === undefined || failure === 'client_gone') return;
    const { failures } = this;
    const key = `${failure} ${record.endpoint}`;
    const count = (failures.get(key)?.count ?? 0) + 1;
    if (count === 1 && failures.size >= MAX_FAILURES) return;
    // Of a bug the first line says where to look in the log; the stack is not for a page.
    const detail = failure === 'internal' ? '' : clip(record.failureDetail);
    failures.set(key, { ...noted(record, this.wallMs()), failure, detail, count });
  }
}

export function notedList(record: RequestRecord, durationMs: number, atMs: number): NotedList {
  return { ...noted(record, atMs), durationMs, bytes: record.responseBytes };
}

function noted(record: RequestRecord, atMs: number): NotedRequest {
  const { info, verb, endpoint, status, user, clientAddress, userAgent, knownPath } = record;
  const names = [info.resource, info.subresource].filter((name) => name !== '');
  return {
    atMs,
    verb,
    group: clip(info.isResourceRequest ? info.apiGroup : ''),
    // What follows "/proxy/", and any other path, may hold a secret.
    resource: clip(info.isResourceRequest ? names.join('/') : knownPath),
    namespace: clip(info.isResourceRequest ? info.namespace : ''),
    endpoint,
    status,
    user: clip(user),
    client: clientAddress,
    userAgent: clip(userAgent),
  };
}

function clip(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}
