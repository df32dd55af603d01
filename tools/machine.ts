// What a figure was measured on and with. A figure without it cannot be compared with another.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT_DIRECTORY } from './binaries.ts';
import { COMPONENTS } from './components.ts';
import { goVersion } from './go.ts';

export interface MachineDescription {
  /** The commit, with `+` when the checkout differs from it; `unknown` outside of git. */
  readonly commit: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** By name: evenkeel, node, go and the real components. */
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<MachineDescription> {
  const processors = cpus();
  const manifest = JSON.parse(readFileSync(join(ROOT_DIRECTORY, 'package.json'), 'utf8'));
  const components = COMPONENTS.map(({ name, version }) => [name, version] as const);
  return {
    commit: await commitName(),
    date: new Date().toISOString(),
    cores: processors.length,
    processor: processors[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    versions: {
      evenkeel: (manifest as { readonly version: string }).version,
      node: process.version,
      go: (await goVersion())?.split(' ')[2] ?? 'none',
      ...Object.fromEntries(components),
    },
  };
}

async function commitName(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: ROOT_DIRECTORY })).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short=12', 'HEAD');
    const changes = await git('status', '--porcelain', '--untracked-files=no');
    return changes === '' ? commit : `${commit}+`;
  } catch {
    return 'unknown'; // An unpacked archive, or no git.
  }
}
