// What client-go's rest package does around each request (rest/with_retry.go, rest/request.go): it
// repeats what is safe to repeat, and everything that the server asks to be repeated. Only what is
// left after that is an error that a program sees.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ApiAnswer,
  type ApiConnection,
  type ApiRequest,
  type OpenStream,
  TransportError,
} from './api-connection.ts';

/** What went wrong and stayed wrong. `status` is undefined where no answer came. */
export class RequestError extends Error {
  readonly status: number | undefined;

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'RequestError';
    this.status = options.status;
  }
}

/** Counted for the life of the client. */
export interface RequestFigures {
  /** Calls of the program, whatever became of them. */
  calls: number;
  /** Attempts beyond the first one of each call. */
  retries: number;
  /** Answers by the replica that gave them, where it is known; watches are not among them. */
  readonly answersByReplica: Map<string, number>;
}

const MAX_RETRIES = 10; // rest/request.go: maxRetries.
const RETRY_LOST_SECONDS = 1; // rest/with_retry.go: retryAfterResponse.

export class RestClient {
  readonly figures: RequestFigures = { calls: 0, retries: 0, answersByReplica: new Map() };
  readonly #connection: ApiConnection;
  readonly #signal: AbortSignal;

  constructor(connection: ApiConnection, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
  }

  /** Returns the body of a good answer, else throws a RequestError. */
  async call(request: ApiRequest): Promise<string> {
    this.figures.calls++;
    const answer = await this.#withRetries(request, () => this.#send(request));
    if (answer.status >= 400) throw statusError(request, answer.status, answer.body);
    return answer.body;
  }

  /** Opens a watch; throws a RequestError when it cannot be had. */
  async watch(path: string): Promise<OpenStream> {
    const request: ApiRequest = { method: 'GET', path };
    const open = await this.#withRetries(request, async () => {
      const attempt = await this.#connection.open(request);
      if (attempt.status !== 200) attempt.stream.resume();
      return attempt;
    });
    if (open.status !== 200) throw statusError(request, open.status, '');
    return open;
  }

  async #send(request: ApiRequest): Promise<ApiAnswer> {
    const answer = await this.#connection.send(request);
    if (answer.replica !== undefined) {
      const { answersByReplica } = this.figures;
      answersByReplica.set(answer.replica, (answersByReplica.get(answer.replica) ?? 0) + 1);
    }
    return answer;
  }

  async #withRetries<T extends Pick<ApiAnswer, 'status' | 'retryAfterSeconds'>>(
    request: ApiRequest,
    attempt: () => Promise<T>,
  ): Promise<T> {
    for (let retries = 0; ; retries++) {
      const result = await attempt().catch(asTransportError);
      const waitSeconds = retries < MAX_RETRIES ? secondsToRetry(request, result) : undefined;
      if (waitSeconds === undefined) {
        if (!(result instanceof TransportError)) return result;
        throw new RequestError(`${request.method} ${request.path}: ${result.message}`, {
          cause: result,
        });
      }
      await delay(waitSeconds * 1000, undefined, { signal: this.#signal });
      this.figures.retries++;
    }
  }
}

/**
 * How long client-go waits before it repeats this request by itself; undefined when it does not. A
 * lost connection is repeated for GET alone; 429 and 5xx whatever the verb, if Retry-After is there.
 */
export function secondsToRetry(
  request: Pick<ApiRequest, 'method'>,
  result: TransportError | Pick<ApiAnswer, 'status' | 'retryAfterSeconds'>,
): number | undefined {
  if (result instanceof TransportError) {
    return request.method === 'GET' && result.failure === 'lost' ? RETRY_LOST_SECONDS : undefined;
  }
  const { status, retryAfterSeconds } = result;
  return status === 429 || (status >= 500 && status <= 599) ? retryAfterSeconds : undefined;
}

function asTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  // node:http2 throws by itself when a session ends between the look at it and the request.
  return new TransportError(String(error), { failure: 'lost', cause: error });
}

function statusError(request: ApiRequest, status: number, body: string): RequestError {
  const path = request.path.replace(/\?.*/, '');
  const [, message = ''] = /"message":"([^"]*)"/.exec(body) ?? [];
  return new RequestError(`${request.method} ${path}: ${status} ${message}`.trimEnd(), { status });
}
