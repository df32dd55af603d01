// What processes have used, from /proc (proc(5)). Linux only.
import { readdirSync, readFileSync } from 'node:fs';

// USER_HZ, which is 100 on every architecture that Linux shows to programs.
const TICKS_PER_SECOND = 100;
const USER_TIME_FIELD = 14;
const SYSTEM_TIME_FIELD = 15;
const CHILDREN_USER_TIME_FIELD = 16;
const CHILDREN_SYSTEM_TIME_FIELD = 17;
const PAGE_BYTES = 4096;

/** Processor time that a process has used, all threads together, in seconds. */
export function readProcessSeconds(pid: number): number {
  return parseProcessSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Reads the text of /proc/PID/stat: utime + stime. */
export function parseProcessSeconds(stat: string): number {
  return sumOfFields(stat, [USER_TIME_FIELD, SYSTEM_TIME_FIELD]);
}

/**
 * Of a process and all that it has started: those that run, and those that have ended. Exact to
 * microseconds for threads that run, which /proc/PID/stat is only to hundredths of a second: too
 * coarse for a second of watch events. Threads that have ended are missing.
 */
export function readTreeSeconds(pid: number): number {
  return processTree(pid).reduce((total, member) => {
    const stat = readFileSync(`/proc/${member}/stat`, 'utf8');
    const ended = sumOfFields(stat, [CHILDREN_USER_TIME_FIELD, CHILDREN_SYSTEM_TIME_FIELD]);
    return total + ended + (readThreadSeconds(member) ?? parseProcessSeconds(stat));
  }, 0);
}

/** Undefined where the kernel does not keep it (CONFIG_SCHED_INFO). */
function readThreadSeconds(pid: number): number | undefined {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [onProcessor] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(
        ' ',
      );
      nanoseconds += Number(onProcessor);
    } catch {
      return undefined; // Or it has just ended, and the coarse figure has to do.
    }
  }
  return nanoseconds / 1e9;
}

/**
 * Resident memory of a process and all that it has started. What they share is counted for each,
 * so only differences mean something.
 */
export function readTreeResidentBytes(pid: number): number {
  return processTree(pid).reduce((total, member) => {
    const [, resident = ''] = readFileSync(`/proc/${member}/statm`, 'utf8').split(' ');
    return total + Number(resident) * PAGE_BYTES;
  }, 0);
}

function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
}

function sumOfFields(stat: string, numbers: readonly number[]): number {
  // The second field is the command in brackets, and may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = numbers.reduce((total, number) => total + Number(fields[number - 3]), 0);
  return ticks / TICKS_PER_SECOND;
}
