import type { ProxyErrorCode } from '../errors.ts';
import { type HeaderList, headerValue } from '../http2/header-list.ts';
import type { Client } from '../identity/client.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import { type DryRun, dryRunOf, knownPathOf, routeScopeOf } from '../kube/metric-labels.ts';
import { type MetricVerb, metricVerb } from '../kube/metric-verb.ts';
import {
  isLongRunning,
  isMutating,
  parseRequestInfo,
  type RequestInfo,
  type Scope,
} from '../kube/request-info.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';

/**
 * What is kept of a request for the metrics and the log. Taken from the request when it enters, so
 * that nothing is read later from a message that another part may be changing.
 */
export interface RequestRecord {
  readonly info: RequestInfo;
  readonly verb: MetricVerb;
  /** That of the route, as kube-apiserver's request metrics have it. */
  readonly scope: Scope;
  readonly dryRun: DryRun;
  /** Of what is no resource: one of a few paths, or ''. */
  readonly knownPath: string;
  readonly mutating: boolean;
  /** Watches, log streams, exec and the like: kept out of every latency figure. */
  readonly longRunning: boolean;
  readonly protocol: 'h2' | 'http/1.1';
  readonly clientAddress: string;
  readonly userAgent: string;
  /** On a clock that never goes back, in milliseconds. */
  readonly enteredAtMs: number;
  identityClass: IdentityClass | undefined;
  /** For people: who sent it, as far as the door knows; '' for who was refused. Never a token. */
  user: string;
  /** Name of the endpoint that the last attempt went to; '' before there was one. */
  endpoint: string;
  attempts: number;
  /** From entry until it could leave for the endpoint of the last attempt, once that is over. */
  queuedMs: number;
  /** Status sent to the client; 0 when the client got none. */
  status: number;
  /** Why the door answered in an endpoint's place, or cut the answer short. */
  failure: ProxyErrorCode | undefined;
  /** For the log: what was seen of the failure. */
  failureDetail: string;
  requestBytes: number;
  responseBytes: number;
  /** By which the apiserver's audit log knows the request: the answer's, before it the client's. */
  auditId: string;
  /** When the response's header was passed on; 0 before. */
  answeredAtMs: number;
  /** Set by whoever measures what a watch brings. */
  meter: WatchMeter | undefined;
}

/** Is told what becomes of one carried watch. */
export interface WatchMeter {
  /**
   * A whole event has come.
   * @param firstByteAtMs when its first byte was read from the endpoint
   * @param forwarded false for a bookmark that the client has not asked for
   */
  event(frame: WatchFrame, firstByteAtMs: number, forwarded: boolean): void;
  /** So many bytes of the body, counted from its beginning, have been handed to the socket. */
  sent(totalBytes: number): void;
  /** It goes on at another endpoint than `record.endpoint`, which is still the old one. */
  moved(reason: string, endpoint: string): void;
}

/** Receives every request exactly twice. */
export interface RequestObserver {
  entered(record: RequestRecord): void;
  left(record: RequestRecord, leftAtMs: number): void;
}

/** The record of a request that enters now. */
export function enterRecord(client: Client, headers: HeaderList, nowMs: number): RequestRecord {
  const method = headerValue(headers, ':method') ?? '';
  const info = parseRequestInfo(method, headerValue(headers, ':path') ?? '/');
  return {
    info,
    verb: metricVerb(info, headerValue(headers, 'content-type')),
    scope: routeScopeOf(info),
    dryRun: dryRunOf(info),
    knownPath: info.isResourceRequest ? '' : knownPathOf(info),
    mutating: isMutating(info),
    longRunning: isLongRunning(info),
    protocol: client.protocol,
    clientAddress: client.address,
    userAgent: headerValue(headers, 'user-agent') ?? '',
    enteredAtMs: nowMs,
    identityClass: undefined,
    user: '',
    endpoint: '',
    attempts: 0,
    queuedMs: 0,
    status: 0,
    failure: undefined,
    failureDetail: '',
    requestBytes: 0,
    responseBytes: 0,
    auditId: headerValue(headers, 'audit-id') ?? '',
    answeredAtMs: 0,
    meter: undefined,
  };
}

/** An endpoint's final answer is about to be passed on. */
export function noteAnswer(
  record: RequestRecord,
  status: number,
  headers: HeaderList,
  nowMs: number,
): void {
  record.status = status;
  record.auditId = headerValue(headers, 'audit-id') ?? record.auditId;
  record.answeredAtMs = nowMs;
}
