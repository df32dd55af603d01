import { expect, test } from 'vitest';
import type { HeaderList } from '../../../proxy/http2/header-list.ts';
import {
  isUnprocessedAnswer,
  mayReplay,
  RetryBudget,
} from '../../../proxy/upstream/retry-policy.ts';

const attempt = { method: 'POST', bodyKept: true, attempts: 1, maxAttempts: 3 };

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  '%s is sent again only when it was provably not processed',
  (method) => {
    expect(mayReplay({ ...attempt, method }, { unprocessed: true })).toBe(true);
    expect(mayReplay({ ...attempt, method }, { unprocessed: false })).toBe(false);
  },
);

test.each(['GET', 'HEAD', 'OPTIONS'])('%s is sent again whatever happened', (method) => {
  expect(mayReplay({ ...attempt, method }, { unprocessed: false })).toBe(true);
});

test('nothing is sent again without its whole body, or beyond the number of attempts', () => {
  expect(mayReplay({ ...attempt, bodyKept: false }, { unprocessed: true })).toBe(false);
  expect(mayReplay({ ...attempt, attempts: 3 }, { unprocessed: true })).toBe(false);
});

test('the 429 of an apiserver that shuts down was not processed', () => {
  // pkg/server/filters/with_retry_after.go
  const shutdown: HeaderList = [':status', '429', 'retry-after', '5', 'content-type', 'text/plain'];
  expect(isUnprocessedAnswer(shutdown)).toBe(true);
});

test('a 429 of priority and fairness stays where it is', () => {
  const fairness: HeaderList = [
    ':status',
    '429',
    'retry-after',
    '1',
    'x-kubernetes-pf-flowschema-uid',
    '4a1a',
  ];
  expect(isUnprocessedAnswer(fairness)).toBe(false);
  expect(isUnprocessedAnswer([':status', '429'])).toBe(false);
  expect(isUnprocessedAnswer([':status', '503', 'retry-after', '1'])).toBe(false);
});

test('without traffic the budget gives its minimum per second, and saves up ten seconds of it', () => {
  let nowMs = 0;
  const budget = new RetryBudget({ percent: 20, minPerSecond: 2 }, () => nowMs);
  const takeAll = (): number => {
    let taken = 0;
    while (budget.take()) taken += 1;
    return taken;
  };
  expect(takeAll()).toBe(20);
  nowMs += 3000;
  expect(takeAll()).toBe(6);
  nowMs += 3_600_000;
  expect(takeAll()).toBe(20);
});

test('with traffic retries stay a share of it', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 1 }, () => 0);
  while (budget.take());
  for (let i = 0; i < 100; i++) budget.request();
  let taken = 0;
  while (budget.take()) taken += 1;
  expect(taken).toBeGreaterThanOrEqual(19);
  expect(taken).toBeLessThanOrEqual(20);
});

test('a budget of nothing allows nothing', () => {
  const budget = new RetryBudget({ percent: 0, minPerSecond: 0 }, () => 1e9);
  for (let i = 0; i < 100; i++) budget.request();
  expect(budget.take()).toBe(false);
});
