// Every way in which the door itself fails a request. One table, because the same word is the
// metric's label, the log line's code and the row in the documentation.
import type { HeaderList } from './http2/header-list.ts';
import { STATUS_CONTENT_TYPE, type StatusReason, statusBody } from './kube/status.ts';

interface Failure {
  readonly status: number;
  readonly reason?: StatusReason;
  /** Present where client-go may send the same request again. */
  readonly retryAfterSeconds?: number;
}

/**
 * With `Retry-After` client-go repeats a 429 or 5xx by itself, up to ten times and whatever the verb
 * (client-go rest/with_retry.go), and an informer need not LIST again. So every 429, 502, 503 and
 * 504 has it except `outcome_unknown`: there the write may have happened, and a silent repeat would
 * create a second object from generateName or report AlreadyExists for one's own success. The
 * apiserver's own timeout of a request carries no Retry-After either
 * (pkg/server/filters/timeout.go).
 */
const FAILURES = {
  /** The request is not one that HTTP or the apiserver could read. */
  bad_request: { status: 400, reason: 'BadRequest' },
  /** A client certificate that proves nothing, and no token beside it. */
  unauthorized: { status: 401, reason: 'Unauthorized' },
  /** CONNECT, TRACE. */
  method_not_allowed: { status: 405, reason: 'MethodNotAllowed' },
  /** The client stopped sending its body. */
  upload_idle: { status: 408, reason: 'Timeout' },
  /** Kubernetes has no reason for 431. */
  header_too_large: { status: 431 },
  /** Over a limit or queue of the door. */
  too_many_requests: { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 },
  /** The client went away first. 499 is nginx's number; it is counted and never sent. */
  client_gone: { status: 499 },
  /** A bug of ours; the log line has the stack. */
  internal: { status: 500, reason: 'InternalError' },
  /** An endpoint ended the connection or stream before its answer; repeating does no harm. */
  upstream_lost: { status: 502, reason: 'ServiceUnavailable', retryAfterSeconds: 1 },
  /** An endpoint broke the rules of HTTP. */
  upstream_protocol: { status: 502, reason: 'ServiceUnavailable', retryAfterSeconds: 1 },
  /** No endpoint is ready, or all have been tried. */
  no_ready_endpoint: { status: 503, reason: 'ServiceUnavailable', retryAfterSeconds: 1 },
  /** An endpoint could not be connected to, so it never saw the request. */
  upstream_unreachable: { status: 503, reason: 'ServiceUnavailable', retryAfterSeconds: 1 },
  /** The door is draining. */
  shutting_down: { status: 503, reason: 'ServiceUnavailable', retryAfterSeconds: 1 },
  /** No first header byte in time; repeating does no harm. */
  upstream_timeout: { status: 504, reason: 'Timeout', retryAfterSeconds: 1 },
  /** Lost or late after a write was sent: nobody knows whether it happened. */
  outcome_unknown: { status: 504, reason: 'Timeout' },
} as const satisfies Record<string, Failure>;

export type ProxyErrorCode = keyof typeof FAILURES;

export const PROXY_ERROR_CODES: readonly ProxyErrorCode[] = Object.keys(
  FAILURES,
) as ProxyErrorCode[];

/** An expected failure. `message` is shown to the client: name the thing and what to do. */
export class ProxyError extends Error {
  readonly code: ProxyErrorCode;

  constructor(message: string, options: { code: ProxyErrorCode; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'ProxyError';
    this.code = options.code;
  }

  /** The HTTP status. */
  get status(): number {
    return FAILURES[this.code].status;
  }
}

export interface ErrorResponse {
  readonly code: ProxyErrorCode;
  readonly status: number;
  /** For the log; what the client is told is in `body`. */
  readonly detail: string;
  /** With :status first, ready to be sent. */
  readonly headers: HeaderList;
  /** A metav1.Status; a caller that answers HEAD leaves it out. */
  readonly body: Buffer;
}

/** The answer for any thrown value. What is not a ProxyError is a bug, and its text stays inside. */
export function errorResponse(error: unknown): ErrorResponse {
  const code = codeOf(error);
  const failure: Failure = FAILURES[code];
  const message = error instanceof ProxyError ? error.message : 'evenkeel: internal error';
  const body = statusBody({
    code: failure.status,
    message,
    reason: failure.reason,
    retryAfterSeconds: failure.retryAfterSeconds,
  });
  const headers: HeaderList = [
    ':status',
    String(failure.status),
    // As the apiserver marks all of its answers (pkg/endpoints/filters/cachecontrol.go).
    'cache-control',
    'no-cache, private',
    'content-type',
    STATUS_CONTENT_TYPE,
    'content-length',
    String(body.length),
  ];
  if (failure.retryAfterSeconds !== undefined) {
    headers.push('retry-after', String(failure.retryAfterSeconds));
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code,
    status: failure.status,
    detail: error instanceof ProxyError ? error.message : detail,
    headers,
    body,
  };
}

/** The word for metrics and log lines. */
export function codeOf(error: unknown): ProxyErrorCode {
  return error instanceof ProxyError ? error.code : 'internal';
}
