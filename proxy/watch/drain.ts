import { setTimeout as delay } from 'node:timers/promises';
import type { OpenExchanges } from '../open-exchanges.ts';

const TICK_MS = 20;
/**
 * A new process on the same port needs this long to be ready. Clients whose watch ends before that
 * are refused, and client-go then waits longer than this.
 */
const HEAD_START_MS = 2000;
/** Or this share of the spread, where that is shorter. */
const HEAD_START_SHARE = 0.5;

/**
 * Ends all watches and streams within `spreadMs`, spread evenly after a head start, so that their clients do not come
 * back at one moment. Those that have come meanwhile, or had no answer yet, are ended after them.
 * Resolves when none is left, or when the time is over.
 */
export async function drainLongRunning(
  open: OpenExchanges,
  spreadMs: number,
  signal: AbortSignal,
): Promise<void> {
  const headStartMs = Math.min(HEAD_START_MS, spreadMs * HEAD_START_SHARE);
  const beganAtMs = performance.now() + headStartMs;
  const first = open.all().filter((exchange) => exchange.record.longRunning);
  for (let told = 0; told < first.length && !signal.aborted; ) {
    const elapsedMs = performance.now() - beganAtMs;
    const share = Math.min(1, elapsedMs / (spreadMs - headStartMs));
    // At least one a tick, so that a few watches do not wait for the end of the spread.
    const due = elapsedMs < 0 ? told : Math.max(told + 1, Math.ceil(share * first.length));
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
