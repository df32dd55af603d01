import { expect, test } from 'vitest';
import { EarlyResets } from '../../../proxy/http2/early-resets.ts';

function startedAt(nowMs: number) {
  const clock = { nowMs };
  return { clock, resets: new EarlyResets(() => clock.nowMs) };
}

test('an answer to a stream that came later says that the server has none of them any more', () => {
  const { resets } = startedAt(0);
  for (const id of [1, 3, 5]) resets.add(id, 7);
  expect(resets.count(7)).toBe(3);
  resets.answered(7, 7);
  expect(resets.count(7), 'the server may have answered it before the others were reset').toBe(3);
  resets.answered(9, 9);
  expect(resets.count(9)).toBe(0);
});

test('resets of streams behind the one that was answered go on counting', () => {
  const { resets } = startedAt(0);
  resets.add(1, 1);
  resets.add(7, 9);
  resets.add(9, 9);
  resets.answered(5, 11);
  expect(resets.count(11)).toBe(2);
  resets.answered(11, 13);
  expect(resets.count(13), 'an answer up to the mark of 11 tells nothing new').toBe(2);
  resets.answered(13, 13);
  expect(resets.count(13)).toBe(0);
});

test('while the server answers nothing they count for a minute at least, and for two at most', () => {
  const { clock, resets } = startedAt(5000);
  resets.add(1, 1);
  clock.nowMs += 50_000;
  resets.add(3, 3);
  clock.nowMs += 11_000;
  expect(resets.count(3), 'the first is forgotten').toBe(1);
  clock.nowMs += 60_000;
  expect(resets.count(3), 'the second has 61 s').toBe(1);
  clock.nowMs += 1000;
  expect(resets.count(3)).toBe(0);
});
