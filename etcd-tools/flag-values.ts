// Values of flags that several commands have. Each throws a CommandError that names the flag, its
// value and what is expected.
import { CommandError } from '../common/command.ts';
import { parseDuration } from '../common/duration.ts';
import type { FlagValues } from './command.ts';
import { parseSize } from './size.ts';
import { parseVersion, type Version } from './version.ts';

export function readText(flags: FlagValues, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

export function readVersion(flags: FlagValues, name: string): Version | undefined {
  const text = readText(flags, name);
  return text === undefined ? undefined : toVersion(name, text);
}

export function requireVersion(flags: FlagValues, name: string): Version {
  const found = readVersion(flags, name);
  if (found !== undefined) return found;
  throw new CommandError(`--${name} is missing: a version such as 3.6.14`);
}

/** Separated by commas; empty without the flag. */
export function readVersions(flags: FlagValues, name: string): Version[] {
  const text = readText(flags, name);
  return text === undefined ? [] : text.split(',').map((part) => toVersion(name, part.trim()));
}

function toVersion(name: string, text: string): Version {
  const parsed = parseVersion(text);
  if (parsed !== undefined) return parsed;
  throw new CommandError(`--${name}: expected a version such as 3.6.14, got "${text}"`);
}

export function readDurationMs(flags: FlagValues, name: string, defaultMs: number): number {
  const text = readText(flags, name);
  if (text === undefined) return defaultMs;
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new CommandError(`--${name}: expected a time such as 30s, got "${text}"`);
}

export function readSize(flags: FlagValues, name: string): bigint | undefined {
  const text = readText(flags, name);
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0n) return bytes;
  throw new CommandError(`--${name}: expected a size such as 8GiB, got "${text}"`);
}

/** Not below 0. */
export function readCount(flags: FlagValues, name: string): bigint | undefined {
  const text = readText(flags, name);
  if (text === undefined) return undefined;
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new CommandError(`--${name}: expected a number, got "${text}"`);
}
