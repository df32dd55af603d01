// What people see of a run while it lasts: one line that is redrawn on a terminal, and a line now and
// then anywhere else.
import type { Samples } from './samples.ts';

const PROGRESS_MS = 5000;
const REDRAW_MS = 1000;
const BAR_CELLS = 20;

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  stop(): void;
}

/** @param expectedMs how long the run will take, without set-up */
export function showProgress(
  suite: string,
  {
    samples,
    watchP99Ms,
  }: {
    readonly samples: Pick<Samples, 'requests' | 'failed' | 'p99Ms' | 'measureFromMs'>;
    /** Undefined where nothing is watched, or no event has come. */
    readonly watchP99Ms: () => number | undefined;
  },
  expectedMs: number,
  stderr: Terminal,
): Progress {
  const erase = stderr.isTTY === true ? '\r\x1b[K' : '';
  const startedAtMs = Date.now();
  let before = { requests: 0, atMs: startedAtMs };
  const timer = setInterval(
    () => {
      const atMs = Date.now();
      const { requests, failed } = samples;
      const rate = ((requests - before.requests) * 1000) / (atMs - before.atMs);
      before = { requests, atMs };
      const measuring = samples.measureFromMs !== undefined;
      const p99 = measuring ? `p99 ${samples.p99Ms().toFixed(1)} ms` : 'warm-up';
      const watchMs = watchP99Ms();
      const watch = watchMs === undefined ? '' : `, watch p99 ${watchMs.toFixed(1)} ms`;
      const figures = `${rate.toFixed(1)} requests/s, ${p99}${watch}, ${failed} errors`;
      const took = `${Math.round((atMs - startedAtMs) / 1000)} s`;
      const line = `${suite} ${bar((atMs - startedAtMs) / expectedMs)} ${took}, ${figures}`;
      stderr.write(erase === '' ? `${line}\n` : `${erase}${line}`);
    },
    erase === '' ? PROGRESS_MS : REDRAW_MS,
  );
  return {
    say: (line) => void stderr.write(`${erase}${line}\n`),
    stop: () => {
      clearInterval(timer);
      stderr.write(erase);
    },
  };
}

function bar(share: number): string {
  const full = Math.min(BAR_CELLS, Math.floor(share * BAR_CELLS));
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}]`;
}
