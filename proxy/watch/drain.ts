import type { OpenExchanges } from '../open-exchanges.ts';

/**
 * Ends all watches and streams, spread evenly over `spreadMs`, so that their clients do not come
 * back at one moment. Resolves when the last has been told.
 */
export async function drainLongRunning(open: OpenExchanges, spreadMs: number): Promise<void> {
  const waiting = open.all().filter((exchange) => exchange.record.longRunning);
  if (waiting.length === 0) return;
  const beganAtMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  let ended = 0;
  const timer = setInterval(() => {
    const share = Math.min(1, (performance.now() - beganAtMs) / spreadMs);
    // At least one a tick, so that a few watches do not wait for the end of the spread.
    const due = Math.max(ended + 1, Math.ceil(share * waiting.length));
    for (const exchange of waiting.slice(ended, due)) exchange.endForShutdown();
    ended = due;
    if (ended < waiting.length) return;
    clearInterval(timer);
    resolve();
  }, 20);
  return promise;
}
