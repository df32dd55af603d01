import { expect, test } from 'vitest';
import {
  chooseFormat,
  renderExposition,
  type SampleFamily,
} from '../../../proxy/observe/exposition.ts';
import { copySeries, mergeSeries, SeriesTable } from '../../../proxy/observe/series-table.ts';
import { Exposition } from './support/exposition.ts';

const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,' +
  'text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

function exampleTables(): SeriesTable[] {
  const counter = new SeriesTable({
    name: 'x_total',
    help: 'A "count"\nof \\ things.',
    type: 'counter',
    labelNames: ['a', 'b'],
  });
  counter.add(counter.row(['1', 'q"\\\n']), 2);
  const histogram = new SeriesTable({
    name: 'x_seconds',
    help: 'Times.',
    type: 'histogram',
    labelNames: ['verb'],
    bounds: [0.5, 1, 2.5],
  });
  const row = histogram.row(['GET']);
  for (const value of [0.25, 0.5, 0.75, 1, 2, 40]) histogram.observe(row, value);
  return [counter, histogram];
}

async function textOf(...all: Parameters<typeof renderExposition>): Promise<string> {
  return (await renderExposition(...all)).toString();
}

const GAUGE: SampleFamily = {
  name: 'x',
  help: 'Now.',
  type: 'gauge',
  samples: [{ name: 'x', labels: [], value: Number.NaN }],
};

test('a histogram is cumulative, and a value on a bound belongs to its bucket', async () => {
  const text = await textOf(exampleTables(), [], 'text');
  const read = new Exposition(text);
  const counts = read.find('x_seconds_bucket').map(({ labels, value }) => [labels.le, value]);
  expect(counts).toEqual([
    ['0.5', 2],
    ['1', 4],
    ['2.5', 5],
    ['+Inf', 6],
  ]);
  expect(read.sum('x_seconds_sum', { verb: 'GET' })).toBe(44.5);
  expect(read.sum('x_seconds_count', { verb: 'GET' })).toBe(6);
});

test('help and label values are escaped, each format by its own rules', async () => {
  const text = await textOf(exampleTables(), [GAUGE], 'text');
  expect(text).toContain('# HELP x_total A "count"\\nof \\\\ things.\n# TYPE x_total counter\n');
  expect(text).toContain('x_total{a="1",b="q\\"\\\\\\n"} 2\n');
  expect(text).toContain('x NaN\n');
  const open = await textOf(exampleTables(), [GAUGE], 'openmetrics');
  expect(open).toContain('# HELP x A \\"count\\"\\nof \\\\ things.\n# TYPE x counter\n');
});

test('OpenMetrics names the family without _total, has the same series, and ends with EOF', async () => {
  const text = await textOf(exampleTables(), [GAUGE], 'text');
  const open = await textOf(exampleTables(), [GAUGE], 'openmetrics');
  const samples = (body: string) => body.split('\n').filter((line) => /^[^#]/.test(line));
  expect(samples(open)).toEqual(samples(text));
  expect(open.endsWith('\n# EOF\n')).toBe(true);
  expect(open).not.toContain('\n\n');
});

test.each([
  [undefined, 'text'],
  ['*/*', 'text'],
  ['text/plain', 'text'],
  [PROMETHEUS_2, 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['Application/OpenMetrics-Text; version="1.0.0"; charset=utf-8', 'openmetrics'],
  ['application/openmetrics-text;version=0.0.1', 'text'],
  ['application/openmetrics-text;q=0, text/plain', 'text'],
  ['application/openmetrics-text;q=0.4, text/plain;q=0.5', 'text'],
  ['text/html, application/openmetrics-text;q=x', 'text'],
])('Accept %j gets %s', (accept, format) => {
  expect(chooseFormat(accept)).toBe(format);
});

test('a large text is written in slices that others have their turn between', async () => {
  const table = new SeriesTable({
    name: 'x_total',
    help: 'Many.',
    type: 'counter',
    labelNames: ['n'],
  });
  for (let i = 0; i < 20_000; i += 1) table.add(table.row([String(i)]), i);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const text = await textOf([table], [], 'text');
  clearImmediate(timer);
  expect(turns).toBeGreaterThan(1);
  expect(new Exposition(text).samples.length).toBe(20_000);
});

test('what comes between two slices is in the text whole or not at all', async () => {
  const table = new SeriesTable({
    name: 'x_seconds',
    help: 'Many.',
    type: 'histogram',
    labelNames: ['n'],
    bounds: [1],
  });
  for (let i = 0; i < 8000; i += 1) table.observe(table.row([String(i)]), i % 3);
  const observeAll = (): void => {
    for (let i = 0; i < 10_000; i += 1) table.observe(table.row([String(i)]), 0.5);
  };
  setImmediate(observeAll);
  const read = new Exposition(await textOf([table], [], 'text'));
  const count = new Map(read.find('x_seconds_count').map(({ labels, value }) => [labels.n, value]));
  for (const { labels, value } of read.find('x_seconds_bucket', { le: '+Inf' })) {
    expect(value).toBe(count.get(labels.n));
  }
});

test('what several processes have counted is added up row by row', async () => {
  const [one, two] = [exampleTables(), exampleTables()];
  two[0]?.add(two[0].row(['2', '']), 5);
  // As it comes from another process.
  const sent = JSON.parse(JSON.stringify([one.map(copySeries), two.map(copySeries)]));
  const read = new Exposition(await textOf(mergeSeries(sent), [], 'text'));
  expect(read.find('x_total').map(({ value }) => value)).toEqual([4, 5]);
  expect(read.sum('x_seconds_count')).toBe(12);
  expect(read.sum('x_seconds_sum')).toBe(89);
  expect(read.sum('x_seconds_bucket', { le: '1' })).toBe(8);
});

test('a gauge that says how bad it is at worst is not added up', () => {
  const tables = [3, 7, 5].map((value) => {
    const table = new SeriesTable({
      name: 'x',
      help: 'Worst.',
      type: 'gauge',
      labelNames: [],
      merge: 'max',
    });
    table.set(table.row([]), value);
    return [table];
  });
  expect(mergeSeries(tables)[0]?.get(0)).toBe(7);
});
