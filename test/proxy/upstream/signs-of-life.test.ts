import { expect, test } from 'vitest';
import { SignsOfLife, type Verdict } from '../../../proxy/upstream/signs-of-life.ts';

const POLICY = { pingAfterMs: 1000, suspectAfterMs: 2000, deadAfterMs: 5000 };
const ALWAYS_AWAKE = Number.NEGATIVE_INFINITY;

/** Looks every 100 ms and notes when the verdict changes. */
function changes(
  connection: { openStreams: number; lastReadAtMs: number },
  untilMs: number,
  awakeSinceMs = ALWAYS_AWAKE,
  roundTripsMs: readonly number[] = [],
): [atMs: number, verdict: Verdict][] {
  const signs = new SignsOfLife(POLICY);
  for (const roundTripMs of roundTripsMs) signs.answered(connection, roundTripMs);
  const seen: [number, Verdict][] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 100) {
    const verdict = signs.judge(connection, nowMs, awakeSinceMs);
    if (seen.at(-1)?.[1] !== verdict) seen.push([nowMs, verdict]);
    if (verdict === 'dead') break;
  }
  return seen;
}

test('silence is asked about, then suspected, then taken for death', () => {
  expect(changes({ openStreams: 1, lastReadAtMs: 0 }, 10_000)).toEqual([
    [0, 'alive'],
    [1100, 'ask'],
    [1200, 'waiting'],
    [2200, 'suspect'],
    [5200, 'dead'],
  ]);
});

test('a request on a connection that was idle for an hour is given the same time', () => {
  expect(changes({ openStreams: 1, lastReadAtMs: -3_600_000 }, 10_000)).toEqual([
    [0, 'ask'],
    [100, 'waiting'],
    [1100, 'suspect'],
    [4100, 'dead'],
  ]);
});

test('a connection without streams is left alone', () => {
  expect(changes({ openStreams: 0, lastReadAtMs: -3_600_000 }, 10_000)).toEqual([[0, 'alive']]);
});

test('a connection whose answers have always come late is given as much time as they took', () => {
  const slow = Array.from({ length: 50 }, () => 1500);
  const verdicts = changes({ openStreams: 1, lastReadAtMs: 0 }, 10_000, ALWAYS_AWAKE, slow);
  expect(verdicts.map(([, verdict]) => verdict)).toEqual([
    'alive',
    'ask',
    'waiting',
    'suspect',
    'dead',
  ]);
  expect(verdicts[3]?.[0]).toBe(2700);
  expect(verdicts[4]?.[0]).toBe(5200);
});

test('answers that come early change nothing, and one late answer is soon forgotten', () => {
  const well = changes({ openStreams: 1, lastReadAtMs: 0 }, 10_000);
  const early = Array.from({ length: 60 }, () => 1);
  const quiet = { openStreams: 1, lastReadAtMs: 0 };
  expect(changes(quiet, 10_000, ALWAYS_AWAKE, early)).toEqual(well);
  expect(changes(quiet, 10_000, ALWAYS_AWAKE, [...early, 3000, ...early])).toEqual(well);
  expect(changes(quiet, 10_000, ALWAYS_AWAKE, [...early, 3000])).not.toEqual(well);
});

test('our own stall is not its silence', () => {
  const signs = new SignsOfLife(POLICY);
  const connection = { openStreams: 1, lastReadAtMs: 0 };
  expect(signs.judge(connection, 1100, ALWAYS_AWAKE)).toBe('ask');
  expect(signs.judge(connection, 9000, 9000)).toBe('alive');
  expect(signs.judge(connection, 10_100, 9000)).toBe('ask');
  expect(signs.judge(connection, 10_200, 9000)).toBe('waiting');
});

test('whatever is read makes it alive, and the next silence is asked about anew', () => {
  const signs = new SignsOfLife(POLICY);
  const connection = { openStreams: 1, lastReadAtMs: 0 };
  expect(signs.judge(connection, 1100, ALWAYS_AWAKE)).toBe('ask');
  expect(signs.judge(connection, 2200, ALWAYS_AWAKE)).toBe('suspect');
  connection.lastReadAtMs = 2300;
  expect(signs.judge(connection, 2400, ALWAYS_AWAKE)).toBe('alive');
  expect(signs.judge(connection, 3400, ALWAYS_AWAKE)).toBe('ask');
  expect(signs.judge(connection, 3500, ALWAYS_AWAKE)).toBe('waiting');
});
