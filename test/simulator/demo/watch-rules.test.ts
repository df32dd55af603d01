import { expect, test } from 'vitest';
import { TransportError } from '../../../simulator/demo/api-connection.ts';
import { secondsToRetry } from '../../../simulator/demo/rest-client.ts';
import {
  afterWatch,
  backOffMs,
  type NextStep,
  type WatchEnding,
} from '../../../simulator/demo/watch-rules.ts';

test.each<[string, WatchEnding, NextStep]>([
  ['END_STREAM with events', { kind: 'end', events: 1, lastedMs: 10 }, 'watch'],
  ['END_STREAM after a second', { kind: 'end', events: 0, lastedMs: 1000 }, 'watch'],
  ['END_STREAM at once', { kind: 'end', events: 0, lastedMs: 999 }, 'back off, then list'],
  ['a lost connection', { kind: 'lost', events: 3, lastedMs: 20 }, 'watch'],
  ['RST_STREAM', { kind: 'reset' }, 'back off, then list'],
  ['ERROR 410', { kind: 'error event', code: 410 }, 'back off, then list'],
  ['ERROR 500', { kind: 'error event', code: 500 }, 'back off, then list'],
  ['ERROR 429', { kind: 'error event', code: 429 }, 'back off, then watch'],
  ['refused', { kind: 'not opened', status: undefined, refused: true }, 'back off, then watch'],
  ['answered 429', { kind: 'not opened', status: 429, refused: false }, 'back off, then watch'],
  ['answered 503', { kind: 'not opened', status: 503, refused: false }, 'back off, then list'],
])('after %s an informer does what client-go does', (_name, ending, next) => {
  expect(afterWatch(ending)).toBe(next);
});

test('a back-off doubles from 0.8 s to 30 s, and chance at most doubles it again', () => {
  expect([0, 1, 2, 10].map((failures) => backOffMs(failures, 0))).toEqual([
    800, 1600, 3200, 30_000,
  ]);
  expect(backOffMs(0, 1)).toBe(1600);
});

const lost = new TransportError('lost', { failure: 'lost' });
const reset = new TransportError('reset', { failure: 'reset' });

test.each([
  ['GET', lost, 1],
  ['PUT', lost, undefined],
  ['GET', reset, undefined],
  ['PUT', { status: 429, retryAfterSeconds: 2 }, 2],
  ['POST', { status: 503, retryAfterSeconds: 1 }, 1],
  ['GET', { status: 504, retryAfterSeconds: undefined }, undefined],
  ['GET', { status: 404, retryAfterSeconds: 1 }, undefined],
  ['GET', { status: 200, retryAfterSeconds: undefined }, undefined],
] as const)('client-go repeats a %s after %o in %s s', (method, result, seconds) => {
  expect(secondsToRetry({ method }, result)).toBe(seconds);
});
