// evenkeel-etcd as its users start it: a process of its own, with its two outputs apart.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT_DIRECTORY } from '../../../tools/binaries.ts';

export interface CommandRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run that may be sent a signal. */
export interface RunningCommand {
  readonly ended: Promise<CommandRun>;
  kill(signal: NodeJS.Signals): void;
}

const LIMIT_MS = 60_000;

export function startCommand(args: readonly string[]): RunningCommand {
  const main = join(ROOT_DIRECTORY, 'etcd-tools', 'main.ts');
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    ended: once(child, 'close').then(() => ({ exitCode: child.exitCode, stdout, stderr })),
    kill: (signal) => void child.kill(signal),
  };
}

export function runCommand(args: readonly string[]): Promise<CommandRun> {
  return startCommand(args).ended;
}

/** The same question in all three formats at once; each must be well-formed. */
export async function inAllFormats(args: readonly string[]) {
  const [table, json, prometheus] = await Promise.all([
    runCommand([...args, '-o', 'table']),
    runCommand([...args, '-o', 'json']),
    runCommand([...args, '-o', 'prometheus']),
  ]);
  const runs = [table, json, prometheus];
  for (const { stderr } of runs) expect(stderr).not.toContain('error:');
  for (const line of prometheus.stdout.split('\n').filter(Boolean)) {
    expect(line).toMatch(
      /^(# (HELP|TYPE) evenkeel_etcd_\w+ .+|evenkeel_etcd_\w+(\{.*\})? [\d.e+-]+)$/,
    );
  }
  return {
    codes: runs.map(({ exitCode }) => exitCode),
    table: table.stdout,
    json: JSON.parse(json.stdout),
    prometheus: prometheus.stdout,
  };
}

/** Ids of the items with this outcome in the JSON of preflight, gate or postcheck. */
export function outcomes(
  { items }: { readonly items: readonly { readonly id: string; readonly outcome: string }[] },
  outcome: string,
): string[] {
  return items.filter((item) => item.outcome === outcome).map(({ id }) => id);
}
