// What lies under patches/: which change belongs to which test, and to which pinned source.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findContentProblems,
  findHeaderProblems,
  type PatchFile,
  parsePatchFile,
} from './patch-file.ts';

/** A module of the Go module proxy, and what its content has to hash to. */
export interface Pin {
  readonly module: string;
  readonly version: string;
  readonly sum: string;
}

/** The source that the patches of one folder are for. */
export interface Base extends Pin {
  readonly component: string;
  /** Modules that are put where the source's own go.mod expects them, so that they can be changed. */
  readonly staging?: readonly Pin[];
  /** Tests that fail on the source as it is published, each with the reason. */
  readonly failing?: Readonly<Record<string, string>>;
}

/** One change with its test. */
export interface Patch {
  readonly base: Base;
  /** As in `0003-verb`. */
  readonly name: string;
  readonly number: string;
  readonly test: PatchFile;
  /**
   * The change that the test is for; a test-only patch has a revert instead, which takes out of the
   * source what the test guards, so that the test can be seen to fail.
   */
  readonly change?: PatchFile;
  readonly revert?: PatchFile;
  /** Numbers of patches of the same folder that have to be applied first. */
  readonly dependsOn: readonly string[];
}

export interface PatchSet {
  readonly bases: readonly Base[];
  /** Those without problems, in the order in which they are applied. */
  readonly patches: readonly Patch[];
  /** One line each. */
  readonly problems: readonly string[];
}

const NAME = /^((\d{4})-[a-z0-9-]+)\.(test\.|revert\.)?patch$/;

/** The folder of `base` under the folder of patches. */
export function baseFolder({ component, version }: Base): string {
  return `${component}/${version}`;
}

/** Reads upstream.json and all patches under `directory`. */
export async function readPatchSet(directory: string): Promise<PatchSet> {
  const text = await readFile(join(directory, 'upstream.json'), 'utf8');
  const { bases } = JSON.parse(text) as { bases: readonly Base[] };
  const folders = await Promise.all(bases.map((base) => readBase(directory, base)));
  const known = new Set(bases.map(baseFolder));
  const strays = (await listFolders(directory)).filter((folder) => !known.has(folder));
  return {
    bases,
    patches: folders.flatMap(({ patches }) => patches),
    problems: [
      ...strays.map((folder) => `${folder}: upstream.json has no such base`),
      ...folders.flatMap(({ problems }) => problems),
    ],
  };
}

/** Folders that hold patches. */
async function listFolders(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  const folders = names
    .filter((name) => name.endsWith('.patch'))
    .map((name) => name.split('/').slice(0, -1).join('/'));
  return [...new Set(folders)];
}

async function readBase(
  directory: string,
  base: Base,
): Promise<{ patches: Patch[]; problems: string[] }> {
  const folder = baseFolder(base);
  const names = await readdir(join(directory, folder)).catch(() => []);
  const files = new Map<string, PatchFile>();
  for (const name of names.filter((name) => name.endsWith('.patch')).sort()) {
    const path = `${folder}/${name}`;
    files.set(name, parsePatchFile(path, await readFile(join(directory, path), 'utf8')));
  }
  return assemble(base, files);
}

/** Pairs changes with tests. A patch with any problem is left out of `patches`. */
export function assemble(
  base: Base,
  files: ReadonlyMap<string, PatchFile>,
): { patches: Patch[]; problems: string[] } {
  const folder = baseFolder(base);
  const patches: Patch[] = [];
  const problems: string[] = [];
  for (const name of files.keys()) {
    if (!NAME.test(name)) problems.push(`${folder}/${name}: expected NNNN-slug[.test].patch`);
  }
  const stems = new Set([...files.keys()].flatMap((name) => NAME.exec(name)?.[1] ?? []));
  const numbers = new Map<string, string>();
  for (const stem of [...stems].sort()) {
    const number = stem.slice(0, 4);
    const found = assembleOne(base, stem, files);
    const twin = numbers.get(number);
    if (twin !== undefined) found.problems.push(`${folder}/${stem}: ${twin} has the same number`);
    for (const dependency of found.patch?.dependsOn ?? []) {
      if (numbers.has(dependency)) continue;
      found.problems.push(`${folder}/${stem}: depends on ${dependency}, which is not before it`);
    }
    numbers.set(number, stem);
    problems.push(...found.problems);
    if (found.problems.length === 0 && found.patch !== undefined) patches.push(found.patch);
  }
  return { patches, problems };
}

function assembleOne(
  base: Base,
  name: string,
  files: ReadonlyMap<string, PatchFile>,
): { patch?: Patch; problems: string[] } {
  const change = files.get(`${name}.patch`);
  const revert = files.get(`${name}.revert.patch`);
  const test = files.get(`${name}.test.patch`);
  const where = `${baseFolder(base)}/${name}`;
  const problems = [change, revert, test].flatMap((file) =>
    file === undefined
      ? []
      : [...findHeaderProblems(file), ...findContentProblems(file, file === test)],
  );
  if (test === undefined) return { problems: [...problems, `${where}: no ${name}.test.patch`] };
  if ((change === undefined) === (revert === undefined)) {
    problems.push(`${where}: expected either a .patch or, for a test alone, a .revert.patch`);
  }
  const patch: Patch = {
    base,
    name,
    number: name.slice(0, 4),
    test,
    ...(change === undefined ? {} : { change }),
    ...(revert === undefined ? {} : { revert }),
    dependsOn: (change ?? test).trailers.get('Depends-On') ?? [],
  };
  return { patch, problems };
}

/** `patch` and all that it depends on, in the order in which they are applied. */
export function withDependencies(patch: Patch, all: readonly Patch[]): Patch[] {
  const before = patch.dependsOn.flatMap((number) => {
    const found = all.find(
      (other) =>
        other.number === number &&
        other.base.component === patch.base.component &&
        other.base.version === patch.base.version,
    );
    return found === undefined ? [] : withDependencies(found, all);
  });
  return [...new Set([...before, patch])];
}
