// Rows that stand for test files, of the vitest project `cluster` unless another one is named.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../tools/binaries.ts';
import { runVitest, type TestOutcome, type VitestOutcome } from '../tools/vitest.ts';
import { holds, notRun, type Row } from './row.ts';
import type { ScenarioContext } from './scenario.ts';

/** A test file, and what of it has to hold besides that every test passes. */
export interface Suite {
  readonly what: string;
  /** From the repository's root. */
  readonly file: string;
  /**
   * A number that the tests of the file hand on with `reportFigure`; the tests' numbers are added
   * up. With `atLeast` the number of passed tests stands in where no test does.
   */
  readonly figure?: { readonly name: string; readonly atLeast?: number; readonly atMost?: number };
}

const PROGRESS_STEP = 100;

/** Runs those that exist, one after the other in one vitest, and makes one row of each. */
export async function runSuites(
  suites: readonly Suite[],
  { directory, signal, say }: ScenarioContext,
  project = 'cluster',
): Promise<Row[]> {
  const existing = suites.filter(({ file }) => existsSync(join(ROOT_DIRECTORY, file)));
  const files = existing.map(({ file }) => file);
  const nothing: VitestOutcome = { tests: [], errors: [] };
  if (files.length > 0) say(`running ${files.join(', ')}`);
  const outcome =
    files.length === 0
      ? nothing
      : await runVitest({
          project,
          files,
          directory,
          signal,
          // A sign of life; each test says itself what it is about when it fails.
          onProgress: (count) => count % PROGRESS_STEP === 0 && say(`${count} tests`),
        });
  signal.throwIfAborted();
  for (const line of failureLines(outcome)) say(line);
  return suites.map((suite) =>
    existing.includes(suite)
      ? suiteRow(suite, outcome)
      : notRun(suite.what, floorOf(suite), `${suite.file} does not exist`),
  );
}

/** The row of one suite out of a run in which it took part. */
export function suiteRow(suite: Suite, { tests, errors }: VitestOutcome): Row {
  const { what, file } = suite;
  const floor = floorOf(suite);
  const own = tests.filter((test) => test.file === file);
  const passed = own.filter(({ status }) => status === 'passed');
  const skipped = own.find(({ status }) => status === 'skipped');
  // An error that names another file is that file's; one that names none is everybody's.
  const error = errors.find((text) => text.startsWith(`${file}:`) || !/^test\/\S+:/.test(text));
  if (error !== undefined) return holds(what, floor, error.split('\n')[0] ?? '', false);
  if (own.length === 0) return notRun(what, floor, 'no test of it was run');
  const count = `${passed.length} of ${own.length} tests`;
  if (own.some(({ status }) => status === 'failed')) return holds(what, floor, count, false);
  if (skipped !== undefined) {
    return notRun(what, floor, /not run: .*(?=\)$)/.exec(skipped.name)?.[0] ?? `only ${count}`);
  }
  return figureRow(suite, passed, count);
}

function figureRow(suite: Suite, passed: readonly TestOutcome[], count: string): Row {
  const { what, figure } = suite;
  const floor = floorOf(suite);
  if (figure === undefined) return holds(what, floor, count, true);
  const { name, atLeast = 0, atMost } = figure;
  const reported = passed.flatMap(({ figures }) => figures[name] ?? []);
  if (reported.length === 0 && atMost !== undefined) {
    return notRun(what, floor, `${count} passed, and none tells "${name}"`);
  }
  const sum = reported.reduce((total, value) => total + value, 0);
  const value = reported.length > 0 ? sum : passed.length;
  const good = value >= atLeast && value <= (atMost ?? Number.POSITIVE_INFINITY);
  return holds(what, floor, `${value} ${name}, ${count}`, good);
}

function floorOf({ figure }: Suite): string {
  if (figure?.atLeast !== undefined) return `>= ${figure.atLeast} ${figure.name}, all pass`;
  if (figure?.atMost !== undefined) return `<= ${figure.atMost} ${figure.name}, all pass`;
  return 'all pass';
}

function failureLines({ tests, errors }: VitestOutcome): string[] {
  const failed = tests
    .filter(({ status }) => status === 'failed')
    .map(({ file, name, messages }) => `FAILED ${file} > ${name}: ${messages.join('\n')}`);
  return [...failed, ...errors.map((text) => `FAILED ${text}`)];
}
