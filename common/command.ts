import { inspect } from 'node:util';
import { EXIT_CODE, type ExitCode } from './exit-code.ts';

/**
 * An error that the person at the terminal can mend: its message is printed alone and the program
 * ends with `exitCode`.
 */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CommandError';
    this.exitCode = options.exitCode ?? EXIT_CODE.usage;
  }
}

/** Returns the exit code. `signal` is aborted by SIGINT and SIGTERM, with the name as reason. */
export type Main = (argv: readonly string[], signal: AbortSignal) => Promise<ExitCode>;

/** What a command touches of its process; tests pass their own. */
export interface CommandProcess {
  readonly argv: readonly string[];
  readonly stderr: { write(text: string): unknown };
  exitCode?: string | number | null | undefined;
  on(event: NodeJS.Signals, listener: () => void): unknown;
  off(event: NodeJS.Signals, listener: () => void): unknown;
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
/**
 * Under `npm run` Ctrl-C comes twice, once from the terminal and once from npm, and the second one
 * would end us before anything is cleaned up. One that a person sends comes later than this.
 */
const SAME_SIGNAL_MS = 1000;

/**
 * Runs a program's main function and sets the exit code; the process then ends by itself when
 * nothing is open any more. This is the only place that sets it, and nobody calls process.exit,
 * which would cut off log lines and open responses.
 *
 * The first signal aborts; soon after it the listeners go away, so that a second one ends a program
 * that is slow to stop, as people expect of Ctrl-C.
 */
export async function runCommand(main: Main, host: CommandProcess = process): Promise<void> {
  const controller = new AbortController();
  const listeners = STOP_SIGNALS.map((name) => ({
    name,
    listener: (): void => {
      if (controller.signal.aborted) return;
      setTimeout(removeListeners, SAME_SIGNAL_MS).unref();
      controller.abort(name);
    },
  }));
  function removeListeners(): void {
    for (const { name, listener } of listeners) host.off(name, listener);
  }
  for (const { name, listener } of listeners) host.on(name, listener);

  try {
    host.exitCode = await main(host.argv.slice(2), controller.signal);
  } catch (error) {
    host.exitCode = error instanceof CommandError ? error.exitCode : EXIT_CODE.failure;
    host.stderr.write(`${describeError(error, host.argv.includes('--debug'))}\n`);
  } finally {
    removeListeners();
  }
}

/** One line for people; with `debug` also the stack and the causes, for whoever mends the bug. */
function describeError(error: unknown, debug: boolean): string {
  if (debug) return inspect(error);
  const message = error instanceof Error ? error.message : String(error);
  const line = message.replace(/\s*\n\s*/g, ' ');
  if (error instanceof CommandError) return `error: ${line}`;
  return `unexpected error: ${line} (run again with --debug for the stack)`;
}
