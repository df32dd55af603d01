// A program out of a Debian package: for etcd 3.4, which the Go module proxy has no release of
// (its module path never got the /v3 that Go wants), and for Prometheus, whose build takes Node
// packages of its own. The package is unpacked, never installed, so that no user, service or file
// of the system changes.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryPath, missingBinaries, TOOLS_DIRECTORY } from './binaries.ts';
import { type ProgramResult, type ProgramSpec, runProgram } from './run-program.ts';

/** One program that is taken from a package of the distribution into `.tools/bin`. */
export interface DebianProgram {
  /** Its file name in `.tools/bin`. */
  readonly name: string;
  readonly package: string;
  /** Upstream's part of the package's version; without it any will do. */
  readonly version?: string;
  /** Where the package has it. */
  readonly path: string;
}

/** Debian 12 carries this version; later releases carry others, and then it is not available. */
export const DEBIAN_PROGRAMS: readonly DebianProgram[] = [
  { name: 'etcd-3.4.23', package: 'etcd-server', version: '3.4.23', path: 'usr/bin/etcd' },
  // It checks the rules under deploy/, which are for any version.
  { name: 'promtool', package: 'prometheus', path: 'usr/bin/promtool' },
];

/** How `fetchDebianProgram` ended: `unavailable` says why, in words. */
export type DebianOutcome =
  | { readonly kind: 'current' | 'fetched' }
  | { readonly kind: 'unavailable'; readonly why: string };

type Run = (spec: ProgramSpec) => Promise<ProgramResult>;

/** Takes `program` into `.tools/bin` unless it is there. Aborting `signal` leaves nothing behind. */
export async function fetchDebianProgram(
  program: DebianProgram,
  signal: AbortSignal,
  run: Run = runProgram,
): Promise<DebianOutcome> {
  // Where the version counts the name holds it, so a file of that name is never out of date.
  if (missingBinaries([program.name]).length === 0) return { kind: 'current' };
  // In .tools, because only within one file system is a rename atomic.
  const partial = join(TOOLS_DIRECTORY, `partial-${process.pid}-${program.name}`);
  await mkdir(partial, { recursive: true });
  try {
    const why = await unpack(program, { partial, signal, run });
    if (signal.aborted) return { kind: 'unavailable', why: 'stopped' };
    if (why !== undefined) return { kind: 'unavailable', why };
    await rename(join(partial, 'root', program.path), binaryPath(program.name));
    return { kind: 'fetched' };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Why the package cannot be had here, or undefined when it lies unpacked in `partial`/root. */
async function unpack(
  program: DebianProgram,
  { partial, signal, run }: { partial: string; signal: AbortSignal; run: Run },
): Promise<string | undefined> {
  const start = (command: string, ...args: string[]): Promise<ProgramResult> =>
    run({ command, args, directory: partial, signal });
  // apt checks the file against the signed index of the distribution.
  const download = await start('apt-get', 'download', program.package);
  if (download.exitCode !== 0) {
    return `apt-get download ${program.package}: ${lastLine(download)}`;
  }
  const file = (await readdir(partial)).find((name) => name.endsWith('.deb'));
  if (file === undefined) return `apt-get download ${program.package}: no file came of it`;
  const shown = await start('dpkg-deb', '--field', file, 'Version');
  const version = shown.lines.at(-1) ?? '';
  if (shown.exitCode !== 0) return `dpkg-deb --field ${file}: ${lastLine(shown)}`;
  if (program.version !== undefined && !version.startsWith(`${program.version}-`)) {
    return `this system's ${program.package} is ${version}, not ${program.version}`;
  }
  const unpacked = await start('dpkg-deb', '--extract', file, 'root');
  return unpacked.exitCode === 0 ? undefined : `dpkg-deb --extract ${file}: ${lastLine(unpacked)}`;
}

function lastLine({ lines, exitCode }: ProgramResult): string {
  return lines.at(-1) ?? `ended with ${exitCode ?? 'a signal'}`;
}
