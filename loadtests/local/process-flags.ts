import { readFileSync } from 'node:fs';

/**
 * The flags of a process that can be shown and compared: those with a path or an address say where
 * this run had its files and ports. Empty where there is no /proc.
 */
export function processFlags(pid: number): string {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
  return comparableFlags(line.split('\0'));
}

export function comparableFlags(args: readonly string[]): string {
  return args
    .filter((arg) => arg.startsWith('--') && !/[/\\]|\d+\.\d+\.\d+\.\d+|-port=/.test(arg))
    .join(' ');
}
