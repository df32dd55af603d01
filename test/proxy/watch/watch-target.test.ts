import { expect, test } from 'vitest';
import { choosePlace, type PlaceCandidate } from '../../../proxy/watch/watch-target.ts';

function place(change: Partial<PlaceCandidate>): PlaceCandidate {
  return { available: true, watches: 0, availableSinceMs: 0, ...change };
}

test('an endpoint that was ready before the last event is preferred, however full it is', () => {
  const places = [
    place({ availableSinceMs: 2000 }),
    place({ availableSinceMs: 500, watches: 900 }),
  ];
  expect(choosePlace(places, [], 1000)).toBe(1);
});

test('among those that surely have the history the emptiest is chosen', () => {
  const places = [place({ watches: 5 }), place({ watches: 3 }), place({ watches: 4 })];
  expect(choosePlace(places, [], 1000)).toBe(1);
});

test('when none surely has it, the one that has been up longest is tried first', () => {
  const places = [
    place({ availableSinceMs: 3000, watches: 0 }),
    place({ availableSinceMs: 2000, watches: 50 }),
  ];
  expect(choosePlace(places, [], 1000)).toBe(1);
  expect(choosePlace(places, [1], 1000)).toBe(0);
});

test('an endpoint that is unavailable or has said no is never chosen', () => {
  expect(choosePlace([place({ available: false }), place({})], [1], 1000)).toBe(-1);
  expect(choosePlace([], [], 0)).toBe(-1);
});
