import { expect, test } from 'vitest';
import { percentDecode, queryValue } from '../../../proxy/kube/query.ts';

test.each([
  ['a=1', 'a', '1'],
  ['a=1&b=2', 'b', '2'],
  ['a=1&a=2', 'a', '1'],
  ['a', 'a', ''],
  ['a=', 'a', ''],
  ['a==b', 'a', '=b'],
  ['b=a&a=c', 'a', 'c'],
  ['ab=1', 'a', undefined],
  ['a=1', 'ab', undefined],
  ['', 'a', undefined],
  ['a=%zz&a=2', 'a', '2'],
  ['a=%4&a=3', 'a', '3'],
  ['a=1;b=2&a=3', 'a', '3'],
  ['%61=1', 'a', '1'],
  ['a=x+y%2B', 'a', 'x y+'],
  ['a=%C3%A9', 'a', 'é'],
  ['a=%ff', 'a', '\ufffd'],
])('in %j the value of %j is %j', (query, name, value) => {
  expect(queryValue(query, name)).toBe(value);
});

test('a plus sign is a space in a query and itself in a path', () => {
  expect(percentDecode('a+b', true)).toBe('a b');
  expect(percentDecode('a+b%20c')).toBe('a+b c');
});
