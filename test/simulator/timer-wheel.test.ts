import { expect, test } from 'vitest';
import { TimerWheel } from '../../simulator/timer-wheel.ts';

function wheelAt(clock: { ms: number }): TimerWheel {
  return new TimerWheel(() => clock.ms);
}

test('a call comes after its delay, never before, and once', () => {
  const clock = { ms: 1003 };
  const wheel = wheelAt(clock);
  let calls = 0;
  wheel.schedule(100, () => calls++);
  clock.ms = 1102;
  wheel.advance();
  expect(calls).toBe(0);
  clock.ms = 1150;
  wheel.advance();
  wheel.advance();
  expect(calls).toBe(1);
  wheel.stop();
});

test('a cancelled call does not come, also when cancelled by a call of the same tick', () => {
  const clock = { ms: 0 };
  const wheel = wheelAt(clock);
  const calls: string[] = [];
  const second = { cancel: () => {} };
  wheel.schedule(10, () => {
    calls.push('first');
    second.cancel();
  });
  second.cancel = wheel.schedule(10, () => calls.push('second')).cancel;
  wheel.schedule(10, () => calls.push('third'));
  clock.ms = 1000;
  wheel.advance();
  expect(calls).toEqual(['first', 'third']);
  wheel.stop();
});

test('a call may schedule the next one, even with no delay', () => {
  const clock = { ms: 0 };
  const wheel = wheelAt(clock);
  let calls = 0;
  const again = () => {
    calls++;
    wheel.schedule(0, again);
  };
  wheel.schedule(0, again);
  clock.ms = 100;
  wheel.advance();
  // Late by 75 ms, the next one is due now; the one after that waits for a tick to come, so that
  // a callback that reschedules itself cannot hold the event loop.
  expect(calls).toBe(2);
  wheel.stop();
});
