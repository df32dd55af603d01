// The runs of Go that a proof is made of: tests, and vet.
import type { TestPlan } from './patch-file.ts';
import { runInSource } from './source.ts';

/** Where and how to verify. */
export interface Workplace {
  /** A copy of the base as it is published. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Told what is being done. */
  readonly onStep?: (what: string) => void;
}

/** Thrown to end a proof early. */
export class Refusal extends Error {
  readonly verdict: 'refused' | 'not run';

  constructor(message: string, verdict: 'refused' | 'not run' = 'refused') {
    super(message);
    this.name = 'Refusal';
    this.verdict = verdict;
  }
}

/** What was seen of a run of tests. */
export interface TestRun {
  readonly passed: boolean;
  /** Patterns that no line has matched. */
  readonly unmatched: readonly RegExp[];
  readonly lines: readonly string[];
  /** Names of tests, without those of their parts. */
  readonly failed: readonly string[];
  readonly seconds: number;
}

// The race detector is C: without a compiler go says one of these, and nothing has been tested.
const NO_RACE_DETECTOR = /-race (requires cgo|is not supported)|C compiler .* not found/;
// Whole packages of kube-apiserver take up to two minutes, and three times that under load.
const TEST_TIMEOUT = '10m';

/**
 * Lines of complaint by what stays the same of them: the file's name and the message. Lines may have
 * been added further up, and go remembers complaints with the folder in which it first had them.
 */
export async function runVet(
  packages: readonly string[],
  { directory, signal }: Workplace,
): Promise<Map<string, string>> {
  const args = ['vet', '-trimpath', ...packages];
  const { exitCode, lines } = await runInSource({ directory, command: 'go', args, signal });
  signal.throwIfAborted();
  if (exitCode === 0) return new Map();
  const complaints = lines.filter((line) => !line.startsWith('#'));
  // Whatever else made vet fail has to count as well.
  const kept = complaints.length > 0 ? complaints : [`go vet ended with ${exitCode}`];
  return new Map(kept.map((line) => [line.replace(/^(?:.*\/)?([^/]+?):[\d:]+/, '$1:'), line]));
}

/** Runs the tests of `plan`, and looks for `patterns` in what they say. */
export async function runTests(
  { packages, run, flags }: TestPlan,
  patterns: readonly RegExp[],
  { directory, signal }: Workplace,
): Promise<TestRun> {
  const unmatched = new Set(patterns);
  const failed: string[] = [];
  const startedAt = performance.now();
  const selection = run === '' ? [] : ['-v', '-run', run];
  const { exitCode, lines } = await runInSource({
    directory,
    command: 'go',
    // Paths are left out of what is compiled, so that all copies share what they have in common.
    args: [
      // Vet is run by itself, where nothing is left out; here it would look at every dependency too.
      ...['test', '-trimpath', '-vet=off', '-count=1', `-timeout=${TEST_TIMEOUT}`],
      ...[...selection, ...flags, ...packages],
    ],
    signal,
    onLine: (line) => {
      const [, name] = /^--- FAIL: (\w+) /.exec(line) ?? [];
      if (name !== undefined) failed.push(name);
      for (const pattern of unmatched) if (pattern.test(line)) unmatched.delete(pattern);
    },
  });
  signal.throwIfAborted();
  const passed = exitCode === 0;
  const missing = passed ? undefined : lines.find((line) => NO_RACE_DETECTOR.test(line));
  if (missing !== undefined) throw new Refusal(missing.trim(), 'not run');
  const seconds = (performance.now() - startedAt) / 1000;
  return { passed, unmatched: [...unmatched], lines, failed, seconds };
}
