// Takes the processor away from k6, as a limit of a container does that is far too low.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

// Of 3 s it gets half a second. A stop must be longer than all virtual users together can make good.
const STOPPED_MS = 2500;
const RUNNING_MS = 500;
const LOOK_MS = 100;

/** Until `signal`: every `k6 run` below this process is stopped for most of the time. */
export async function throttleK6(signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted) await throttleOnce(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function throttleOnce(signal: AbortSignal): Promise<void> {
  const stopped = runsOfK6().filter((pid) => send(pid, 'SIGSTOP'));
  try {
    await delay(stopped.length > 0 ? STOPPED_MS : LOOK_MS, undefined, { signal });
  } finally {
    // One that stays stopped could not even be ended by SIGTERM.
    for (const pid of stopped) send(pid, 'SIGCONT');
  }
  if (stopped.length > 0) await delay(RUNNING_MS, undefined, { signal });
}

/** Those among our own descendants: others on this machine run k6, too. */
function runsOfK6(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => /\/k6\0run\0/.test(readProc(pid, 'cmdline')) && isOurs(pid));
}

function isOurs(pid: number): boolean {
  // The second field of stat is the program's name in brackets, which may hold spaces.
  const parent = Number(/^.*\) \S+ (\d+)/s.exec(readProc(pid, 'stat'))?.[1] ?? 0);
  return parent === process.pid || (parent > 1 && isOurs(parent));
}

/** Empty when the process is gone. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
