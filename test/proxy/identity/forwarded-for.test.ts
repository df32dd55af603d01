import { expect, test } from 'vitest';
import { appendForwardedFor } from '../../../proxy/identity/forwarded-for.ts';

test.each([
  [[], '10.0.0.1', ['x-forwarded-for', '10.0.0.1']],
  [['x-forwarded-for', '1.1.1.1'], '10.0.0.1', ['x-forwarded-for', '1.1.1.1, 10.0.0.1']],
  [['X-Forwarded-For', ''], '10.0.0.1', ['X-Forwarded-For', '10.0.0.1']],
  [
    ['x-forwarded-for', 'a', 'b', 'c', 'x-forwarded-for', 'd'],
    '10.0.0.1',
    ['x-forwarded-for', 'a', 'b', 'c', 'x-forwarded-for', 'd, 10.0.0.1'],
  ],
  [[], '::ffff:10.0.0.1', ['x-forwarded-for', '10.0.0.1']],
  [[], '2001:db8::1', ['x-forwarded-for', '2001:db8::1']],
  [[], '::ffff:a:b', ['x-forwarded-for', '::ffff:a:b']],
])('to %j comes %s', (headers, address, expected) => {
  expect(appendForwardedFor([...headers], address)).toEqual(expected);
});
