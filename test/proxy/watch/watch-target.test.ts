import { expect, test } from 'vitest';
import { choosePlace, type PlaceCandidate } from '../../../proxy/watch/watch-target.ts';

const ALL = [true, true, true];

function place(change: Partial<PlaceCandidate>): PlaceCandidate {
  return { available: true, watches: 0, availableSinceMs: 0, ...change };
}

test('an endpoint that was ready before the last event is preferred, however full it is', () => {
  const places = [
    place({ availableSinceMs: 2000 }),
    place({ availableSinceMs: 500, watches: 900 }),
  ];
  expect(choosePlace(places, ALL, 1000)).toBe(1);
});

test('among those that surely have the history the emptiest is chosen', () => {
  const places = [place({ watches: 5 }), place({ watches: 3 }), place({ watches: 4 })];
  expect(choosePlace(places, ALL, 1000)).toBe(1);
});

test('when the emptiest may not be given one now, the next one is, and nobody waits for it', () => {
  const places = [place({ watches: 0 }), place({ watches: 9 }), place({ watches: 7 })];
  expect(choosePlace(places, [false, true, true], 1000)).toBe(2);
  expect(choosePlace(places, [false, false, false], 1000)).toBe(-1);
});

test('one that surely has the history is waited for, rather than to ask one that may not', () => {
  const places = [place({ availableSinceMs: 2000 }), place({ availableSinceMs: 500 })];
  expect(choosePlace(places, [true, false], 1000)).toBe(-1);
});

test('when none surely has it, the one that has been up longest is tried first', () => {
  const oldest = place({ availableSinceMs: 2000, watches: 50 });
  const places = [place({ availableSinceMs: 3000, watches: 0 }), oldest];
  expect(choosePlace(places, ALL, 1000)).toBe(1);
  expect(choosePlace(places, [true, false], 1000)).toBe(-1);
  expect(choosePlace([places[0] ?? oldest, { ...oldest, available: false }], ALL, 1000)).toBe(0);
});

test('an endpoint that is unavailable is never chosen', () => {
  expect(choosePlace([place({ available: false })], ALL, 1000)).toBe(-1);
  expect(choosePlace([], [], 0)).toBe(-1);
});
