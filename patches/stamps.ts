// A stamp says what a patch was verified with. Equal stamp: verifying again would show the same.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Base, baseFolder, type Patch, withDependencies } from './patch-set.ts';

// Raised when what is done to prove a patch changes, so that none stays verified by less.
const PROOF_VERSION = 1;

/**
 * How much is done for a patch. `quick` leaves out what is done again for all of a folder together:
 * the other tests of the packages, and vet.
 */
export type Proof = 'quick' | 'whole';

/** One thing to be verified: a patch, or all of a folder together. */
export interface Work {
  readonly base: Base;
  /** As in `kube-apiserver/v0.34.4/0003-verb`, or `.../series`. */
  readonly title: string;
  /** What is applied, in order. */
  readonly patches: readonly Patch[];
  /** Undefined for all of a folder together. */
  readonly patch?: Patch;
  readonly proof: Proof;
}

/**
 * One piece of work for each patch, and one for each folder with several. A patch that is alone in
 * its folder, and all of a folder together, are proven wholly in any case.
 */
export function planWork(
  bases: readonly Base[],
  patches: readonly Patch[],
  proof: Proof = 'whole',
): Work[] {
  return bases.flatMap((base) => {
    const own = patches.filter((patch) => patch.base === base);
    const folder = baseFolder(base);
    const works: Work[] = own.map((patch) => ({
      base,
      title: `${folder}/${patch.name}`,
      patches: withDependencies(patch, own),
      patch,
      proof: own.length > 1 ? proof : 'whole',
    }));
    const series: Work = { base, title: `${folder}/series`, patches: own, proof: 'whole' };
    return own.length > 1 ? [...works, series] : works;
  });
}

/** Hash over the patches' text, the pins, the Go version, and whether it was the quick proof. */
export function computeWorkStamp({ base, patches }: Work, goVersion: string, proof: Proof): string {
  const texts = patches.map(({ change, revert, test }) => [change?.text, revert?.text, test.text]);
  const parts = [PROOF_VERSION, goVersion, base, texts];
  return createHash('sha256')
    .update(JSON.stringify(proof === 'quick' ? [...parts, proof] : parts))
    .digest('hex');
}

/**
 * What was seen when this work was done before with all the same, or undefined when it was not. Who
 * asks for the quick proof has it in a whole one, and never the other way round.
 */
export async function readStamp(
  directory: string,
  work: Work,
  goVersion: string,
): Promise<string | undefined> {
  const text = await readFile(join(directory, work.title), 'utf8').catch(() => '');
  const [found, note] = text.split('\n');
  const enough: readonly Proof[] = work.proof === 'quick' ? ['quick', 'whole'] : ['whole'];
  const stamps = enough.map((proof) => computeWorkStamp(work, goVersion, proof));
  return found !== undefined && stamps.includes(found) ? note : undefined;
}

export async function writeStamp(
  directory: string,
  work: Work,
  goVersion: string,
  note: string,
): Promise<void> {
  const path = join(directory, work.title);
  const stamp = computeWorkStamp(work, goVersion, work.proof);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${stamp}\n${note}\n`);
}
