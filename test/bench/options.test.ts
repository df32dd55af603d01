import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

test('a name and settings are read, the others stay at their defaults', () => {
  expect(parseOptions(['front-door', '--seconds', '0.5', '--rounds=2'])).toEqual({
    help: false,
    name: 'front-door',
    settings: { seconds: 0.5, rounds: 2, connections: 10, streams: 10 },
  });
  expect(parseOptions([]).name).toBeUndefined();
});

test.each([
  [['--seconds', 'long'], '--seconds: expected a number above 0, got "long"'],
  [['--rounds', '1.5'], '--rounds: expected a number above 0, got "1.5"'],
  [['--streams', '0'], '--streams: expected a number above 0, got "0"'],
  [['--speed', '9'], "Unknown option '--speed'"],
  [['one', 'two'], 'one benchmark at a time, got: one, two'],
])('%j is refused', (argv, message) => {
  expect(() => parseOptions(argv)).toThrow(message);
});
