import { expect, test } from 'vitest';
import {
  findContentProblems,
  findHeaderProblems,
  parsePatchFile,
  testPlan,
} from '../../patches/patch-file.ts';
import { addFile, changeMail, type MailParts, testMail } from './mail.ts';

const CHANGE = 'adder/v1.0.0/0001-add.patch';
const TEST = 'adder/v1.0.0/0001-add.test.patch';

function problemsOfChange(parts: MailParts): string[] {
  const patch = parsePatchFile(CHANGE, changeMail(parts));
  return [...findHeaderProblems(patch), ...findContentProblems(patch, false)];
}

function problemsOfTest(parts: MailParts): string[] {
  const patch = parsePatchFile(TEST, testMail(parts));
  return [...findHeaderProblems(patch), ...findContentProblems(patch, true)];
}

test('a good change and a good test have no problems', () => {
  expect(problemsOfChange({})).toEqual([]);
  expect(problemsOfTest({})).toEqual([]);
});

test('a subject that git has folded is one line', () => {
  const subject = 'adder: add what is to be added instead of\n taking it away';
  expect(parsePatchFile(CHANGE, changeMail({ subject })).subject).toBe(
    'adder: add what is to be added instead of taking it away',
  );
});

test('what the message says of other commits is no trailer', () => {
  const why = `Fixes: everything\n\n${'word '.repeat(30)}`;
  const patch = parsePatchFile(CHANGE, changeMail({ why }));
  expect([...patch.trailers.keys()]).toEqual([
    'Component',
    'Upstream-Issue',
    'Upstream-Status',
    'Verified-On',
  ]);
  expect(patch.why).toContain('Fixes: everything');
});

test.each(['Component', 'Upstream-Issue', 'Upstream-Status', 'Verified-On'])(
  'a change without %s is refused',
  (name) => {
    expect(problemsOfChange({ trailers: { [name]: [] } })).toEqual([
      `${CHANGE}: trailer ${name} is missing`,
    ]);
  },
);

test.each(['Test-Package', 'Test-Run', 'Fails-With'])('a test without %s is refused', (name) => {
  expect(problemsOfTest({ trailers: { [name]: [] } })).toEqual([
    `${TEST}: trailer ${name} is missing`,
  ]);
});

test.each([
  ['Component', 'subtracter', 'expected adder, got "subtracter"'],
  ['Verified-On', 'v1.0.1', 'expected v1.0.0, got "v1.0.1"'],
  ['Upstream-Issue', 'somewhere', 'expected a link or "none found", got "somewhere"'],
  [
    'Upstream-Status',
    'nearly done',
    'expected "not sent", "sent <link>" or "merged in <tag>", got "nearly done"',
  ],
])('%s: %s is refused', (name, value, complaint) => {
  expect(problemsOfChange({ trailers: { [name]: [value] } })).toEqual([
    `${CHANGE}: trailer ${name}: ${complaint}`,
  ]);
});

test.each([
  'not sent',
  'not sent (why not)',
  'sent https://github.com/kubernetes/kubernetes/pull/1',
  'merged in v1.23.0 (in part)',
])('the status "%s" is good', (value) => {
  expect(problemsOfChange({ trailers: { 'Upstream-Status': [value] } })).toEqual([]);
});

test('a message that does not say why is refused', () => {
  expect(problemsOfChange({ why: 'Add is wrong.' })).toEqual([
    `${CHANGE}: says why in 3 words, at least 25`,
  ]);
});

test('a subject that is too long, or a sentence, is refused', () => {
  expect(problemsOfChange({ subject: `${'a'.repeat(76)}.` })).toEqual([
    `${CHANGE}: subject has 77 characters, at most 76`,
    `${CHANGE}: subject ends with a full stop`,
  ]);
});

test('a bare diff is refused', () => {
  const patch = parsePatchFile(CHANGE, addFile('a.go', ['package adder']));
  expect(findHeaderProblems(patch)).toContain(`${CHANGE}: not in the form of git format-patch`);
  expect(findHeaderProblems(patch)).toContain(`${CHANGE}: no subject`);
});

test('a test inside of a change, and a change inside of a test, are refused', () => {
  expect(problemsOfChange({ diff: addFile('a_test.go', ['package adder']) })).toEqual([
    `${CHANGE}: a_test.go belongs into the test`,
  ]);
  expect(problemsOfTest({ diff: addFile('a.go', ['package adder']) })).toEqual([
    `${TEST}: a.go belongs into the change`,
  ]);
});

test('a pattern that is none, and a package that is no path, are refused', () => {
  expect(
    problemsOfTest({ trailers: { 'Fails-With': ['('], 'Test-Package': ['example.com/adder'] } }),
  ).toEqual([
    `${TEST}: trailer Fails-With: not a regular expression: "("`,
    `${TEST}: trailer Test-Package: expected a path like ./pkg/server, got "example.com/adder"`,
  ]);
});

test('a test says how it is run', () => {
  const trailers = {
    'Test-Package': ['./a', './b'],
    'Test-Flags': ['-race -short'],
    'Fails-With': ['a', 'b'],
  };
  expect(testPlan(parsePatchFile(TEST, testMail({ trailers })))).toEqual({
    packages: ['./a', './b'],
    run: '^TestAdd$',
    flags: ['-race', '-short'],
    failsWith: [/a/, /b/],
  });
});
