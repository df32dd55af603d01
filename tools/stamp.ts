// A stamp says what a program was built from. Equal stamp: building again would give the same.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildArguments, type Component } from './components.ts';

/** What goes into a stamp besides the component itself. */
export interface StampInput {
  /** The output of `go version`: version, system and processor. */
  readonly goVersion: string;
  /** Text of each file that the build reads from the module's folder, by path within it. */
  readonly files: ReadonlyMap<string, string>;
}

/** Hash over version, flags, Go version and the module's own files. */
export function computeStamp(component: Component, { goVersion, files }: StampInput): string {
  const hash = createHash('sha256');
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  // JSON keeps neighbours apart: without it, moving a byte from one text to the next goes unseen.
  const parts = [component.version, goVersion, buildArguments(component, component.name), sorted];
  return hash.update(JSON.stringify(parts)).digest('hex');
}

/** The files of a module that can change what is built: go.mod, go.sum and Go sources. */
export async function readModuleFiles(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of await readdir(directory, { recursive: true })) {
    if (!/(^|\/)go\.(mod|sum)$|\.go$/.test(name) || name.endsWith('_test.go')) continue;
    files.set(name, await readFile(join(directory, name), 'utf8'));
  }
  return files;
}
