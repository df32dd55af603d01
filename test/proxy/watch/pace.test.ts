import { expect, test } from 'vitest';
import { Pace } from '../../../proxy/watch/pace.ts';

function takeAll(pace: Pace<string>, place: string): number {
  let taken = 0;
  for (; pace.allows(place); taken++) pace.take(place);
  return taken;
}

test('a quiet place takes a tenth of a second at once, and then its share of the time', () => {
  const pace = new Pace<string>(1000);
  pace.refill(0);
  expect(takeAll(pace, 'a')).toBe(100);
  pace.refill(50);
  expect(takeAll(pace, 'a')).toBe(50);
  pace.refill(60_000);
  expect(takeAll(pace, 'a')).toBe(100);
});

test('places do not take from each other', () => {
  const pace = new Pace<string>(20);
  expect(takeAll(pace, 'a')).toBe(2);
  expect(takeAll(pace, 'b')).toBe(2);
});

test('a pace below ten a second still lets one through', () => {
  const pace = new Pace<string>(1);
  expect(takeAll(pace, 'a')).toBe(1);
  pace.refill(900);
  expect(takeAll(pace, 'a')).toBe(0);
  pace.refill(1000);
  expect(takeAll(pace, 'a')).toBe(1);
});

test('a place that does not answer is given no more than a few, until it has answered', () => {
  const pace = new Pace<string>(1000);
  let asked = 0;
  for (; pace.allows('slow'); asked++) {
    pace.take('slow');
    pace.asked('slow');
  }
  expect(asked).toBe(32);
  expect(pace.allows('quick')).toBe(true);
  pace.answered('slow');
  expect(pace.allows('slow')).toBe(true);
});
