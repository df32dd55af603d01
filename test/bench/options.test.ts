import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';

test('a name and settings are read, what is not given is left to the benchmark', () => {
  expect(parseOptions(['front-door', '--seconds', '0.5', '--rounds=2'])).toEqual({
    help: false,
    name: 'front-door',
    settings: { seconds: 0.5, rounds: 2 },
    quick: false,
    keep: false,
    write: false,
    only: [],
    backend: 'fast',
    load: undefined,
    watches: undefined,
    idleWatches: undefined,
  });
  expect(parseOptions([]).name).toBeUndefined();
});

test('subjects are named with commas between them', () => {
  expect(parseOptions(['wire', '--only', 'envoy,nginx', '--quick'])).toMatchObject({
    only: ['envoy', 'nginx'],
    quick: true,
  });
});

test.each([
  [['--seconds', 'long'], '--seconds: expected a number above 0, got "long"'],
  [['--rounds', '1.5'], '--rounds: expected a number above 0, got "1.5"'],
  [['--streams', '0'], '--streams: expected a number above 0, got "0"'],
  [['--idle-watches', '0'], '--idle-watches: expected a number above 0, got "0"'],
  [['--backend', 'slow'], '--backend: expected fast or kube, got "slow"'],
  [['--speed', '9'], "Unknown option '--speed'"],
  [['one', 'two'], 'one benchmark at a time, got: one, two'],
])('%j is refused', (argv, message) => {
  expect(() => parseOptions(argv)).toThrow(message);
});
