import { expect, test } from 'vitest';
import { formatTable } from '../../tools/text-table.ts';

test('columns are as wide as their widest cell, and nothing trails', () => {
  const columns = [{ title: 'what' }, { title: 'n', align: 'right' }, { title: 'why' }] as const;
  expect(
    formatTable(columns, [
      ['watches', '7', 'many'],
      ['requests', '12345'],
    ]),
  ).toEqual([
    'what          n  why',
    '--------  -----  ----',
    'watches       7  many',
    'requests  12345',
  ]);
});
