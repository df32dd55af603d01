// Tells a person, or a log, that a long piece of work is alive.

const REDRAW_MS = 1000;
// A log wants a sign of life before its reader gives up, not a line every second.
const HEARTBEAT_MS = 15_000;

/** Where progress is written: `process.stderr`, or a list in tests. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Progress of one piece of work. Every instance must be finished, or its timer keeps the process. */
export interface Progress {
  /** Replaces the remark that is shown beside the elapsed time. */
  note(remark: string): void;
  /** Stops the timer and writes the closing line; elapsed time is added to it. */
  finish(outcome: string): void;
}

/** On a terminal one line is redrawn every second; elsewhere a line is written every 15 seconds. */
export function startProgress(
  label: string,
  output: ProgressOutput,
  now: () => number = Date.now,
  doing = 'building',
): Progress {
  const startedAt = now();
  const elapsed = () => `${Math.round((now() - startedAt) / 1000)} s`;
  let remark = '';
  const show = (): void => {
    const line = `${label}: ${doing}, ${[elapsed(), remark].filter(Boolean).join(', ')}`;
    output.write(output.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
  if (output.isTTY) show();
  const timer = setInterval(show, output.isTTY ? REDRAW_MS : HEARTBEAT_MS);
  return {
    note(text) {
      remark = text;
    },
    finish(outcome) {
      clearInterval(timer);
      output.write(`${output.isTTY ? '\r\x1b[K' : ''}${label}: ${outcome} in ${elapsed()}\n`);
    },
  };
}
