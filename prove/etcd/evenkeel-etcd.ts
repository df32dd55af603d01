// evenkeel-etcd as its users start it, for one question.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';

/** One item of preflight, gate and postcheck. */
export interface CheckedItem {
  readonly id: string;
  readonly outcome: string;
  readonly detail: string;
}

export interface CheckRun {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** Empty when it wrote no result. */
  readonly items: readonly CheckedItem[];
  /** Numbers for a later command. */
  readonly facts: Readonly<Record<string, string | null>>;
  /** What went to stderr. */
  readonly said: string;
}

const LIMIT_MS = 180_000;

/** Resolves however it ends; rejects when `signal` ends it. */
export function runCheck(args: readonly string[], signal: AbortSignal): Promise<CheckRun> {
  const main = join(ROOT_DIRECTORY, 'etcd-tools', 'main.ts');
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [main, ...args, '-o', 'json'],
      { signal, timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => {
        if (signal.aborted) return reject(signal.reason);
        const { items = [], facts = {} } = stdout === '' ? {} : JSON.parse(stdout);
        resolve({ exitCode: child.exitCode, items, facts, said: stderr });
      },
    );
  });
}

/** The items that failed, `first` before the others; what was said where there are none. */
export function reasonOf({ items, said }: CheckRun, first?: string): string {
  const failed = items.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown');
  if (failed.length === 0) return said.trim().split('\n').at(-1) ?? '';
  return failed
    .sort((a, b) => Number(b.id === first) - Number(a.id === first))
    .map(({ id, detail }) => `${id}: ${detail}`)
    .join('; ');
}
