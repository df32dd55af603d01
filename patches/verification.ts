// The proof of one patch on one source: its test fails without the change, for the reason that it
// states, and passes with it, and nothing else in the packages breaks.
import { dirname } from 'node:path';
import { Refusal, runTests, runVet, type TestRun, type Workplace } from './go-checks.ts';
import { type PatchFile, type TestPlan, testPlan } from './patch-file.ts';
import type { Base, Patch } from './patch-set.ts';
import type { Proof } from './stamps.ts';
import { WorkingCopy } from './working-copy.ts';

/** How far one patch, or all of a folder together, was proven. */
export interface Outcome {
  readonly verdict: 'verified' | 'refused' | 'not run';
  /** What was seen, or why it was refused or not run. */
  readonly note: string;
}

const SHOWN_LINES = 12;
const TRIES_OF_OTHER_TESTS = 3;

/** Proves `patch` on top of those that it depends on. */
export async function verifyPatch(
  patch: Patch,
  dependencies: readonly Patch[],
  workplace: Workplace,
  proof: Proof,
): Promise<Outcome> {
  const copy = new WorkingCopy(workplace.directory, workplace.signal);
  return conclude(copy, async () => {
    for (const { change, test } of dependencies) {
      await applyOrRefuse(copy, change);
      await applyOrRefuse(copy, test);
    }
    return patch.revert === undefined
      ? proveChange(patch, copy, workplace, proof)
      : proveTestAlone(patch, copy, workplace, proof);
  });
}

/** Proves that all patches of a folder hold together, applied in the order of their names. */
export async function verifySeries(
  patches: readonly Patch[],
  workplace: Workplace,
): Promise<Outcome> {
  const copy = new WorkingCopy(workplace.directory, workplace.signal);
  return conclude(copy, async () => {
    for (const { change, test } of patches) {
      await applyOrRefuse(copy, change);
      await applyOrRefuse(copy, test);
    }
    const packages = patches.flatMap(packagesOf);
    const base = patches[0]?.base;
    const seconds = await proveWhole([...new Set(packages)], base, copy, workplace);
    return `apply in order; ${seconds}`;
  });
}

async function conclude(copy: WorkingCopy, prove: () => Promise<string>): Promise<Outcome> {
  try {
    return { verdict: 'verified', note: await prove() };
  } catch (error) {
    if (error instanceof Refusal) return { verdict: error.verdict, note: error.message };
    throw error;
  } finally {
    await copy.reset();
  }
}

async function proveChange(
  patch: Patch,
  copy: WorkingCopy,
  workplace: Workplace,
  proof: Proof,
): Promise<string> {
  // Quickly told, and otherwise only known when the test has failed.
  const complaint = patch.change && (await copy.check(patch.change));
  if (complaint !== undefined) throw doesNotApply(patch.change, complaint);
  await applyOrRefuse(copy, patch.test);
  const without = await proveFailure(patch, workplace);
  await applyOrRefuse(copy, patch.change);
  const passing = await provePass(patch, workplace);
  const own = `fails without ${without}, passes with ${passing}`;
  if (proof === 'quick') return own;
  return `${own}, ${await proveWhole(packagesOf(patch), patch.base, copy, workplace)}`;
}

async function proveTestAlone(
  patch: Patch,
  copy: WorkingCopy,
  workplace: Workplace,
  proof: Proof,
): Promise<string> {
  await applyOrRefuse(copy, patch.test);
  const passing = await provePass(patch, workplace);
  await applyOrRefuse(copy, patch.revert);
  const reverted = await proveFailure(patch, workplace);
  const own = `passes ${passing}, fails when reverted ${reverted}`;
  if (proof === 'quick') return own;
  await copy.reset();
  await applyOrRefuse(copy, patch.test);
  return `${own}, ${await proveWhole(packagesOf(patch), patch.base, copy, workplace)}`;
}

async function applyOrRefuse(copy: WorkingCopy, patch: PatchFile | undefined): Promise<void> {
  if (patch === undefined) return;
  const complaint = await copy.apply(patch);
  if (complaint !== undefined) throw doesNotApply(patch, complaint);
}

function doesNotApply(patch: PatchFile | undefined, complaint: string): Refusal {
  return new Refusal(`${patch?.path} does not apply: ${complaint}`);
}

async function proveFailure(patch: Patch, workplace: Workplace): Promise<string> {
  workplace.onStep?.(patch.revert === undefined ? 'test without the change' : 'test, reverted');
  const plan = testPlan(patch.test);
  const run = await runTests(plan, plan.failsWith, workplace);
  if (run.passed) {
    const state = patch.revert === undefined ? 'without the change' : 'with the fix reverted';
    throw new Refusal(`the test passes ${state}`);
  }
  const [unmatched] = run.unmatched;
  if (unmatched !== undefined) {
    throw new Refusal(
      `the test fails, but nothing that it says matches "${unmatched.source}":${tail(run.lines)}`,
    );
  }
  return formatSeconds(run.seconds);
}

async function provePass(patch: Patch, workplace: Workplace): Promise<string> {
  workplace.onStep?.('test with the change');
  const run = await runTests(testPlan(patch.test), [], workplace);
  if (!run.passed) throw new Refusal(`the test fails with the change:${tail(run.lines)}`);
  // A pattern of `-run` with a typing error in it makes go test nothing, and call that a pass.
  if (!run.lines.some((line) => /^\s*--- PASS: /.test(line))) {
    throw new Refusal(`no test matches Test-Run "${testPlan(patch.test).run}"`);
  }
  return formatSeconds(run.seconds);
}

/** All tests of the packages, and vet. */
async function proveWhole(
  packages: readonly string[],
  base: Base | undefined,
  copy: WorkingCopy,
  workplace: Workplace,
): Promise<string> {
  workplace.onStep?.('whole packages');
  const failing = Object.keys(base?.failing ?? {});
  const flags = failing.length === 0 ? [] : ['-skip', `^(${failing.join('|')})$`];
  const run = await runTests({ packages, run: '', flags, failsWith: [] }, [], workplace);
  const flaky = run.passed ? [] : await runFailedAgain(run, { packages, flags }, workplace);
  const vet = await proveVet(packages, copy, workplace);
  const count = packages.length === 1 ? 'whole package' : `${packages.length} whole packages`;
  const again = flaky.length === 0 ? '' : ` (${flaky.join(', ')} at another try)`;
  return `${count} ${formatSeconds(run.seconds)}${again}, ${vet}`;
}

/**
 * Some of Kubernetes' own tests count on a machine that has time for them. One that passes when it
 * is run without the others is named in the report, and one that never does is refused.
 */
async function runFailedAgain(
  { failed, lines }: TestRun,
  { packages, flags }: Pick<TestPlan, 'packages' | 'flags'>,
  workplace: Workplace,
): Promise<readonly string[]> {
  const pattern = `^(${failed.join('|')})$`;
  for (let tries = 0; failed.length > 0 && tries < TRIES_OF_OTHER_TESTS; tries++) {
    const plan = { packages, flags, run: pattern, failsWith: [] };
    if ((await runTests(plan, [], workplace)).passed) return failed;
  }
  throw new Refusal(`other tests of the packages fail:${tail(lines)}`);
}

/** Nothing may be complained of that is not complained of in the source as it is published. */
async function proveVet(
  packages: readonly string[],
  copy: WorkingCopy,
  workplace: Workplace,
): Promise<string> {
  workplace.onStep?.('vet');
  const complaints = await runVet(packages, workplace);
  if (complaints.size === 0) return 'vet clean';
  workplace.onStep?.('vet of the source as published');
  await copy.reset();
  const old = await runVet(packages, workplace);
  const fresh = [...complaints].filter(([key]) => !old.has(key)).map(([, line]) => line);
  if (fresh.length > 0) throw new Refusal(`go vet complains:${tail(fresh)}`);
  return `vet clean but for ${complaints.size} older complaints`;
}

/** The packages of the test, and those of every Go file that the change touches. */
function packagesOf({ test, change, base }: Patch): string[] {
  const touched = [...test.files, ...(change?.files ?? [])]
    .filter((file) => file.endsWith('.go') && !file.includes('/testdata/'))
    .map((file) => packageOf(file, base));
  return [...new Set([...testPlan(test).packages, ...touched])];
}

/** Files of a staging module are in a module of their own, which is named by its path. */
function packageOf(file: string, base: Base): string {
  const folder = dirname(file);
  const staged = (base.staging ?? []).some(({ module }) =>
    folder.startsWith(`staging/src/${module}`),
  );
  return staged ? folder.replace('staging/src/', '') : `./${folder}`;
}

function tail(lines: readonly string[]): string {
  const telling = lines.filter((line) => !/^(=== (RUN|PAUSE|CONT)|\s*--- PASS|ok\s)/.test(line));
  return telling
    .slice(-SHOWN_LINES)
    .map((line) => `\n    ${line}`)
    .join('');
}

function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}
