import { expect, test } from 'vitest';
import { type Suite, suiteRow } from '../../prove/suites.ts';
import type { TestOutcome } from '../../tools/vitest.ts';

const file = 'test/cluster/a.test.ts';
const plain: Suite = { what: 'a suite', file };
const counted: Suite = { ...plain, figure: { name: 'requests', atLeast: 150 } };
const limited: Suite = { ...plain, figure: { name: 'exceptions', atMost: 0 } };

function outcome(
  status: TestOutcome['status'],
  figures: Readonly<Record<string, number>> = {},
  name = 'a test',
): TestOutcome {
  return { file, name, status, messages: [], figures };
}

function verdict(suite: Suite, tests: readonly TestOutcome[], errors: readonly string[] = []) {
  return suiteRow(suite, { tests, errors }).verdict;
}

test('a suite passes when all of its tests do', () => {
  expect(verdict(plain, [outcome('passed'), outcome('passed')])).toBe('pass');
  expect(verdict(plain, [outcome('passed'), outcome('failed')])).toBe('SHORT');
});

test('a suite of which a part was skipped is not run, for the reason in the name', () => {
  const skipped = outcome('skipped', {}, 'x (not run: no kubectl in .tools/bin)');
  expect(suiteRow(plain, { tests: [outcome('passed'), skipped], errors: [] })).toMatchObject({
    verdict: 'not run',
    figure: 'not run: no kubectl in .tools/bin',
  });
});

test('a suite without results is not run, and one with an error is short', () => {
  const other = { ...outcome('passed'), file: 'test/cluster/b.test.ts' };
  expect(verdict(plain, [other])).toBe('not run');
  expect(verdict(plain, [outcome('passed')], [`${file}: cannot be loaded`])).toBe('SHORT');
  expect(verdict(plain, [outcome('passed')], ['vitest ended with 1'])).toBe('SHORT');
  expect(verdict(plain, [outcome('passed')], ['test/cluster/b.test.ts: no test'])).toBe('pass');
});

test('figures of passed tests are added up against the floor', () => {
  const halves = [outcome('passed', { requests: 75 }), outcome('passed', { requests: 75 })];
  expect(verdict(counted, halves)).toBe('pass');
  expect(verdict(counted, [outcome('passed', { requests: 149 })])).toBe('SHORT');
});

test('tests are counted where none reports a figure, but not for an upper limit', () => {
  const tests = (count: number) => Array.from({ length: count }, () => outcome('passed'));
  expect(verdict(counted, tests(150))).toBe('pass');
  expect(verdict(counted, tests(149))).toBe('SHORT');
  expect(verdict(limited, tests(1))).toBe('not run');
  expect(verdict(limited, [outcome('passed', { exceptions: 0 })])).toBe('pass');
  expect(verdict(limited, [outcome('passed', { exceptions: 1 })])).toBe('SHORT');
});
