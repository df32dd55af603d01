import type { Log } from '../../common/log.ts';
import type { ProxyErrorCode } from '../errors.ts';
import type { RequestInfo } from '../kube/request-info.ts';
import { failureOf } from './request-outcome.ts';
import type { RequestObserver, RequestRecord } from './request-record.ts';

export interface AccessLogOptions {
  readonly log: Log;
  /** Lines for each kind of failure. A storm of one kind then cannot hide the first of another. */
  readonly maxLinesPerSecond?: number;
  /** Of the requests that did not fail, the first of so many has a line; 1 is all. */
  readonly sampleEvery?: number;
}

const DEFAULT_LINES_PER_SECOND = 10;
const SECOND_MS = 1000;
/** Enough for any name of Kubernetes; what is longer was made to fill the log. */
const MAX_TEXT_LENGTH = 256;
/**
 * Clients may choose it (Audit-ID, k8s.io/apiserver pkg/endpoints/filters/audit_init.go): what is
 * longer than an apiserver keeps, or is no identifier, may be anything.
 */
const AUDIT_ID = /^[\w.-]{1,64}$/;
/** The stack of a bug is worth more room. */
const MAX_DETAIL_LENGTH = 4096;

interface Window {
  written: number;
  suppressed: number;
}

/**
 * The lesson of kube-apiserver's httplog, which read the request when it was logged and by then
 * shared it with a handler that had been given up (kubernetes/kubernetes#105734): a line is made of
 * the record alone. What is in it of the request was taken when that entered.
 *
 * One line for each request that the door itself failed, at warn (a bug at error), and for any other
 * at debug. An error that an endpoint answered is passed on and belongs to that endpoint's log.
 *
 * Never in a line: header fields, bodies, the query, and what follows "/proxy/" in a path, which is
 * some application's and may be a secret.
 */
export class AccessLog implements RequestObserver {
  private readonly log: Log;
  private readonly maxLines: number;
  private readonly sampleEvery: number;
  private untilSample = 0;
  private readonly windows = new Map<ProxyErrorCode, Window>();
  private windowEndsAtMs = 0;

  constructor(options: AccessLogOptions) {
    const { log, maxLinesPerSecond = DEFAULT_LINES_PER_SECOND, sampleEvery = 1 } = options;
    this.log = log;
    this.maxLines = maxLinesPerSecond;
    this.sampleEvery = sampleEvery;
  }

  entered(): void {}

  left(record: RequestRecord, leftAtMs: number): void {
    // The door's own traffic is the clock: no timer, and nothing to stop.
    if (leftAtMs >= this.windowEndsAtMs) this.nextWindow(leftAtMs);
    const failure = failureOf(record);
    const level = levelOf(failure);
    if (failure !== undefined && level !== 'debug') {
      if (!this.mayWrite(failure)) return;
      this.log[level](fieldsOf(record, leftAtMs), 'request failed');
    } else if (this.log.isLevelEnabled('debug') && (failure !== undefined || this.isSample())) {
      this.log.debug(fieldsOf(record, leftAtMs), 'request');
    }
  }

  /** Writes what is still owed: how many lines were left out. */
  close(): void {
    this.nextWindow(0);
  }

  private isSample(): boolean {
    if (this.untilSample > 0) {
      this.untilSample -= 1;
      return false;
    }
    this.untilSample = this.sampleEvery - 1;
    return true;
  }

  private mayWrite(failure: ProxyErrorCode): boolean {
    const window = this.windows.get(failure) ?? { written: 0, suppressed: 0 };
    this.windows.set(failure, window);
    if (window.written >= this.maxLines) {
      window.suppressed += 1;
      return false;
    }
    window.written += 1;
    return true;
  }

  private nextWindow(nowMs: number): void {
    for (const [failure, { suppressed }] of this.windows) {
      if (suppressed > 0) this.log.warn({ failure, suppressed }, 'more requests failed');
    }
    this.windows.clear();
    this.windowEndsAtMs = nowMs + SECOND_MS;
  }
}

function levelOf(failure: ProxyErrorCode | undefined): 'debug' | 'warn' | 'error' {
  if (failure === 'internal') return 'error';
  // Clients cancel requests all day long; how often is in the metrics.
  return failure === undefined || failure === 'client_gone' ? 'debug' : 'warn';
}

function fieldsOf(record: RequestRecord, leftAtMs: number): object {
  const { failure, failureDetail } = record;
  return {
    ...(failure === undefined ? {} : { failure, detail: clip(failureDetail, MAX_DETAIL_LENGTH) }),
    verb: record.verb,
    ...targetOf(record.info),
    status: record.status,
    endpoint: record.endpoint,
    attempts: record.attempts,
    durationMs: round(leftAtMs - record.enteredAtMs),
    ...(record.answeredAtMs === 0
      ? {}
      : { answeredAfterMs: round(record.answeredAtMs - record.enteredAtMs) }),
    requestBytes: record.requestBytes,
    responseBytes: record.responseBytes,
    client: record.clientAddress,
    protocol: record.protocol,
    identity: record.identityClass,
    ...(record.user === '' ? {} : { user: clip(record.user, MAX_TEXT_LENGTH) }),
    ...(AUDIT_ID.test(record.auditId) ? { auditId: record.auditId } : {}),
    userAgent: clip(record.userAgent, MAX_TEXT_LENGTH),
  };
}

function targetOf(info: RequestInfo): object {
  // The path is decoded, so it may hold a question mark that was sent as "%3F".
  if (!info.isResourceRequest) {
    return { method: info.method, path: clip(info.path.split('?', 1)[0] ?? '', MAX_TEXT_LENGTH) };
  }
  const { apiGroup: group, resource, subresource, namespace, name } = info;
  const words = Object.entries({ group, resource, subresource, namespace, name });
  return Object.fromEntries(
    words
      .filter(([, word]) => word !== '')
      .map(([label, word]) => [label, clip(word, MAX_TEXT_LENGTH)]),
  );
}

function clip(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}

/** Tenths of a millisecond; more digits are noise. */
function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
