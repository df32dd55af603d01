import type { ProxyErrorCode } from '../errors.ts';
import { type HeaderList, headerValue } from '../http2/header-list.ts';
import type { Client } from '../identity/client.ts';
import type { IdentityClass } from '../identity/identity-class.ts';
import { type MetricVerb, metricVerb } from '../kube/metric-verb.ts';
import {
  isLongRunning,
  parseRequestInfo,
  type RequestInfo,
  type Scope,
  scopeOf,
} from '../kube/request-info.ts';

/**
 * What is kept of a request for the metrics and the log. Taken from the request when it enters, so
 * that nothing is read later from a message that another part may be changing.
 */
export interface RequestRecord {
  readonly info: RequestInfo;
  readonly verb: MetricVerb;
  readonly scope: Scope;
  /** Watches, log streams, exec and the like: kept out of every latency figure. */
  readonly longRunning: boolean;
  readonly protocol: 'h2' | 'http/1.1';
  readonly clientAddress: string;
  readonly userAgent: string;
  /** On a clock that never goes back, in milliseconds. */
  readonly enteredAtMs: number;
  identityClass: IdentityClass | undefined;
  /** Name of the endpoint that the last attempt went to; '' before there was one. */
  endpoint: string;
  attempts: number;
  /** Status sent to the client; 0 when the client got none. */
  status: number;
  /** Why the door answered in an endpoint's place, or cut the answer short. */
  failure: ProxyErrorCode | undefined;
  /** For the log: what was seen of the failure. */
  failureDetail: string;
  requestBytes: number;
  responseBytes: number;
  /** When the response's header was passed on; 0 before. */
  answeredAtMs: number;
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
    scope: scopeOf(info),
    longRunning: isLongRunning(info),
    protocol: client.protocol,
    clientAddress: client.address,
    userAgent: headerValue(headers, 'user-agent') ?? '',
    enteredAtMs: nowMs,
    identityClass: undefined,
    endpoint: '',
    attempts: 0,
    status: 0,
    failure: undefined,
    failureDetail: '',
    requestBytes: 0,
    responseBytes: 0,
    answeredAtMs: 0,
  };
}
