import { expect, test } from 'vitest';
import { afterString } from '../../../proxy/kube/watch-json-text.ts';

const LONG = 'x'.repeat(100);

test.each([
  ['a short string', 'abc"', 4, 4],
  ['an empty string', '"', 1, 1],
  ['a string that ends before the input', 'a"b"', 4, 2],
  ['an escaped quote', 'a\\"b"', 5, 5],
  ['a long string', `${LONG}"`, 101, 101],
  ['a long string with an escaped quote', `${LONG}\\"b"`, 104, 104],
  ['a long string with an escaped backslash', `${LONG}\\\\"`, 103, 103],
  ['an escape at the place where the search changes', `${'x'.repeat(63)}\\"${LONG}"`, 166, 166],
])('%s ends behind its quote', (_, text, end, expected) => {
  expect(afterString(Buffer.from(text), 0, end)).toBe(expected);
});

test.each([
  ['nothing yet', '', 0, 0],
  ['the beginning', 'abc', 3, 3],
  ['all but the quote', 'abc"', 3, 3],
  ['half an escape', 'abc\\"', 4, 5],
  ['a whole escape', 'abc\\"', 5, 5],
  ['a long beginning', LONG, 100, 100],
  ['all of a long one but the quote', `${LONG}"`, 100, 100],
  ['a long one with half an escape', `${LONG}\\"`, 101, 102],
  ['a long one with an escaped backslash', `${LONG}\\\\"`, 102, 102],
  // What lies behind the end is left over from something else.
  ['a long one with half an escape before old bytes', `${LONG}\\xx"`, 101, 102],
  ['a long one before an old escape', `${LONG}x\\"`, 101, 101],
])('after %s of a string, the rest begins at the right place', (_, text, end, next) => {
  expect(afterString(Buffer.from(text), 0, end) - 1).toBe(next);
});
