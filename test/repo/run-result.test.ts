import { expect, test } from 'vitest';
import type { TestOutcome, TestStatus } from '../../tools/vitest.ts';
import {
  checkResult,
  closingTable,
  failureLines,
  notRunResult,
  patchesResult,
  sumLine,
  vitestResult,
} from '../run/result.ts';

const step = { name: 'cluster', tookMs: 1234 };

function outcome(status: TestStatus, name = 'a test'): TestOutcome {
  return { file: 'test/a.test.ts', name, status, messages: ['no'], figures: {} };
}

test('a check counts as one, passed by exit code 0 and failed by any other end', () => {
  expect(checkResult(step, { exitCode: 0, lines: [] })).toMatchObject({ passed: 1, failed: 0 });
  for (const exitCode of [1, 2, null]) {
    const result = checkResult(step, { exitCode, lines: ['bad'] });
    expect(result).toMatchObject({ passed: 0, failed: 1, failures: [{ message: 'bad' }] });
  }
});

test('tests are counted by their status, and errors outside of tests as failures', () => {
  const tests = [outcome('passed'), outcome('passed'), outcome('failed'), outcome('skipped')];
  const result = vitestResult(step, { tests, errors: ['a.test.ts: cannot be loaded'] });
  expect(result).toMatchObject({ passed: 2, failed: 2, skipped: 1 });
  expect(failureLines(result)).toEqual([
    '  FAILED test/a.test.ts > a test',
    '    no',
    '  FAILED cluster',
    '    a.test.ts: cannot be loaded',
  ]);
});

test('a project of which every test was skipped is not run, for the reason in their names', () => {
  const tests = [outcome('skipped', 'x (not run: no kubectl in .tools/bin)')];
  const result = vitestResult(step, { tests, errors: [] });
  expect(result).toMatchObject({ passed: 0, failed: 0, skipped: 1 });
  expect(result.note).toBe('not run: no kubectl in .tools/bin');
});

test('patches count by the last line of their verification, and what was refused is shown', () => {
  const sum = 'patches: 3 verified, 1 refused, 2 not run; headers of 6 are good';
  const lines = [
    'REFUSED     12 s  0003: the test passes without the change',
    'not run  0 s  a: no Go',
  ];
  const result = patchesResult(step, { exitCode: 1, lines: [...lines, sum] });
  expect(result).toMatchObject({ passed: 3, failed: 1, skipped: 2, note: 'not run: no Go' });
  expect(failureLines(result)).toEqual(['  FAILED cluster', `    ${lines[0]}`]);
});

test.each([0, 1, null])('a verification that says no sum has failed (exit code %s)', (exitCode) => {
  expect(patchesResult(step, { exitCode, lines: ['broken'] })).toMatchObject({ failed: 1 });
});

test('a project without tests has failed', () => {
  const result = vitestResult(step, { tests: [], errors: ['no test was found'] });
  expect(result).toMatchObject({ passed: 0, failed: 1 });
});

test('the sum goes over all steps, and a step that was not run is one skipped', () => {
  const results = [
    checkResult({ name: 'lint', tookMs: 1 }, { exitCode: 0, lines: [] }),
    vitestResult(step, { tests: [outcome('passed'), outcome('failed')], errors: [] }),
    notRunResult({ name: 'cluster', tookMs: 0 }, 'no Go'),
  ];
  expect(sumLine(results)).toBe('2 passed, 1 failed, 1 skipped');
  expect(closingTable(results)).toEqual([
    'step     ran  passed  failed  not run   time  why',
    '-------  ---  ------  ------  -------  -----  --------------',
    'lint       1       1       0        0  0.0 s',
    'cluster    2       1       1        0  1.2 s',
    'cluster    0       0       0        1  0.0 s  not run: no Go',
  ]);
});

test('frames of a stack that are not ours are left out', () => {
  const frame = '    at run (file:///a/node_modules/vitest/dist/run.js:1:2)';
  const lines = ['Error: no', '    at test/a.test.ts:3:4', frame];
  const shown = failureLines(checkResult(step, { exitCode: 1, lines }));
  expect(shown.slice(1)).toEqual(['    Error: no', '        at test/a.test.ts:3:4']);
});

test('a long message is cut, and says so', () => {
  const lines = Array.from({ length: 80 }, (_, index) => `line ${index}`);
  const shown = failureLines(checkResult(step, { exitCode: 1, lines }));
  expect(shown.at(-2)).toBe('    line 49');
  expect(shown.at(-1)).toBe('    … and 30 more lines');
});
