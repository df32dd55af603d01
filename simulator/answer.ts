// The forms that an answer takes, and the headers that each one has.
import { randomUUID } from 'node:crypto';
import { type Exchange, header, type ResponseHeaders } from './exchange.ts';
import { StatusError } from './status.ts';

const TEXT_HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
};
// Any value will do, as long as the header is there: a 429 without it never reached the queues.
const PRIORITY_HEADERS = {
  'x-kubernetes-pf-flowschema-uid': '00000000-0000-4000-8000-000000000001',
  'x-kubernetes-pf-prioritylevel-uid': '00000000-0000-4000-8000-000000000002',
};

/** The headers that every answer has, and the forms that an answer takes. Returns the code. */
export class Answer {
  readonly headers: ResponseHeaders;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.headers = {
      'audit-id': header(exchange, 'audit-id') ?? randomUUID(),
      'cache-control': 'no-cache, private',
    };
  }

  prioritised(): void {
    Object.assign(this.headers, PRIORITY_HEADERS);
  }

  json(code: number, body: string): number {
    this.#exchange.respond(
      code,
      { ...this.headers, 'content-type': 'application/json' },
      `${body}\n`,
    );
    return code;
  }

  written({ code, body }: { readonly code: number; readonly body: string }): number {
    return this.json(code, body);
  }

  text(code: number, body: string): number {
    this.#exchange.respond(code, { ...this.headers, ...TEXT_HEADERS }, body);
    return code;
  }

  status(error: StatusError): number {
    if (error.retryAfterSeconds !== undefined) {
      this.headers['retry-after'] = String(error.retryAfterSeconds);
    }
    // pkg/endpoints/handlers/responsewriters/errors.go RespondWithError.
    if (error.code === 403) this.headers['x-content-type-options'] = 'nosniff';
    return this.json(error.code, JSON.stringify(error.body()));
  }

  /** pkg/server/filters/with_retry_after.go: it comes before everything else, so it is bare. */
  shuttingDown(): number {
    this.#exchange.closeConnection();
    this.headers['retry-after'] = '5';
    return this.text(429, 'The apiserver is shutting down, please try again later.\n');
  }

  fault(code: 429 | 500 | 503): number {
    if (code === 429) {
      // The words of API Priority and Fairness, which has looked at the request.
      this.prioritised();
      this.headers['retry-after'] = '1';
      return this.text(code, 'Too many requests, please try again later.\n');
    }
    return this.status(
      code === 500
        ? internalError(new Error('simulated fault'))
        : new StatusError('simulated fault', { code, reason: 'ServiceUnavailable' }),
    );
  }
}

/** 500 in the words of apierrors.NewInternalError. */
export function internalError(cause: unknown): StatusError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new StatusError(`Internal error occurred: ${message}`, {
    code: 500,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    cause,
  });
}
