import { expect, test } from 'vitest';
import { applyJsonPatch, mergePatch } from '../../simulator/patch.ts';

// The examples of RFC 7396, appendix A, that patch an object with an object.
test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merging into %j the patch %j gives %j', (target, patch, merged) => {
  expect(mergePatch(target, patch)).toEqual(merged);
});

test('a merge does not change its target, and __proto__ is only a field', () => {
  const target = { a: { b: '1' } };
  const merged = mergePatch(target, JSON.parse('{"a":{"b":"2"},"__proto__":{"x":1}}'));
  expect(target).toEqual({ a: { b: '1' } });
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  expect(Object.hasOwn(merged, '__proto__')).toBe(true);
});

test('the operations of a JSON patch apply in order', () => {
  const target = { data: { a: '1' }, list: [1, 3], 'x/y~z': 1 };
  const patch = [
    { op: 'test', path: '/data/a', value: '1' },
    { op: 'add', path: '/list/1', value: 2 },
    { op: 'add', path: '/list/-', value: 4 },
    { op: 'replace', path: '/data/a', value: '2' },
    { op: 'copy', from: '/data/a', path: '/data/b' },
    { op: 'move', from: '/data/b', path: '/data/c' },
    { op: 'remove', path: '/x~1y~0z' },
  ];
  expect(applyJsonPatch(target, patch)).toEqual({ data: { a: '2', c: '2' }, list: [1, 2, 3, 4] });
  expect(target.data).toEqual({ a: '1' });
});

test('a failed test and a missing path refuse the patch', () => {
  const refused = 'the server rejected our request due to an error in our request';
  expect(() => applyJsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }])).toThrow(refused);
  expect(() => applyJsonPatch({}, [{ op: 'remove', path: '/a/b' }])).toThrow(refused);
  expect(() => applyJsonPatch({}, [{ op: 'spin', path: '/a' }])).toThrow('Unexpected kind: spin');
});
