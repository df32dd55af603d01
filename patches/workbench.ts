// Verifies several patches: copies of sources are made once, patches of one source go one after the
// other in its copy, and sources go side by side where there are processors for it.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workplace } from './go-checks.ts';
import type { Base } from './patch-set.ts';
import { NoSourceError, type Unpack, WrongSourceError } from './source.ts';
import { readStamp, type Work, writeStamp } from './stamps.ts';
import { type Outcome, verifyPatch, verifySeries } from './verification.ts';

/** How one piece of work ended. */
export interface Report extends Outcome {
  readonly work: Work;
  readonly tookMs: number;
  /** Verified before, with all the same. */
  readonly cached: boolean;
}

export interface WorkbenchOptions {
  /** Copies and stamps are kept here; copies only as long as it takes. */
  readonly directory: string;
  readonly unpack: Unpack;
  /** The text of `go version`. */
  readonly goVersion: string;
  /** Sources at a time. */
  readonly jobs: number;
  /** Verifies even what was verified before. */
  readonly again: boolean;
  /** Once it says true, nothing more is begun, and the rest is reported as not run. */
  readonly isOver?: () => boolean;
  readonly signal: AbortSignal;
  readonly onStep?: (work: Work, what: string) => void;
  readonly onReport?: (report: Report) => void;
}

/** Resolves with a report for each of `works`, unless it was stopped; then with those so far. */
export async function verifyAll(
  works: readonly Work[],
  options: WorkbenchOptions,
): Promise<Report[]> {
  const bases = [...new Set(works.map(({ base }) => base))];
  const reports: Report[] = [];
  const waiting = bases.map((base) => works.filter((work) => work.base === base));
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (options.signal.aborted) return;
      for await (const report of verifyOnBase(next, options)) {
        reports.push(report);
        options.onReport?.(report);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, worker));
  return reports;
}

/** Pieces of work on one base. Those that were verified before cost no copy of it. */
async function* verifyOnBase(
  works: readonly Work[],
  options: WorkbenchOptions,
): AsyncGenerator<Report> {
  const stale: Work[] = [];
  for (const work of works) {
    const note = options.again
      ? undefined
      : await readStamp(stampsOf(options), work, options.goVersion);
    if (note === undefined) stale.push(work);
    else yield { work, verdict: 'verified', note, tookMs: 0, cached: true };
  }
  if (stale.length > 0) yield* verifyStale(stale, options);
}

function outOfTime(work: Work): Report {
  const note = `no time left for it (npm run patches -- --only ${work.title})`;
  return { work, verdict: 'not run', note, tookMs: 0, cached: false };
}

async function* verifyStale(
  works: readonly Work[],
  options: WorkbenchOptions,
): AsyncGenerator<Report> {
  const base = works[0]?.base;
  if (base === undefined) return;
  if (options.isOver?.()) {
    yield* works.map(outOfTime);
    return;
  }
  // The process id keeps two verifications at the same time apart.
  const name = `work-${process.pid}-${base.component}-${base.version}`;
  const room = join(options.directory, name);
  const source = join(room, 'source');
  try {
    await mkdir(room, { recursive: true });
    const missing = await unpackOrExplain(base, source, options);
    for (const work of works) {
      const report = options.isOver?.()
        ? outOfTime(work)
        : await verifyOne(work, missing, source, options);
      if (report === undefined) return;
      if (report.verdict === 'verified') {
        await writeStamp(stampsOf(options), work, options.goVersion, report.note);
      }
      yield report;
    }
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

function stampsOf({ directory }: WorkbenchOptions): string {
  return join(directory, 'stamps');
}

async function unpackOrExplain(
  base: Base,
  directory: string,
  { unpack, signal }: WorkbenchOptions,
): Promise<Outcome | undefined> {
  try {
    await unpack(base, directory, signal);
    return undefined;
  } catch (error) {
    if (error instanceof NoSourceError) {
      return { verdict: 'not run', note: `no source: ${error.message}` };
    }
    if (error instanceof WrongSourceError) return { verdict: 'refused', note: error.message };
    throw error;
  }
}

/** Undefined when it was stopped. */
async function verifyOne(
  work: Work,
  missing: Outcome | undefined,
  directory: string,
  { signal, onStep }: WorkbenchOptions,
): Promise<Report | undefined> {
  const startedAt = performance.now();
  if (signal.aborted) return undefined;
  const workplace: Workplace = { directory, signal, onStep: (what) => onStep?.(work, what) };
  try {
    const outcome =
      missing ??
      (work.patch === undefined
        ? await verifySeries(work.patches, workplace)
        : await verifyPatch(work.patch, work.patches.slice(0, -1), workplace, work.proof));
    return { ...outcome, work, tookMs: performance.now() - startedAt, cached: false };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
