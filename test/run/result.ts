// What a step of `npm test` ended with, and the table and the sum that are made of it. Pure.
import { formatTable } from '../../tools/text-table.ts';
import type { VitestOutcome } from '../../tools/vitest.ts';

export interface Failure {
  /** The test, the file or the check. */
  readonly name: string;
  readonly message: string;
}

export interface StepResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly tookMs: number;
  /** Why something was not run, or what else is worth a line. */
  readonly note: string;
  readonly failures: readonly Failure[];
}

type Timed = Pick<StepResult, 'name' | 'tookMs'>;

/** A check that passes or fails as a whole counts as one. */
export function checkResult(
  step: Timed,
  { exitCode, lines }: { exitCode: number | null; lines: readonly string[] },
): StepResult {
  const ok = exitCode === 0;
  const message = lines.join('\n').trim();
  return {
    ...step,
    passed: ok ? 1 : 0,
    failed: ok ? 0 : 1,
    skipped: 0,
    note: '',
    failures: ok ? [] : [{ name: `${step.name} (exit code ${exitCode})`, message }],
  };
}

/**
 * A step of which nothing could run. It counts as one skipped, whatever it would have held, so that
 * the sum never reads as if all had been run.
 */
export function notRunResult(step: Timed, reason: string): StepResult {
  return { ...step, passed: 0, failed: 0, skipped: 1, note: `not run: ${reason}`, failures: [] };
}

/** What `npm run patches` says in its last line counts, and its lines say what was refused. */
export function patchesResult(
  step: Timed,
  { exitCode, lines }: { exitCode: number | null; lines: readonly string[] },
): StepResult {
  const last = lines.at(-1) ?? '';
  const sums = /^patches: (\d+) verified, (\d+) refused, (\d+) not run/.exec(last);
  if (sums === null)
    return checkResult(step, { exitCode: exitCode === 0 ? null : exitCode, lines });
  const [verified = 0, refused = 0, notRun = 0] = sums.slice(1).map(Number);
  const reasons = lines.filter((line) => line.startsWith('not run'));
  const failures = lines
    .filter((line) => line.startsWith('REFUSED'))
    .map((message) => ({ name: step.name, message }));
  return {
    ...step,
    passed: verified,
    failed: refused,
    skipped: notRun,
    note: notRun === 0 ? '' : `not run: ${reasons.at(0)?.replace(/^.*: /, '') ?? ''}`,
    failures,
  };
}

/** The tests of one vitest project. */
export function vitestResult(step: Timed, { tests, errors }: VitestOutcome): StepResult {
  const count = (status: string): number => tests.filter((test) => test.status === status).length;
  const skipped = count('skipped');
  const ran = tests.length - skipped;
  const failures = [
    ...tests
      .filter((test) => test.status === 'failed')
      .map(({ file, name, messages }) => ({
        name: `${file} > ${name}`,
        message: messages.join('\n'),
      })),
    ...errors.map((message) => ({ name: step.name, message })),
  ];
  const result = {
    ...step,
    passed: count('passed'),
    failed: failures.length,
    skipped,
    note: skippedNote(tests),
    failures,
  };
  if (ran > 0 || failures.length > 0) return result;
  return { ...result, note: `not run: ${result.note || 'every test was skipped'}` };
}

/** Tests that cannot run on a machine say why in their names: `… (not run: no kubectl in …)`. */
function skippedNote(tests: VitestOutcome['tests']): string {
  const skipped = tests.filter((test) => test.status === 'skipped');
  const reasons = new Set(
    skipped.map(({ name }) => /\(not run: (.*)\)$/.exec(name)?.[1] ?? `skipped: ${name}`),
  );
  return [...reasons].join('; ');
}

/** One row for each step. */
export function closingTable(results: readonly StepResult[]): string[] {
  const titles = ['ran', 'passed', 'failed', 'not run', 'time'];
  return formatTable(
    [
      { title: 'step' },
      ...titles.map((title) => ({ title, align: 'right' as const })),
      { title: 'why' },
    ],
    results.map(({ name, passed, failed, skipped, tookMs, note }) => [
      name,
      `${passed + failed}`,
      `${passed}`,
      `${failed}`,
      `${skipped}`,
      formatSeconds(tookMs),
      note,
    ]),
  );
}

/** The last line of a run. */
export function sumLine(results: readonly StepResult[]): string {
  const sum = (part: 'passed' | 'failed' | 'skipped'): number =>
    results.reduce((total, result) => total + result[part], 0);
  return `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`;
}

// The first lines say what is wrong; a linter's full account of one file can be a thousand more.
const MAX_MESSAGE_LINES = 50;
/** Of a stack: where vitest calls the test is the same each time. */
const FOREIGN_FRAME = /^\s+(at|❯) .*(node_modules|new Promise \(<anonymous>\))/;

/** What is shown of a step's failures as soon as it has ended. */
export function failureLines({ failures }: StepResult): string[] {
  return failures.flatMap(({ name, message }) => {
    const lines = message.split('\n').filter((line) => !FOREIGN_FRAME.test(line));
    const shown = lines.slice(0, MAX_MESSAGE_LINES).map((line) => `    ${line}`);
    const left = lines.length - shown.length;
    return [`  FAILED ${name}`, ...shown, ...(left > 0 ? [`    … and ${left} more lines`] : [])];
  });
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
