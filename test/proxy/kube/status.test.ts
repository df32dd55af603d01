import { expect, test } from 'vitest';
import { statusBody } from '../../../proxy/kube/status.ts';

test('a status has the bytes that the apiserver writes', () => {
  const body = statusBody({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
  expect(body.toString()).toBe(
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",' +
      '"message":"Unauthorized","reason":"Unauthorized","code":401}\n',
  );
});

test('a delay stands in details, where client-go looks for it', () => {
  const body = statusBody({
    code: 429,
    reason: 'TooManyRequests',
    message: 'x',
    retryAfterSeconds: 1,
  });
  expect(body.toString()).toContain(
    '"reason":"TooManyRequests","details":{"retryAfterSeconds":1},"code":429}',
  );
});

test('a message that quotes a hostile path cannot become HTML', () => {
  const message = '/<script>&\u2028"\n\ud800';
  const body = statusBody({ code: 400, message });
  expect(body.toString()).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(body.toString())).toEqual(
    expect.objectContaining({ message, code: 400, status: 'Failure' }),
  );
  expect(JSON.parse(body.toString())).not.toHaveProperty('reason');
});
