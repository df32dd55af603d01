// Pinned source out of the Go module proxy, and writable copies of it.
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ProgramResult, runProgram } from '../tools/run-program.ts';
import type { Base, Pin } from './patch-set.ts';

/** Thrown where the source cannot be had, which says nothing about any patch. */
export class NoSourceError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'NoSourceError';
  }
}

/** Thrown where the source is there, and is not what was pinned. */
export class WrongSourceError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'WrongSourceError';
  }
}

/** Puts the source of `base` into `directory`, which does not exist yet, so that go can build it. */
export type Unpack = (base: Base, directory: string, signal: AbortSignal) => Promise<void>;

/** One run of `go` or `git` in a copy of a source. */
export interface SourceCommand {
  readonly directory: string;
  readonly command: 'go' | 'git';
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly onLine?: (line: string) => void;
}

/** Runs it without what the copy, or the repository around it, would otherwise change about it. */
export function runInSource(spec: SourceCommand): Promise<ProgramResult> {
  const { directory, command, args, signal, onLine } = spec;
  const variables = [
    // Kubernetes comes with a go.work and a vendor folder, of which the module carries the half.
    'GOWORK=off',
    'GOFLAGS=-mod=mod',
    // What go leaves behind when it is stopped goes away together with the copy.
    `GOTMPDIR=${dirname(directory)}`,
    // A copy lies inside of our repository, and git would take a patch's paths from the root of that.
    `GIT_CEILING_DIRECTORIES=${dirname(directory)}`,
  ];
  return runProgram({
    command: 'nice',
    args: ['-n', '10', 'env', ...variables, command, ...args],
    directory,
    signal,
    ...(onLine === undefined ? {} : { onLine }),
  });
}

/** Unpacks from the Go module proxy, or from go's own cache of it. */
export async function unpackFromProxy(
  base: Base,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  await copyModule(await download(base, parent, signal), directory);
  const staging = base.staging ?? [];
  for (const pin of staging) {
    const target = join(directory, stagingPath(pin.module));
    await rm(target, { recursive: true, force: true });
    await copyModule(await download(pin, parent, signal), target);
  }
  const path = join(directory, 'go.mod');
  const kept = new Set(staging.map(({ module }) => module));
  await writeFile(path, publishStaging(await readFile(path, 'utf8'), base.version, kept));
}

function stagingPath(module: string): string {
  return `staging/src/${module}`;
}

/** Where go has put the module. Throws unless its content is the pinned one. */
async function download(pin: Pin, directory: string, signal: AbortSignal): Promise<string> {
  const query = `${pin.module}@${pin.version}`;
  const args = ['mod', 'download', '-json', query];
  const { lines } = await runProgram({ command: 'go', args, directory, signal });
  const json = lines.join('\n').slice(lines.join('\n').indexOf('{'));
  const said = parseDownload(json) ?? { Error: lines[0] ?? 'go said nothing' };
  if (said.Error !== undefined || said.Dir === undefined) {
    throw new NoSourceError(`${query}: ${said.Error ?? 'go names no folder'}`);
  }
  if (said.Sum !== pin.sum) {
    throw new WrongSourceError(`${query}: upstream.json has ${pin.sum}, the proxy ${said.Sum}`);
  }
  return said.Dir;
}

interface Download {
  readonly Dir?: string;
  readonly Sum?: string;
  readonly Error?: string;
}

function parseDownload(json: string): Download | undefined {
  try {
    return JSON.parse(json) as Download;
  } catch {
    return undefined;
  }
}

/** Copies out of go's cache, in which everything is read-only. */
async function copyModule(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: (path) => path !== join(from, 'vendor') });
  await chmod(to, 0o755);
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

/**
 * Kubernetes' go.mod points its staging modules at ./staging, which the module's archive does not
 * carry, since each is a module of its own: those that are not `kept` are taken as published, where
 * v1.34.4 of Kubernetes has v0.34.4 of them.
 */
export function publishStaging(goMod: string, version: string, kept: ReadonlySet<string>): string {
  const published = version.replace(/^v1\./, 'v0.');
  return goMod.replace(/^(\s*)(\S+) => \.\/staging\/\S+$/gm, (line, indent, module) =>
    kept.has(module) ? line : `${indent}${module} => ${module} ${published}`,
  );
}
