// Real components as child processes that cannot outlive us.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** What to start. */
export interface ChildSpec {
  /** Names it in errors. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Both outputs are appended to this file. */
  readonly logPath: string;
  /** Keeps standard input and output for us, and logs only errors. */
  readonly interactive?: boolean;
}

const SHOWN_LOG_LINES = 20;
// Part of Debian's util-linux. It makes the kernel end the child when we are killed, which is the
// one end that no code of ours can see. Where it is missing, the exit hook has to do.
const SETPRIV = '/usr/bin/setpriv';

/** One running component. Its signals go to that process alone. */
export class Child {
  readonly name: string;
  readonly pid: number;
  /** Null unless the child was started as interactive. */
  readonly stdin: Writable | null;
  readonly #stdout: Readable | null;
  /** Resolves with how, such as `exit code 1`, when the process is gone. Never rejects. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #logPath: string;

  constructor(spec: ChildSpec, process: ChildProcess, pid: number) {
    this.name = spec.name;
    this.pid = pid;
    this.stdin = process.stdin;
    this.#stdout = process.stdout;
    this.#process = process;
    this.#logPath = spec.logPath;
    this.exited = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
    });
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The output of a child that was started as interactive. */
  requireStdout(): Readable {
    if (this.#stdout === null) throw new Error(`${this.name}: was not started as interactive`);
    return this.#stdout;
  }

  /** Stops it between two instructions; its sockets stay open. Resolves when it stands still. */
  async freeze(): Promise<void> {
    this.#process.kill('SIGSTOP');
    // The signal is taken by one thread after the other, and each may answer until it is its turn.
    while (this.running && !threadsStopped(this.pid)) await delay(1);
  }

  thaw(): void {
    this.#process.kill('SIGCONT');
  }

  /** Ends it without a farewell and waits until it is gone. Works on a frozen one too. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to end, as a supervisor does, and waits until it is gone; a frozen one never is. */
  async terminate(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.exited;
  }

  /**
   * Waits for `ready`, which is told to give up when the process is gone. Throws with the end of
   * the log when either fails.
   */
  async untilReady<T>(ready: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    void this.exited.then((how) => {
      controller.abort(new Error(`ended while starting (${how})`));
    });
    try {
      return await ready(controller.signal);
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${this.name}: ${what}. The end of its log:\n${this.#logTail()}`, { cause });
    }
  }

  #logTail(): string {
    return readFileSync(this.#logPath, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-SHOWN_LOG_LINES)
      .join('\n');
  }
}

/** True as well where there is no /proc to ask. */
function threadsStopped(pid: number): boolean {
  const directory = `/proc/${pid}/task`;
  if (!existsSync(directory)) return true;
  return readdirSync(directory).every((thread) => {
    try {
      const stat = readFileSync(`${directory}/${thread}/stat`, 'utf8');
      // The command's name stands in brackets and may hold brackets; the state is behind the last.
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
    } catch {
      return true; // The thread has ended.
    }
  });
}

/** Children that end together: by `stop`, or with our own process. */
export class ChildGroup {
  readonly #children = new Set<Child>();
  readonly #endAll = (): void => {
    for (const child of this.#children) void child.kill();
  };

  constructor() {
    // Runs when our process ends by itself or by an error; only synchronous work is possible there,
    // and sending a signal is.
    process.on('exit', this.#endAll);
  }

  /** Starts a process. It may still fail: see `Child.untilReady`. */
  start(spec: ChildSpec): Child {
    const log = openSync(spec.logPath, 'a');
    try {
      const [command, ...args] = existsSync(SETPRIV)
        ? [SETPRIV, '--pdeathsig', 'KILL', '--', spec.command, ...spec.args]
        : [spec.command, ...spec.args];
      const started = spawn(command, args, {
        stdio: spec.interactive ? ['pipe', 'pipe', log] : ['ignore', log, log],
        // Out of the terminal's process group: Ctrl-C is ours to handle, in our order.
        detached: true,
      });
      if (started.pid === undefined) {
        // The event says no more than this, and nobody listening would end our process.
        started.once('error', () => undefined);
        throw new Error(`${spec.name}: cannot start ${command}`);
      }
      const child = new Child(spec, started, started.pid);
      this.#children.add(child);
      void child.exited.then(() => this.#children.delete(child));
      return child;
    } finally {
      closeSync(log);
    }
  }

  /** Kills all that still run and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.kill()));
    process.off('exit', this.#endAll);
  }
}
