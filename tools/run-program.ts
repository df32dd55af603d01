// Runs a program to its end and keeps what it said: for steps of the test runner, and for others
// that need a result rather than a component that stays.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { ROOT_DIRECTORY } from './binaries.ts';

export interface ProgramSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** The repository's root by default. */
  readonly directory?: string;
  /** Ends the program and everything that it has started in its process group. */
  readonly signal: AbortSignal;
  /** Called with each line of both outputs, without terminal colours. */
  readonly onLine?: (line: string) => void;
}

export interface ProgramResult {
  /** Null when a signal ended it, or when it could not be started. */
  readonly exitCode: number | null;
  /** Both outputs in the order of their arrival; of very long ones, the beginning and the end. */
  readonly lines: readonly string[];
}

// More than a screenful of compiler errors, less than a program that runs wild can fill. What is
// wrong stands at the beginning of a linter's output and at the end of a crash.
const KEPT_LINES_AT_EACH_END = 200;
const TERMINATE_LIMIT_MS = 5000;

/** Resolves when the program is gone, however it ended. Standard input is empty. */
export async function runProgram(spec: ProgramSpec): Promise<ProgramResult> {
  const { command, args, directory = ROOT_DIRECTORY, signal, onLine } = spec;
  const lines: string[] = [];
  const child = spawn(command, args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C is ours to handle, and one signal reaches all of it.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error] = await once(child, 'error');
    return { exitCode: null, lines: [`cannot start ${command}: ${(error as Error).message}`] };
  }
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (raw) => {
      const line = stripVTControlCharacters(raw);
      lines.push(line);
      if (lines.length > 2 * KEPT_LINES_AT_EACH_END) lines.splice(KEPT_LINES_AT_EACH_END, 1);
      onLine?.(line);
    });
  }
  const release = endWith(pid, signal);
  try {
    const [exitCode] = await once(child, 'close');
    return { exitCode, lines };
  } finally {
    release();
  }
}

/** Ends the group when `signal` is aborted, or when our own process ends. */
function endWith(pid: number, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const kill = (): void => signalGroup(pid, 'SIGKILL');
  const terminate = (): void => {
    signalGroup(pid, 'SIGTERM');
    timer = setTimeout(kill, TERMINATE_LIMIT_MS);
  };
  process.on('exit', kill);
  signal.addEventListener('abort', terminate, { once: true });
  if (signal.aborted) terminate();
  return () => {
    clearTimeout(timer);
    process.off('exit', kill);
    signal.removeEventListener('abort', terminate);
    // What outlived the program and holds none of its outputs is not left behind either.
    kill();
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // All of the group have ended already.
  }
}
