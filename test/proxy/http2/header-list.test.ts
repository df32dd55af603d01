import { expect, test } from 'vitest';
import { assertLatin1, headerValue } from '../../../proxy/http2/header-list.ts';

test('the first value of a name is found, and a value is never taken for a name', () => {
  expect(headerValue(['a', 'b', 'b', 'c', 'b', 'd'], 'b')).toBe('c');
  expect(headerValue(['a', 'b'], 'b')).toBeUndefined();
});

test('text that would be cut to its low bytes on the wire is refused by name', () => {
  expect(() => assertLatin1(['x', 'J\xfcrgen\xff\0'])).not.toThrow();
  expect(() => assertLatin1(['x-remote-user', '\u0141dmin'])).toThrow(
    'header field "x-remote-user" is not one byte a character',
  );
  expect(() => assertLatin1(['x\u010d', 'y'])).toThrow(TypeError);
});
