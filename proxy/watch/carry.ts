import { type HeaderList, headerValue } from '../http2/header-list.ts';
import { createWatchFramer } from '../kube/watch-framer.ts';
import type { Attempts } from '../upstream/attempts.ts';
import { CarriedWatch } from './carried-watch.ts';
import type { WatchHome } from './watch-home.ts';
import type { WatchOrigin } from './watch-origin.ts';

/**
 * Takes over a watch that an endpoint has just answered with `headers`, and its place in the
 * endpoint's load. Undefined for one whose events cannot be told apart: it stays a plain stream.
 */
export function carryWatch(
  attempts: Attempts,
  headers: HeaderList,
  origin: WatchOrigin,
  home: WatchHome,
  nowMs: () => number,
): CarriedWatch | undefined {
  const attempt = attempts.current;
  const contentType = headerValue(headers, 'content-type');
  const framer = createWatchFramer(contentType, headerValue(headers, 'content-encoding'));
  if (attempt === undefined || framer === undefined) return undefined;
  const { endpoint, stream, connection } = attempt;
  const watch = new CarriedWatch(origin, contentType, home, nowMs);
  attempts.release();
  watch.begin(endpoint, { stream, connection, framer });
  return watch;
}
