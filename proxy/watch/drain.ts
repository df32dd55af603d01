import { setTimeout as delay } from 'node:timers/promises';
import type { OpenExchanges } from '../open-exchanges.ts';

const TICK_MS = 20;

/**
 * Ends all watches and streams, spread evenly over `spreadMs`, so that their clients do not come
 * back at one moment. Those that have come meanwhile, or had no answer yet, are ended after them.
 * Resolves when none is left, or when the time is over.
 */
export async function drainLongRunning(
  open: OpenExchanges,
  spreadMs: number,
  signal: AbortSignal,
): Promise<void> {
  const beganAtMs = performance.now();
  const first = open.all().filter((exchange) => exchange.record.longRunning);
  for (let told = 0; told < first.length && !signal.aborted; ) {
    const share = Math.min(1, (performance.now() - beganAtMs) / spreadMs);
    // At least one a tick, so that a few watches do not wait for the end of the spread.
    const due = Math.max(told + 1, Math.ceil(share * first.length));
    for (const exchange of first.slice(told, due)) exchange.endForShutdown();
    told = due;
    await delay(TICK_MS);
  }
  while (!signal.aborted) {
    const late = open.all().filter((exchange) => exchange.record.longRunning);
    if (late.length === 0) return;
    for (const exchange of late) exchange.endForShutdown();
    await delay(10 * TICK_MS);
  }
}
