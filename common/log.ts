import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One log line: fields first, then a constant sentence, so that lines can be grouped by it. */
export type LogLine = (fields: object, message: string) => void;

export interface Log {
  readonly trace: LogLine;
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** Whether lines of this level are written: ask before computing costly fields. */
  isLevelEnabled(level: LogLevel): boolean;
  /** A log that adds `fields` to every line. */
  child(fields: object): Log;
}

export interface LogOptions {
  readonly level?: LogLevel;
  /** Where lines go; stderr by default, because stdout belongs to results. */
  readonly stream?: DestinationStream;
}

const STDERR_FILE_DESCRIPTOR = 2;
const BUFFERED_LINES_MAX_BYTES = 1024 * 1024;

/**
 * JSON lines. There is no list of fields to redact, because such a list is always one name short:
 * callers never pass tokens, keys, certificates, header lists or bodies.
 *
 * Writes are asynchronous and what waits is bounded: whoever reads our stderr may stall, and a
 * blocking write would stall every watch with it. Lines beyond the bound are dropped.
 */
export function createLog(options: LogOptions = {}): Log {
  return pino(
    {
      level: options.level ?? 'info',
      // Process id and host name are the business of whatever collects the lines.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // Words instead of pino's numbers, as etcd and klog have them.
      formatters: { level: (label) => ({ level: label }) },
    },
    options.stream ??
      destination({
        dest: STDERR_FILE_DESCRIPTOR,
        sync: false,
        maxLength: BUFFERED_LINES_MAX_BYTES,
      }),
  );
}
