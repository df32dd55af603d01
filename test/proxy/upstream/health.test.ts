import { expect, test } from 'vitest';
import { afterCheck, afterRefusal, unknownHealth } from '../../../proxy/upstream/health.ts';

const policy = { unhealthyAfter: 2, healthyAfter: 2 };

function readiness(results: string): string {
  let state = unknownHealth;
  let seen = '';
  for (const result of results) {
    state = result === 'x' ? afterRefusal(state) : afterCheck(state, result === '+', policy);
    seen += state.ready ? 'R' : '.';
  }
  return seen;
}

test.each([
  // results in order: + passed, - failed, x refused; and the readiness after each
  ['+', 'R', 'the first success is enough at the start'],
  ['-', '.', 'the first failure leaves it out'],
  ['+-', 'RR', 'one failure is forgiven'],
  ['+--', 'RR.', 'two failures in a row take it out'],
  ['+-+-', 'RRRR', 'failures that are not in a row do not'],
  ['+--+', 'RR..', 'one success does not bring it back'],
  ['+--++', 'RR..R', 'two successes in a row do'],
  ['+--+-++', 'RR....R', 'a failure in between starts the count anew'],
  ['+x', 'R.', 'a refused connection takes it out at once'],
  ['+x+', 'R..', 'and two successes are needed after it'],
  ['x+', '..', 'a refusal counts as a first result'],
])('after %s readiness is %s: %s', (results, expected) => {
  expect(readiness(results)).toBe(expected);
});
