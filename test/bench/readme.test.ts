import { expect, test } from 'vitest';
import { replaceBlock } from '../../bench/readme.ts';

const marked = 'before\n<!-- wire begin -->\nold\n<!-- wire end -->\nafter\n';

test('what is between the marks is replaced, and writing it again changes nothing', () => {
  const once = replaceBlock(marked, 'wire', ['| new |']);
  expect(once).toBe('before\n<!-- wire begin -->\n\n| new |\n\n<!-- wire end -->\nafter\n');
  expect(replaceBlock(once, 'wire', ['| new |'])).toBe(once);
});

test('a page without the marks is left alone', () => {
  expect(() => replaceBlock('nothing', 'wire', [])).toThrow('the marks <!-- wire begin -->');
});
