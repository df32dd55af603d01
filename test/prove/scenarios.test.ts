import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SCENARIOS } from '../../prove/scenarios.ts';

test('every file of prove/scenarios is listed under its name', () => {
  const files = readdirSync(new URL('../../prove/scenarios', import.meta.url));
  expect(SCENARIOS.map(({ name }) => `${name}.ts`).sort()).toEqual(files.sort());
});
