import { readFileSync } from 'node:fs';

// USER_HZ, which is 100 on every architecture that Linux shows to programs (proc(5)).
const TICKS_PER_SECOND = 100;
const USER_TIME_FIELD = 14;
const SYSTEM_TIME_FIELD = 15;

/** Processor time that a process has used, all threads together, in seconds. Linux only. */
export function readProcessSeconds(pid: number): number {
  return parseProcessSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Reads the text of /proc/PID/stat: utime + stime. */
export function parseProcessSeconds(stat: string): number {
  // The second field is the command in brackets, and may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return (field(USER_TIME_FIELD) + field(SYSTEM_TIME_FIELD)) / TICKS_PER_SECOND;
}
