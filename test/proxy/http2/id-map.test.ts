import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdMap } from '../../../proxy/http2/id-map.ts';

const id = fc.integer({ min: 1, max: 200 }).map((n) => 2 * n - 1);

test('it holds what a Map would hold, whatever is added and deleted in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ id, add: fc.boolean() }), { maxLength: 300 }), (steps) => {
      const map = new IdMap<string>();
      const model = new Map<number, string>();
      for (const step of steps) {
        if (step.add && !model.has(step.id)) {
          map.add(step.id, `stream ${step.id}`);
          model.set(step.id, `stream ${step.id}`);
        } else if (!step.add) {
          map.delete(step.id);
          model.delete(step.id);
        }
        expect(map.size).toBe(model.size);
      }
      for (let key = 1; key < 400; key++) expect(map.get(key)).toBe(model.get(key));
      expect(map.all().sort()).toEqual([...model.values()].sort());
    }),
  );
});

test('an old stream among many short ones is still found', () => {
  const map = new IdMap<number>();
  map.add(1, 1);
  // Ids come round to the slot of the old one again and again.
  for (let key = 3; key < 100_001; key += 2) {
    map.add(key, key);
    if (key > 7) map.delete(key - 4);
    expect(map.get(1)).toBe(1);
  }
  expect(map.size).toBe(4);
});
