import { type LingerLimits, lingerDefaults } from './linger.ts';

/** Everything that bounds what an HTTP/1.1 client may hold. */
export interface Http1Limits {
  readonly maxHeaderBytes: number;
  readonly maxHeaderFields: number;
  /** From the first byte of a request (or of the connection) to the end of its head. */
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long a body may pause while we are ready to read it. */
  readonly uploadIdleTimeoutMs: number;
  /** How long a response may wait for a client that takes nothing of it. */
  readonly stalledResponseMs: number;
  /** Body bytes that may be with the listener before the client has to wait. */
  readonly uploadWindowBytes: number;
  /** Requests that may wait behind an unanswered one on the same connection. */
  readonly maxPipelined: number;
  /** When a client waits for `100 Continue` and the upstream does not send it. */
  readonly continueAfterMs: number;
  readonly linger: LingerLimits;
}

export const http1Defaults: Http1Limits = {
  // As Node's own HTTP/2 limit; a bearer token and its fields need less than 10 KiB.
  maxHeaderBytes: 64 * 1024,
  maxHeaderFields: 256,
  headersTimeoutMs: 30_000,
  // Longer than the 90 s after which Go closes an idle connection (net/http DefaultTransport), so
  // that a request never meets a connection that we close at the same moment.
  keepAliveTimeoutMs: 120_000,
  uploadIdleTimeoutMs: 60_000,
  stalledResponseMs: 60_000,
  uploadWindowBytes: 256 * 1024,
  maxPipelined: 32,
  // Go's ExpectContinueTimeout: clients that wait at all rarely wait longer.
  continueAfterMs: 1000,
  linger: lingerDefaults,
};
