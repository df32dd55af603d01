import { expect, test } from 'vitest';
import { worstExit } from '../../etcd-tools/exit-code.ts';
import { type Answer, formatAnswer, formatBytes } from '../../etcd-tools/output.ts';

const ANSWER: Answer = {
  blocks: [
    {
      title: 'members',
      columns: ['name', 'revision'],
      rows: [['a', '12'], ['longer']],
    },
    { title: 'empty', columns: ['x'], rows: [] },
    { lines: ['all is well'] },
  ],
  json: { revision: 9_223_372_036_854_775_807n, missing: undefined, list: [1n, null, true] },
  metrics: [
    {
      name: 'evenkeel_etcd_x',
      help: 'Something.',
      samples: [
        { labels: { member: 'a"b\\c\nd' }, value: 9_223_372_036_854_775_807n },
        { labels: {}, value: 0.5 },
      ],
    },
    { name: 'evenkeel_etcd_empty', help: 'Nothing.', samples: [] },
  ],
};

test('a table is as wide as its content, and a table without rows is left out', () => {
  expect(formatAnswer(ANSWER, 'table')).toBe(
    'members\nNAME    REVISION\na       12\nlonger\n\nall is well\n',
  );
});

test('64-bit numbers are text in JSON, to the last digit', () => {
  expect(JSON.parse(formatAnswer(ANSWER, 'json'))).toEqual({
    revision: '9223372036854775807',
    list: ['1', null, true],
  });
});

test('labels are escaped as Prometheus reads them, and empty families are left out', () => {
  expect(formatAnswer(ANSWER, 'prometheus').split('\n')).toEqual([
    '# HELP evenkeel_etcd_x Something.',
    '# TYPE evenkeel_etcd_x gauge',
    'evenkeel_etcd_x{member="a\\"b\\\\c\\nd"} 9223372036854775807',
    'evenkeel_etcd_x 0.5',
    '',
  ]);
});

test.each([
  [0n, '0 B'],
  [1023n, '1023 B'],
  [20_480n, '20 KiB'],
  [1_572_864n, '1.5 MiB'],
  [8_589_934_592n, '8.0 GiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('what could not be seen outranks a warning, and a proof outranks both', () => {
  expect(worstExit([])).toBe(0);
  expect(worstExit([0, 1])).toBe(1);
  expect(worstExit([1, 3, 0])).toBe(3);
  expect(worstExit([3, 2, 1])).toBe(2);
});
