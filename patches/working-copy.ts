// A writable copy of a source, to which patches are applied and from which they are taken again.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PatchFile } from './patch-file.ts';
import { runInSource } from './source.ts';

/** A copy in `directory`. One piece of work at a time may use it. */
export class WorkingCopy {
  readonly directory: string;
  readonly #signal: AbortSignal;
  readonly #applied: string[] = [];

  constructor(directory: string, signal: AbortSignal) {
    this.directory = directory;
    this.#signal = signal;
  }

  /** Applies the patch, or resolves with git's complaint and leaves everything as it was. */
  async apply(patch: PatchFile): Promise<string | undefined> {
    // From our own text and not from the file: what was hashed and checked is what is applied.
    const path = join(dirname(this.directory), `${this.#applied.length}-${basename(patch.path)}`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, patch.text);
    // Without --check first, a patch of several files could be applied in part.
    const complaint = (await this.#git(['--check', path])) ?? (await this.#git([path]));
    if (complaint === undefined) this.#applied.push(path);
    else await rm(path, { force: true });
    return complaint;
  }

  /** Git's complaint if the patch cannot be applied as things are. */
  async check(patch: PatchFile): Promise<string | undefined> {
    const complaint = await this.apply(patch);
    if (complaint === undefined) await this.#takeBack();
    return complaint;
  }

  /** Takes back all that was applied. */
  async reset(): Promise<void> {
    while (this.#applied.length > 0) await this.#takeBack();
  }

  /** The one that was applied last. */
  async #takeBack(): Promise<void> {
    const path = this.#applied.at(-1) ?? '';
    const complaint = await this.#git(['-R', path]);
    if (complaint !== undefined) throw new Error(`cannot take back ${path}: ${complaint}`);
    this.#applied.pop();
    await rm(path, { force: true });
  }

  async #git(args: readonly string[]): Promise<string | undefined> {
    const { exitCode, lines } = await runInSource({
      directory: this.directory,
      command: 'git',
      args: ['apply', '--whitespace=nowarn', ...args],
      signal: this.#signal,
    });
    return exitCode === 0 ? undefined : lines.join('; ') || 'git apply failed';
  }
}
