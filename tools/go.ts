// Runs the `go` command.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What a run of `go` ended with. */
export interface GoResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** Standard error without the names of compiled packages. */
  readonly messages: readonly string[];
}

// Enough for a compiler's or a module download's complaints.
const MAX_MESSAGES = 200;

/** The text of `go version`, or undefined where there is no `go` on PATH. */
export async function goVersion(): Promise<string | undefined> {
  const child = spawn('go', ['version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const chunks: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  try {
    const [exitCode] = await once(child, 'close');
    return exitCode === 0 ? chunks.join('').trim() : undefined;
  } catch {
    // The only error that spawn reports here is that the command cannot be started.
    return undefined;
  }
}

/** One run of `go build`. */
export interface GoBuild {
  /** The module's folder. */
  readonly directory: string;
  readonly args: readonly string[];
  /** Where go makes its own working folder, which it leaves behind when it is stopped. */
  readonly temporaryDirectory: string;
}

/**
 * Runs `go build`. Aborting `signal` ends the compiler's processes too, and
 * the promise still resolves only when all of them are gone.
 */
export async function goBuild(
  { directory, args, temporaryDirectory }: GoBuild,
  signal: AbortSignal,
  onPackage: (count: number) => void,
): Promise<GoResult> {
  // A process group of its own: go runs compilers, and ending go alone would leave them behind.
  const child = spawn('env', [`GOTMPDIR=${temporaryDirectory}`, 'go', ...args], {
    cwd: directory,
    stdio: ['ignore', 'inherit', 'pipe'],
    detached: true,
  });
  const closed = once(child, 'close');
  const { pid } = child;
  const stop = (): void => {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const messages: string[] = [];
  let packages = 0;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (isPackageName(line)) onPackage(++packages);
    else if (messages.length < MAX_MESSAGES) messages.push(line);
  });
  try {
    const [exitCode] = await closed;
    return { exitCode, messages };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** `go build -v` writes the import path of each package that it compiles on a line of its own. */
export function isPackageName(line: string): boolean {
  return /^[\w.~-]+(\/[\w.~-]+)*$/.test(line);
}
