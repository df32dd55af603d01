import { type HeaderList, headerValue } from '../http2/header-list.ts';
import { createWatchFramer } from '../kube/watch-framer.ts';
import type { Attempts } from '../upstream/attempts.ts';
import { CarriedWatch, type WatchHome } from './carried-watch.ts';
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
  const framer = createWatchFramer(
    headerValue(headers, 'content-type'),
    headerValue(headers, 'content-encoding'),
  );
  if (attempt === undefined || framer === undefined) return undefined;
  const watch = new CarriedWatch(origin, home, nowMs);
  attempts.release();
  watch.begin(attempt.endpoint, attempt.stream, attempt.connection, framer);
  return watch;
}
