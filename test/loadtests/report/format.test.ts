import { expect, test } from 'vitest';
import { escapeMarkup, showMs, showValue } from '../../../loadtests/report/format.ts';

test('names from a cluster are text in HTML, in attributes and in XML', () => {
  expect(escapeMarkup(`<a href="x" title='y'>&`)).toBe(
    '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;',
  );
  // XML 1.0, section 2.2: not even as a reference.
  expect(escapeMarkup('a\u0000b\u001bc\ud800d\ttab')).toBe('a\ufffdb\ufffdc\ufffdd\ttab');
});

test.each([
  [0, '1', '0'],
  [0.012345, 's', '12.3 ms'],
  [2.5, 's', '2.5 s'],
  [1234.5, 'ms', '1,235 ms'],
  [806_338_560, 'bytes', '769 MiB'],
  [2048, 'bytes', '2,048 B'],
  [12.345, '1/s', '12.3 /s'],
  [Number.NaN, 'ms', '-'],
] as const)('%d in %s is shown as %s', (value, unit, text) => {
  expect(showValue(value, unit)).toBe(text);
});

test('an axis says seconds where milliseconds would be long', () => {
  expect([0.1, 100, 1000, 10_000].map(showMs)).toEqual(['0.1 ms', '100 ms', '1 s', '10 s']);
});
