// Numbers as people read them at a glance: three digits, and a unit that fits.

/** Shown for what is not known. */
export const UNKNOWN = '–';

/** A rate or a count. */
export function numberText(value: number): string {
  if (value > 0 && value < 0.1) return '<0.1';
  if (value < 10) return trimmed(value.toFixed(1));
  if (value < 10_000) return String(Math.round(value));
  return value < 999_500 ? `${digits(value / 1e3)}k` : `${digits(value / 1e6)}M`;
}

export function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return UNKNOWN;
  const ms = seconds * 1000;
  if (ms < 1) return `${trimmed(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  return seconds < 119.5 ? `${digits(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

export function bytesText(bytes: number): string {
  if (bytes < 999.5) return `${Math.round(bytes)} B`;
  if (bytes < 999_500) return `${digits(bytes / 1e3)} kB`;
  return bytes < 999.5e6 ? `${digits(bytes / 1e6)} MB` : `${digits(bytes / 1e9)} GB`;
}

/** In UTC, as log lines have it. */
export function clockText(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

export function percentText(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** How long something has been so; for what need not be exact. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}

export function plural(count: number, one: string, several = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : several}`;
}

function digits(value: number): string {
  return value < 9.95 ? trimmed(value.toFixed(1)) : String(Math.round(value));
}

function trimmed(text: string): string {
  return text.replace(/\.0$/, '');
}
