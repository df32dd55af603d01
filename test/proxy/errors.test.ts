import { expect, test } from 'vitest';
import { codeOf, errorResponse, PROXY_ERROR_CODES, ProxyError } from '../../proxy/errors.ts';
import { headerValue } from '../../proxy/http2/header-list.ts';

test.each(PROXY_ERROR_CODES)(
  '%s is answered with a Status that agrees with its headers',
  (code) => {
    const error = new ProxyError('what happened', { code });
    const { status, headers, body } = errorResponse(error);
    const parsed = JSON.parse(body.toString());
    expect(headers.slice(0, 2)).toEqual([':status', String(error.status)]);
    expect(status).toBe(error.status);
    expect(parsed).toMatchObject({ kind: 'Status', code: status, message: 'what happened' });
    expect(headerValue(headers, 'content-length')).toBe(String(body.length));
    expect(headerValue(headers, 'content-type')).toBe('application/json');
    const seconds = headerValue(headers, 'retry-after');
    expect(parsed.details?.retryAfterSeconds?.toString()).toBe(seconds);
  },
);

test.each(PROXY_ERROR_CODES)('%s says Retry-After exactly where a repeat does no harm', (code) => {
  const { status, headers } = errorResponse(new ProxyError('x', { code }));
  const repeatable = [429, 502, 503, 504].includes(status) && code !== 'outcome_unknown';
  expect(headerValue(headers, 'retry-after')).toBe(repeatable ? '1' : undefined);
});

test('a bug is a 500 whose text does not reach the client', () => {
  const { status, body } = errorResponse(new TypeError('secret detail'));
  expect(status).toBe(500);
  expect(body.toString()).not.toContain('secret');
  expect(codeOf('thrown string')).toBe('internal');
});

test('the cause is kept', () => {
  const cause = new Error('ECONNRESET');
  expect(new ProxyError('x', { code: 'upstream_lost', cause }).cause).toBe(cause);
});
