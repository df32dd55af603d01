import { declaredLength, requestProblem, responseProblem, trailersProblem } from './field-rules.ts';
import type { HeaderList } from './header-list.ts';

/** What of a message a stream has seen, as far as it decides what may come next. */
export interface MessageState {
  /** The final header section has been received. */
  headersReceived: boolean;
  /** Body bytes that content-length still promises; -1 when it promises nothing. */
  bodyMissing: number;
  /** Of a response: it answers HEAD. */
  readonly headRequest: boolean;
}

/** Each takes one step of a message; the answer says what makes it malformed, or is undefined. */
export function takeRequest(
  state: MessageState,
  headers: HeaderList,
  endStream: boolean,
): string | undefined {
  const problem = requestProblem(headers);
  if (problem !== undefined) return problem;
  state.bodyMissing = declaredLength(headers);
  if (Number.isNaN(state.bodyMissing)) return 'malformed content-length';
  return endStream && state.bodyMissing > 0 ? 'content-length without a body' : undefined;
}

/** A 1xx response leaves the state as it is: the final one is still to come. */
export function takeResponse(
  state: MessageState,
  headers: HeaderList,
  endStream: boolean,
): string | undefined {
  const problem = responseProblem(headers);
  if (problem !== undefined) return problem;
  const status = headers[1] ?? '';
  // HTTP/2 has no Upgrade (RFC 9113, section 8.6).
  if (status === '101') return 'response 101';
  if (status.startsWith('1')) return endStream ? '1xx response that ends the stream' : undefined;
  state.headersReceived = true;
  const declared = declaredLength(headers);
  if (Number.isNaN(declared)) return 'malformed content-length';
  // Those declare the length that another answer would have had, and have no body themselves.
  const bodyless = state.headRequest || status === '204' || status === '304';
  state.bodyMissing = bodyless ? 0 : declared;
  return endStream && state.bodyMissing > 0 ? 'content-length without a body' : undefined;
}

export function takeBody(
  state: MessageState,
  bytes: number,
  endStream: boolean,
): string | undefined {
  if (state.bodyMissing < 0) return undefined;
  if (bytes > state.bodyMissing) return 'body longer than its content-length';
  state.bodyMissing -= bytes;
  return endStream && state.bodyMissing > 0 ? 'body shorter than its content-length' : undefined;
}

export function takeTrailers(
  state: MessageState,
  headers: HeaderList,
  endStream: boolean,
): string | undefined {
  if (!endStream) return 'trailers that do not end the stream';
  return trailersProblem(headers) ?? takeBody(state, 0, true);
}
