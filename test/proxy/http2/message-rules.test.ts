import { expect, test } from 'vitest';
import {
  takeBody,
  takeRequest,
  takeResponse,
  takeTrailers,
} from '../../../proxy/http2/message-rules.ts';

const POST = [':method', 'POST', ':scheme', 'https', ':path', '/'];

function message({ headRequest = false } = {}) {
  return { headersReceived: false, bodyMissing: -1, headRequest };
}

function withLength(bytes: number) {
  const state = message();
  expect(takeRequest(state, [...POST, 'content-length', String(bytes)], false)).toBeUndefined();
  return state;
}

test('a body of the declared length is well formed', () => {
  const state = withLength(5);
  expect(takeBody(state, 3, false)).toBeUndefined();
  expect(takeBody(state, 2, true)).toBeUndefined();
});

test('the end may come in a frame of its own, or with trailers', () => {
  const state = withLength(2);
  expect(takeBody(state, 2, false)).toBeUndefined();
  expect(takeBody({ ...state }, 0, true)).toBeUndefined();
  expect(takeTrailers(state, ['a', 'b'], true)).toBeUndefined();
});

test('a body longer than declared is malformed at its first byte too many (H2.CL)', () => {
  expect(takeBody(withLength(0), 1, true)).toBe('body longer than its content-length');
  const state = withLength(4);
  takeBody(state, 4, false);
  expect(takeBody(state, 1, false)).toBe('body longer than its content-length');
});

test('a body shorter than declared is malformed, however it ends', () => {
  expect(takeBody(withLength(4), 3, true)).toBe('body shorter than its content-length');
  expect(takeTrailers(withLength(4), ['a', 'b'], true)).toContain('shorter');
  const request = [...POST, 'content-length', '4'];
  expect(takeRequest(message(), request, true)).toBe('content-length without a body');
});

test('a body without a declared length may be of any length', () => {
  const state = message();
  takeRequest(state, POST, false);
  expect(takeBody(state, 1 << 30, true)).toBeUndefined();
});

test('a malformed content-length is refused on both sides', () => {
  const wrong = ['content-length', '1', 'content-length', '2'];
  expect(takeRequest(message(), [...POST, ...wrong], false)).toBe('malformed content-length');
  expect(takeResponse(message(), [':status', '200', ...wrong], true)).toBe(
    'malformed content-length',
  );
});

test('trailers must end the stream', () => {
  expect(takeTrailers(message(), ['a', 'b'], false)).toBe('trailers that do not end the stream');
});

test('a final response may follow several 1xx ones', () => {
  const state = message();
  expect(takeResponse(state, [':status', '100'], false)).toBeUndefined();
  expect(takeResponse(state, [':status', '103', 'link', 'x'], false)).toBeUndefined();
  expect(state.headersReceived).toBe(false);
  expect(takeResponse(state, [':status', '200'], false)).toBeUndefined();
  expect(state.headersReceived).toBe(true);
});

test('a 1xx response must not end the stream, and 101 does not exist', () => {
  expect(takeResponse(message(), [':status', '100'], true)).toContain('ends the stream');
  expect(takeResponse(message(), [':status', '101'], false)).toBe('response 101');
});

test.each([
  ['to HEAD', message({ headRequest: true }), '200'],
  ['304', message(), '304'],
  ['204', message(), '204'],
])('a response %s may declare a length, and has no body', (_what, state, status) => {
  const headers = [':status', status, 'content-length', '9'];
  expect(takeResponse({ ...state }, headers, true)).toBeUndefined();
  expect(takeResponse(state, headers, false)).toBeUndefined();
  expect(takeBody({ ...state }, 0, true)).toBeUndefined();
  expect(takeBody(state, 1, true)).toBe('body longer than its content-length');
});

test('any other response that declares a length must have that body', () => {
  const headers = [':status', '200', 'content-length', '9'];
  expect(takeResponse(message(), headers, true)).toBe('content-length without a body');
});
