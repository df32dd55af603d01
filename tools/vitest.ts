// Runs vitest as a process of its own and reads its JSON report.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT_DIRECTORY } from './binaries.ts';
import { runProgram } from './run-program.ts';

export type TestStatus = 'passed' | 'failed' | 'skipped';

/** One test as it ended. */
export interface TestOutcome {
  /** From the repository's root. */
  readonly file: string;
  readonly name: string;
  readonly status: TestStatus;
  /** Why it failed. */
  readonly messages: readonly string[];
  /** What the test counted or measured: see test/figures.ts. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface VitestOutcome {
  readonly tests: readonly TestOutcome[];
  /**
   * Failures that belong to no test: a file that cannot be loaded, an error outside of tests, no
   * test where some were expected. Each counts as one failed.
   */
  readonly errors: readonly string[];
}

export interface VitestOptions {
  readonly project: string;
  /** Paths from the repository's root; all of the project's by default. */
  readonly files?: readonly string[];
  /** Of our own; the report and all that tests put into the temporary folder go there. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Told how many tests have ended. */
  readonly onProgress?: (count: number) => void;
}

const SHOWN_LINES = 40;

/** Resolves with what happened, also when vitest itself fails. */
export async function runVitest(options: VitestOptions): Promise<VitestOutcome> {
  const { project, files = [], directory, signal, onProgress } = options;
  const reportPath = join(directory, `vitest-${project}.json`);
  const accounts = new FailureAccounts();
  let ended = 0;
  const { exitCode, lines } = await runProgram({
    // Through env, because tests that are killed leave temporary files in there, for us to remove.
    command: 'env',
    args: [
      `TMPDIR=${directory}`,
      process.execPath,
      join(ROOT_DIRECTORY, 'node_modules/.bin/vitest'),
      'run',
      `--project=${project}`,
      '--reporter=verbose',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
      ...files,
    ],
    signal,
    onLine(line) {
      accounts.add(line);
      // The verbose reporter's marks: passed, failed, skipped.
      if (/^\s*[✓×↓]\s/.test(line)) onProgress?.(++ended);
    },
  });
  const said = lines.slice(-SHOWN_LINES).join('\n');
  if (!existsSync(reportPath)) {
    return { tests: [], errors: [`vitest ended with ${exitCode} and without a report:\n${said}`] };
  }
  const outcome = accounts.addTo(
    readVitestReport(readFileSync(reportPath, 'utf8'), ROOT_DIRECTORY),
  );
  const failed = outcome.errors.length > 0 || outcome.tests.some((t) => t.status === 'failed');
  if (exitCode === 0 || failed) return outcome;
  return {
    ...outcome,
    errors: [`vitest ended with ${exitCode} although no test failed:\n${said}`],
  };
}

/**
 * Vitest's account of each failure, as it prints it: with the difference between what was expected
 * and what came, which the report does not have.
 */
export class FailureAccounts {
  readonly #accounts: { readonly title: string; readonly lines: string[] }[] = [];

  /** Takes the next line of the verbose reporter's output, without colours. */
  add(line: string): void {
    const title = /^ *FAIL +(.*)$/.exec(line)?.[1];
    if (title !== undefined) this.#accounts.push({ title, lines: [] });
    // Rules stand between accounts, and the sum behind the last one.
    else if (/^ *Test Files /.test(line)) this.#accounts.push({ title: 'the sum', lines: [] });
    else if (!line.startsWith('⎯')) this.#accounts.at(-1)?.lines.push(line);
  }

  /** Puts the accounts in the place of the report's messages, where there is one. */
  addTo(outcome: VitestOutcome): VitestOutcome {
    const tests = outcome.tests.map((test) => {
      if (test.status !== 'failed') return test;
      const title = `${test.file} > ${test.name}`;
      // In front of it stands the name of the project. One account may be of several tests.
      const index = this.#accounts.findIndex((account) => account.title.endsWith(title));
      const lines = this.#accounts.slice(index).find((account) => account.lines.length > 0)?.lines;
      if (index < 0 || lines === undefined) return test;
      return { ...test, messages: [lines.join('\n').trim()] };
    });
    return { ...outcome, tests };
  }
}

// The part that we read of what vitest writes.
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
      readonly meta?: { readonly figures?: Readonly<Record<string, number>> };
    }[];
  }[];
}

/** Reads the text of a report. `root` is taken off the front of file names. */
export function readVitestReport(text: string, root: string): VitestOutcome {
  const report: Report = JSON.parse(text);
  const tests: TestOutcome[] = [];
  const errors: string[] = [];
  for (const { name, status, message, assertionResults } of report.testResults) {
    const file = relative(root, name);
    const ofFile = assertionResults.map((test) => ({
      file,
      name: test.fullName,
      status: statusOf(test.status),
      messages: test.failureMessages ?? [],
      figures: test.meta?.figures ?? {},
    }));
    tests.push(...ofFile);
    // A hook that fails, or an import: the file has failed, and none of its tests.
    if (status === 'failed' && !ofFile.some((test) => test.status === 'failed')) {
      errors.push(`${file}: ${message || 'failed outside of its tests'}`);
    } else if (ofFile.length === 0) {
      errors.push(`${file}: no test in it`);
    }
  }
  if (report.testResults.length === 0) errors.push('no test was found where some were expected');
  return { tests, errors };
}

/** Everything but passed and failed was not run: skipped, pending, todo, disabled. */
function statusOf(status: string): TestStatus {
  return status === 'passed' || status === 'failed' ? status : 'skipped';
}
