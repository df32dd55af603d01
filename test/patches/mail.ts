// Patches for tests, as `git format-patch` writes them, for a module of one small package.

/** The file that the patches of these tests change. */
export const SOURCE = `package adder

func Add(a, b int) int {
	return a - b
}
`;

/** One of the package's own, which holds before and after. */
export const OTHER_TEST = `package adder

import "testing"

func TestAddNothing(t *testing.T) {
	if Add(1, 0) != 1 {
		t.Error("1 and 0 are not 1")
	}
}
`;

const TRAILERS: Readonly<Record<string, readonly string[]>> = {
  Component: ['adder'],
  'Upstream-Issue': ['https://example.com/issues/1'],
  'Upstream-Status': ['not sent'],
  'Verified-On': ['v1.0.0'],
};

const TEST_TRAILERS: Readonly<Record<string, readonly string[]>> = {
  'Test-Package': ['./.'],
  'Test-Run': ['^TestAdd$'],
  'Fails-With': ['expected 3, got -1'],
};

export interface MailParts {
  readonly subject?: string;
  readonly why?: string;
  /** What is said instead; an empty list leaves a trailer out. */
  readonly trailers?: Readonly<Record<string, readonly string[]>>;
  readonly diff?: string;
}

/** A change. By default it makes Add add. */
export function changeMail({ trailers = {}, ...parts }: MailParts = {}): string {
  return mail({
    diff: replaceLine('add.go', 4, '\treturn a - b', '\treturn a + b'),
    ...parts,
    trailers: { ...TRAILERS, ...trailers },
  });
}

/** A test. By default it holds that Add adds. */
export function testMail({ trailers = {}, ...parts }: MailParts = {}): string {
  const lines = [
    'package adder',
    '',
    'import "testing"',
    '',
    'func TestAdd(t *testing.T) {',
    '\tif got := Add(1, 2); got != 3 {',
    '\t\tt.Errorf("expected 3, got %d", got)',
    '\t}',
    '}',
  ];
  return mail({
    diff: addFile('add_test.go', lines),
    ...parts,
    trailers: { ...TRAILERS, ...TEST_TRAILERS, ...trailers },
  });
}

function mail({
  subject = 'adder: add',
  why = 'Whoever adds two numbers gets their difference, which is only the same when the second is zero, and nobody has noticed, since the one test there is adds nothing.',
  trailers = {},
  diff = '',
}: MailParts): string {
  const lines = Object.entries(trailers).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}`),
  );
  return [
    `From ${'0'.repeat(40)} Mon Sep 17 00:00:00 2001`,
    'From: someone <someone@example.com>',
    'Date: Wed, 25 Nov 2026 12:00:00 +0000',
    `Subject: [PATCH] ${subject}`,
    '',
    ...(why === '' ? [] : [why, '']),
    ...lines,
    '---',
    ' 1 file changed',
    '',
    diff,
  ].join('\n');
}

/** The third line of the function, with the lines around it that SOURCE has. */
export function replaceLine(file: string, line: number, before: string, after: string): string {
  return [
    `diff --git a/${file} b/${file}`,
    `--- a/${file}`,
    `+++ b/${file}`,
    `@@ -${line - 1},3 +${line - 1},3 @@`,
    ' func Add(a, b int) int {',
    `-${before}`,
    `+${after}`,
    ' }',
    '',
  ].join('\n');
}

export function addFile(file: string, lines: readonly string[]): string {
  return [
    `diff --git a/${file} b/${file}`,
    'new file mode 100644',
    '--- /dev/null',
    `+++ b/${file}`,
    `@@ -0,0 +1,${lines.length} @@`,
    ...lines.map((line) => `+${line}`),
    '',
  ].join('\n');
}
