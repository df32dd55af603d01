import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WatchChecker } from '../../../loadtests/swarm/checker.ts';
import { Marker } from '../../../loadtests/swarm/marker.ts';

interface Change {
  readonly version: number;
  readonly object: number;
  readonly sequence: number;
}

const OBJECTS = 3;
const clean = { lost: 0, duplicated: 0, outOfOrder: 0, excused: 0, unrecovered: 0 };

/** A history that begins after the creation of all objects. */
const history = fc
  .array(fc.nat(OBJECTS - 1), { minLength: 2, maxLength: 30 })
  .map((objects): Change[] => {
    const sequences = new Array<number>(OBJECTS).fill(1);
    return objects.map((object, index) => {
      const sequence = (sequences[object] ?? 1) + 1;
      sequences[object] = sequence;
      return { version: 10 + index, object, sequence };
    });
  });

function listed(): WatchChecker {
  const checker = new WatchChecker({ watchers: 1, objects: OBJECTS, shards: 1 });
  const marks = [0, 1, 2].map((object) => ({ object, sequence: 1, sentUs: 0 }));
  checker.replace(0, 9, marks);
  return checker;
}

function judge(seen: readonly Change[], all: readonly Change[]) {
  const checker = listed();
  for (const { version, object, sequence } of seen) {
    checker.event(0, version, { object, sequence, sentUs: 0 });
  }
  const final = new Int32Array(OBJECTS).fill(1);
  for (const { object, sequence } of all) final[object] = sequence;
  checker.finish(final, () => true);
  return checker.findings;
}

test('what was sent is found to be whole; one lost, doubled or swapped change is named', () => {
  fc.assert(
    fc.property(history, fc.nat(), (all, chance) => {
      const at = chance % all.length;
      const swapAt = chance % (all.length - 1);
      expect(judge(all, all)).toEqual(clean);
      expect(judge(all.toSpliced(at, 1), all)).toEqual({ ...clean, lost: 1 });
      const doubled = all.flatMap((change, index) => (index === at ? [change, change] : [change]));
      expect(judge(doubled, all)).toEqual({ ...clean, duplicated: 1 });
      const pair = all.slice(swapAt, swapAt + 2).reverse();
      expect(judge(all.toSpliced(swapAt, 2, ...pair), all)).toEqual({ ...clean, outOfOrder: 1 });
    }),
  );
});

test('a list excuses what it jumps over, and does not heal what was lost before', () => {
  const checker = listed();
  checker.event(0, 11, { object: 0, sequence: 3, sentUs: 0 });
  checker.replace(0, 20, [{ object: 0, sequence: 7, sentUs: 0 }]);
  expect(checker.findings).toEqual({ ...clean, lost: 1, excused: 4 });
});

test('a list or a bookmark from the past is out of order', () => {
  const checker = listed();
  checker.bookmark(0, 30);
  checker.bookmark(0, 29);
  checker.replace(0, 28, [{ object: 0, sequence: 1, sentUs: 0 }]);
  expect(checker.findings).toEqual({ ...clean, outOfOrder: 2 });
});

test('who is behind without a watch has not recovered, and has lost nothing', () => {
  const checker = listed();
  const final = new Int32Array([1, 2, 1]);
  expect(checker.isCurrent(0, final)).toBe(false);
  checker.finish(final, () => false);
  expect(checker.findings).toEqual({ ...clean, unrecovered: 1 });
});

test('changes of another shard are nobody’s loss', () => {
  const checker = new WatchChecker({ watchers: 2, objects: 4, shards: 2 });
  checker.event(1, 5, { object: 3, sequence: 1, sentUs: 0 });
  checker.event(1, 6, { object: 1, sequence: 1, sentUs: 0 });
  checker.event(0, 7, { object: 0, sequence: 1, sentUs: 0 });
  checker.event(0, 8, { object: 2, sequence: 1, sentUs: 0 });
  checker.finish(new Int32Array([1, 1, 1, 1]), () => true);
  expect(checker.findings).toEqual(clean);
});

test('marks are found in any bytes around them, and those of other runs are not', () => {
  const marker = new Marker('run1');
  const mark = fc.record({ object: fc.nat(), sequence: fc.nat(), sentUs: fc.nat() });
  const around = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(mark, { maxLength: 4 }), around, (marks, noise) => {
      const foreign = Buffer.from(new Marker('run2').format({ object: 1, sequence: 1, sentUs: 1 }));
      const parts = marks.flatMap((one) => [noise, Buffer.from(marker.format(one)), foreign]);
      expect([...marker.all(Buffer.concat([...parts, noise]))]).toEqual(marks);
    }),
  );
});
