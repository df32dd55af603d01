// k6 as a process: its samples come on standard output while it runs, its complaints on the other.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface K6Spec {
  readonly command: string;
  readonly script: string;
  /** All that k6 sees of the environment: it hands everything to the script. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onSample: (line: string) => void;
}

export interface K6Outcome {
  readonly exitCode: number | null;
  /** Of one processor, while it ran. */
  readonly cpuShare: number;
  /** Its last complaint, for an error message. */
  readonly complaint: string;
}

const CPU_POLL_MS = 500;
// USER_HZ, which Linux has kept at 100 on every platform that Node runs on (man 7 time).
const TICKS_PER_SECOND = 100;

/** SIGINT, on abort, lets k6 run the suite's teardown before it ends. */
export async function runK6(spec: K6Spec): Promise<K6Outcome> {
  const startedAtMs = performance.now();
  const args = ['run', '--quiet', '--no-color', '--summary-mode=disabled', '--out=json=-'];
  const child = spawn(spec.command, [...args, spec.script], {
    env: { ...spec.environment, K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C at the terminal reaches k6 through us, once.
    detached: true,
  });
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', spec.onSample);
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaint = line;
  });
  const interrupt = (): void => void child.kill('SIGINT');
  spec.signal.addEventListener('abort', interrupt, { once: true });
  let cpuSeconds = 0;
  const timer = setInterval(() => {
    cpuSeconds = cpuSecondsOf(child.pid) ?? cpuSeconds;
  }, CPU_POLL_MS);
  try {
    if (spec.signal.aborted) interrupt();
    const [exitCode] = (await once(child, 'close')) as [number | null];
    const tookSeconds = (performance.now() - startedAtMs) / 1000;
    return { exitCode, cpuShare: cpuSeconds / tookSeconds, complaint };
  } finally {
    clearInterval(timer);
    spec.signal.removeEventListener('abort', interrupt);
  }
}

/** Undefined when the process is gone. */
function cpuSecondsOf(pid: number | undefined): number | undefined {
  try {
    // The second field is the program's name in brackets, which may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
