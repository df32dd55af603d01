// A short run of what `npm run fuzz` does for as long as it is told to.
import { assert } from 'fast-check';
import { expect, test } from 'vitest';
import { readCorpus } from './corpus.ts';
import { type Role, runConnection } from './hardened-connection.ts';
import { wireLaws } from './laws.ts';

const RUNS = 300;

test.each(wireLaws())('$title', { timeout: 20_000 }, async (law) => {
  await assert(law.property(), { numRuns: RUNS });
});

test.each<Role>(['server', 'client'])('every input kept for a %s is got over', async (role) => {
  const entries = readCorpus(role);
  expect(entries.length).toBeGreaterThan(5);
  for (const { bytes } of entries) await runConnection(role, [bytes]);
});

test('what real clients sent ends without a fault of theirs', async () => {
  for (const { name, bytes } of readCorpus('server')) {
    if (!name.startsWith('recorded-')) continue;
    const { signature } = await runConnection('server', [bytes]);
    expect(`${name}: ${signature}`).not.toMatch(/ERROR|CALM/);
  }
});
