// A shorter run of what `npm run prove -- wire` does ten times as long.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findLeaks } from '../../../../prove/wire/leaks.ts';
import { startVictim } from '../../../../prove/wire/victim.ts';

/** Beside what the collector has not come to yet. */
const MAX_GROWN_HEAP_MIB = 10;

test('requests and watches that are over leave nothing behind', { timeout: 180_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-leaks-'));
  const victim = await startVictim(directory, {});
  try {
    const { warm, end } = await findLeaks(victim, { requests: 20_000, watches: 2000 });
    expect(end).toMatchObject({ connections: 0, requests: 0 });
    expect(end.fileDescriptors).toBeLessThanOrEqual(warm.fileDescriptors);
    expect(end.activeResources).toBeLessThanOrEqual(warm.activeResources);
    expect(end.heapMib - warm.heapMib).toBeLessThan(MAX_GROWN_HEAP_MIB);
  } finally {
    await victim.stop();
    await rm(directory, { recursive: true });
  }
});
