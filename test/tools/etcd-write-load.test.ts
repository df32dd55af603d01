import { expect, test } from 'vitest';
import { findLostWrites, type KeyRecord } from '../../tools/etcd-write-load.ts';

const record: KeyRecord = {
  key: 'load/0000',
  acknowledged: 10,
  open: [4, 13],
  refused: 1,
  lastAcknowledged: 12,
};

function stored(version: number, put: number) {
  return [{ key: 'load/0000', value: `${put} xxx`, version: BigInt(version), modRevision: 100n }];
}

test.each([
  [10, 12],
  [11, 12],
  // One without an answer is there, and it may have come after later ones.
  [12, 13],
  [11, 4],
])(
  '%i versions and put %i are what ten acknowledged and two open puts may leave',
  (version, put) => {
    expect(findLostWrites([record], stored(version, put))).toEqual([]);
  },
);

test('a put that was lost shows below later ones', () => {
  expect(findLostWrites([record], stored(9, 12))).toEqual([
    'load/0000: 1 acknowledged puts are lost',
  ]);
});

test('a put that was made twice shows', () => {
  expect(findLostWrites([record], stored(13, 12))).toEqual(['load/0000: 1 puts too many']);
});

test('a key that went back shows', () => {
  expect(findLostWrites([record], stored(10, 11))).toEqual([
    'load/0000: holds put 11, not 12, the last acknowledged',
  ]);
});

test('a key that is gone shows', () => {
  expect(findLostWrites([record], [])[0]).toBe('load/0000: 10 acknowledged puts are lost');
});
