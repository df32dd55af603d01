import { expect, test } from 'vitest';
import { readVitestReport } from '../../tools/vitest.ts';

function report(...testResults: object[]): string {
  return JSON.stringify({ testResults });
}

function file(status: string, assertionResults: object[], message = ''): object {
  return { name: '/checkout/test/a.test.ts', status, message, assertionResults };
}

test('tests are read with their file, status, messages and figures', () => {
  const text = report(
    file('failed', [
      { fullName: 'one', status: 'passed', failureMessages: [], meta: { figures: { cases: 3 } } },
      { fullName: 'two', status: 'failed', failureMessages: ['because'] },
      { fullName: 'three', status: 'pending' },
    ]),
  );
  expect(readVitestReport(text, '/checkout')).toEqual({
    errors: [],
    tests: [
      {
        file: 'test/a.test.ts',
        name: 'one',
        status: 'passed',
        messages: [],
        figures: { cases: 3 },
      },
      { file: 'test/a.test.ts', name: 'two', status: 'failed', messages: ['because'], figures: {} },
      { file: 'test/a.test.ts', name: 'three', status: 'skipped', messages: [], figures: {} },
    ],
  });
});

test('a file that fails without a failed test is an error', () => {
  const skipped = [{ fullName: 'one', status: 'skipped' }];
  const text = report(file('failed', [], 'cannot load'), file('failed', skipped));
  expect(readVitestReport(text, '/checkout').errors).toEqual([
    'test/a.test.ts: cannot load',
    'test/a.test.ts: failed outside of its tests',
  ]);
});

test('a file without tests, and a report without files, are errors', () => {
  expect(readVitestReport(report(file('passed', [])), '/checkout').errors).toEqual([
    'test/a.test.ts: no test in it',
  ]);
  expect(readVitestReport(report(), '/checkout').errors).toHaveLength(1);
});
