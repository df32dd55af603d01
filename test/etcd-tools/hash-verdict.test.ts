import { expect, test } from 'vitest';
import { type HashAnswer, judgeHashes } from '../../etcd-tools/hash-verdict.ts';

function answer(name: string, hash: number, more: Partial<HashAnswer> = {}): HashAnswer {
  return { memberId: 1n, name, hash, compactRevision: 5n, hashRevision: 0n, ...more };
}

test('equal hashes are equal, whether or not a member tells of what revision', () => {
  const newer = { hashRevision: 9n };
  expect(judgeHashes([answer('a', 7), answer('b', 7, newer), answer('c', 7, newer)])).toEqual({
    kind: 'equal',
  });
});

test('the one that differs from the majority is the odd one', () => {
  const odd = answer('b', 8);
  expect(judgeHashes([answer('a', 7), odd, answer('c', 7)])).toEqual({
    kind: 'diverged',
    odd: [odd],
  });
});

test('two against two, and one against one, are nobody in particular', () => {
  expect(judgeHashes([answer('a', 7), answer('b', 8)])).toEqual({ kind: 'ambiguous' });
  const four = [answer('a', 7), answer('b', 8), answer('c', 7), answer('d', 8)];
  expect(judgeHashes(four)).toEqual({ kind: 'ambiguous' });
});

test('three different hashes have no majority', () => {
  expect(judgeHashes([answer('a', 1), answer('b', 2), answer('c', 3)]).kind).toBe('ambiguous');
});

test('hashes over different history say nothing, even when they differ', () => {
  const verdict = judgeHashes([answer('a', 7), answer('b', 8, { compactRevision: 4n })]);
  expect(verdict).toEqual({
    kind: 'not comparable',
    detail: 'compacted differently: a at 5, b at 4',
  });
});

test('hashes of different revisions say nothing', () => {
  const verdict = judgeHashes([
    answer('a', 7, { hashRevision: 9n }),
    answer('b', 8, { hashRevision: 10n }),
  ]);
  expect(verdict.kind).toBe('not comparable');
});
