import { expect, test } from 'vitest';
import { FailureAccounts, readVitestReport } from '../../tools/vitest.ts';

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

test('the account of a failure takes the place of the message, also for several tests', () => {
  const names = ['one', 'two', 'three', 'four'];
  const failed = names.map((fullName) => ({ fullName, status: 'failed', failureMessages: ['m'] }));
  const accounts = new FailureAccounts();
  for (const line of [
    '⎯⎯⎯⎯ Failed Tests 3 ⎯⎯⎯⎯',
    '',
    ' FAIL   unit  test/a.test.ts > one',
    'AssertionError: expected 1 to be 2',
    '',
    '- 2',
    '+ 1',
    '⎯⎯⎯⎯[1/3]⎯',
    ' FAIL   unit  test/a.test.ts > two',
    ' FAIL   unit  test/a.test.ts > three',
    'Error: the same',
    '⎯⎯⎯⎯[3/3]⎯',
    ' Test Files  1 failed (1)',
    '      Tests  3 failed (3)',
  ]) {
    accounts.add(line);
  }
  const { tests } = accounts.addTo(readVitestReport(report(file('failed', failed)), '/checkout'));
  expect(tests.map(({ messages }) => messages)).toEqual([
    ['AssertionError: expected 1 to be 2\n\n- 2\n+ 1'],
    ['Error: the same'],
    ['Error: the same'],
    ['m'],
  ]);
});
