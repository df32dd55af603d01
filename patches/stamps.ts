// A stamp says what a patch was verified with. Equal stamp: verifying again would show the same.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Base, baseFolder, type Patch, withDependencies } from './patch-set.ts';

// Raised when what is done to prove a patch changes, so that none stays verified by less.
const PROOF_VERSION = 1;

/** One thing to be verified: a patch, or all of a folder together. */
export interface Work {
  readonly base: Base;
  /** As in `kube-apiserver/v0.34.4/0003-verb`, or `.../series`. */
  readonly title: string;
  /** What is applied, in order. */
  readonly patches: readonly Patch[];
  /** Undefined for all of a folder together. */
  readonly patch?: Patch;
}

/** One piece of work for each patch, and one for each folder with several. */
export function planWork(bases: readonly Base[], patches: readonly Patch[]): Work[] {
  return bases.flatMap((base) => {
    const own = patches.filter((patch) => patch.base === base);
    const folder = baseFolder(base);
    const works: Work[] = own.map((patch) => ({
      base,
      title: `${folder}/${patch.name}`,
      patches: withDependencies(patch, own),
      patch,
    }));
    const series = { base, title: `${folder}/series`, patches: own };
    return own.length > 1 ? [...works, series] : works;
  });
}

/** Hash over the patches' text, the pins and the Go version. */
export function computeWorkStamp({ base, patches }: Work, goVersion: string): string {
  const texts = patches.map(({ change, revert, test }) => [change?.text, revert?.text, test.text]);
  return createHash('sha256')
    .update(JSON.stringify([PROOF_VERSION, goVersion, base, texts]))
    .digest('hex');
}

/** What was seen when this stamp was set, or undefined when another one or none is. */
export async function readStamp(
  directory: string,
  { title }: Work,
  stamp: string,
): Promise<string | undefined> {
  const text = await readFile(join(directory, title), 'utf8').catch(() => '');
  const [found, note] = text.split('\n');
  return found === stamp ? note : undefined;
}

export async function writeStamp(
  directory: string,
  { title }: Work,
  stamp: string,
  note: string,
): Promise<void> {
  const path = join(directory, title);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${stamp}\n${note}\n`);
}
