import { expect, test } from 'vitest';
import { presentSeries } from '../../../proxy/observe/present-series.ts';
import { SeriesTable } from '../../../proxy/observe/series-table.ts';

const GONE = new Set(['gone']);

function table(labelNames: readonly string[], bounds?: readonly number[]): SeriesTable {
  const rest = bounds === undefined ? {} : { bounds };
  const type = bounds === undefined ? 'counter' : 'histogram';
  return new SeriesTable({ name: 'family', help: '', type, labelNames, ...rest });
}

test('the rows of an endpoint that is gone are left out, and the others keep their values', () => {
  const series = table(['code', 'endpoint']);
  for (const [code, endpoint, count] of [
    ['200', 'gone', 1],
    ['200', 'here', 2],
    ['503', '', 3],
  ] as const) {
    series.add(series.row([code, endpoint]), count);
  }
  const [shown] = presentSeries([series], GONE);
  expect(shown?.rows).toEqual([
    ['200', 'here'],
    ['503', ''],
  ]);
  expect(shown?.values).toEqual([2, 3]);
  // It goes on from there when the name comes back.
  expect(series.get(series.row(['200', 'gone']))).toBe(1);
});

test('all numbers of a histogram go with their row', () => {
  const series = table(['endpoint'], [1, 2]);
  series.observe(series.row(['gone']), 0.5);
  series.observe(series.row(['here']), 1.5);
  const [shown] = presentSeries([series], GONE);
  expect(shown?.rows).toEqual([['here']]);
  expect(shown?.values).toEqual([0, 1, 0, 1.5]);
});

test('a move from or to an endpoint that is gone is of that endpoint too', () => {
  const series = table(['reason', 'from', 'to']);
  for (const row of [
    ['removed', 'gone', 'here'],
    ['lost', 'here', 'gone'],
    ['lost', 'here', 'there'],
  ]) {
    series.add(series.row(row), 1);
  }
  expect(presentSeries([series], GONE)[0]?.rows).toEqual([['lost', 'here', 'there']]);
});

test('other labels may have the word for a value', () => {
  const series = table(['resource']);
  series.add(series.row(['gone']), 1);
  expect(presentSeries([series], GONE)[0]).toBe(series);
});
