import { setTimeout as delay } from 'node:timers/promises';

const POLL_INTERVAL_MS = 50;
const DEFAULT_LIMIT_MS = 30_000;

/** Asks until there is a value; throws after `limitMs`, 30 s by default. An error of `ask` ends it. */
export async function poll<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  limitMs = DEFAULT_LIMIT_MS,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  do {
    const value = await ask();
    if (value !== undefined) return value;
    await delay(POLL_INTERVAL_MS);
  } while (performance.now() < deadline);
  throw new Error(`waited ${limitMs} ms for ${what}`);
}
