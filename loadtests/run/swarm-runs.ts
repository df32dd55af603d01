// The swarm beside k6: a process for each resource, so that neither k6's samples nor another resource
// make its event loop late. All watch before k6 begins, and all measure when it does.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE } from '../../common/exit-code.ts';
import type { ClusterAccess } from '../kubeconfig.ts';
import type { ResultLine, Validity } from '../result.ts';
import { swarmLine } from './swarm-lines.ts';
import { type SwarmSpec, swarmFlags } from './swarm-plans.ts';

const MAIN = fileURLToPath(new URL('../swarm/main.ts', import.meta.url));

export interface SwarmRunParts {
  readonly access: ClusterAccess;
  /** For files that only we can read. */
  readonly directory: string;
  readonly measureSeconds: number;
  /** Of the run. */
  readonly nowMs: () => number;
}

export interface SwarmOutcome {
  readonly lines: readonly ResultLine[];
  readonly validities: readonly Validity[];
  readonly problems: readonly string[];
}

/** All of a run's. */
export class SwarmRuns {
  readonly #processes: SwarmProcess[] = [];

  /** Resolves when every watcher watches; a CommandError when one process could not get there. */
  async start(
    specs: readonly SwarmSpec[],
    parts: SwarmRunParts,
    signal: AbortSignal,
  ): Promise<void> {
    const flags = specs.length === 0 ? [] : await accessFlags(parts);
    this.#processes.push(...specs.map((spec) => new SwarmProcess(spec, flags, parts)));
    signal.addEventListener('abort', () => this.stop(), { once: true });
    await Promise.all(this.#processes.map((one) => one.watching));
  }

  /** Later calls do nothing. */
  measure(): void {
    for (const one of this.#processes) one.measure();
  }

  /** Of the worst resource in its last second; undefined where nothing was measured yet. */
  p99Ms(): number | undefined {
    const known = this.#processes.flatMap(({ p99Ms }) => p99Ms ?? []);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  /** Measuring ends early; what follows it does not. */
  stop(): void {
    for (const one of this.#processes) one.stop();
  }

  /** Waits until nothing of it is left, here and on the cluster. */
  async end(): Promise<SwarmOutcome> {
    const outcomes = await Promise.all(this.#processes.map((one) => one.end()));
    return {
      lines: outcomes.flatMap(({ lines }) => lines),
      validities: outcomes.flatMap(({ validities }) => validities),
      problems: outcomes.flatMap(({ problems }) => problems),
    };
  }
}

class SwarmProcess {
  readonly #resource: string;
  readonly #nowMs: () => number;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #lines: ResultLine[] = [];
  readonly #watches = Promise.withResolvers<void>();
  #validity: Validity | undefined;
  #offsetMs = 0;
  #told = false;
  #complaint = '';
  p99Ms: number | undefined;

  constructor(spec: SwarmSpec, access: readonly string[], parts: SwarmRunParts) {
    this.#resource = spec.resource;
    this.#nowMs = parts.nowMs;
    const argv = [MAIN, ...access, ...swarmFlags(spec, parts.measureSeconds), '--hold'];
    // As k6: of the terminal's Ctrl-C only we hear, and pass it on once.
    const child = spawn(process.execPath, argv, { env: {}, detached: true });
    this.#child = child;
    this.#closed = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#complaint = line;
    });
    // It may be gone when it is told something: its end says so.
    child.stdin.on('error', () => undefined);
    child.on('close', (code) => {
      this.#watches.reject(
        new CommandError(`the swarm of ${spec.resource} ended with ${code}: ${this.#complaint}`, {
          exitCode: EXIT_CODE.failure,
        }),
      );
    });
  }

  get watching(): Promise<void> {
    return this.#watches.promise;
  }

  measure(): void {
    if (this.#told) return;
    this.#told = true;
    this.#child.stdin?.write('\n');
  }

  stop(): void {
    this.#child.kill('SIGINT');
  }

  async end(): Promise<SwarmOutcome> {
    await this.#closed;
    const { exitCode } = this.#child;
    const validity = this.#validity;
    if (exitCode === 0 && validity !== undefined) {
      const problems = validity.problems.map((problem) => `${this.#resource}: ${problem}`);
      return { lines: this.#lines, validities: [{ ...validity, problems }], problems: [] };
    }
    const problem = `the swarm of ${this.#resource} ended with ${exitCode}: ${this.#complaint}`;
    return { lines: this.#lines, validities: [], problems: [problem] };
  }

  #take(text: string): void {
    const line = JSON.parse(text) as ResultLine;
    if (line.type === 'phase' && line.name === 'warmup') {
      this.#offsetMs = this.#nowMs() - line.atMs;
      this.#watches.resolve();
    }
    if (line.type === 'end') this.#validity = line.validity;
    if (line.type === 'window' && line.count > 0) this.p99Ms = line.p99Ms;
    const kept = swarmLine(line, this.#resource, this.#offsetMs);
    if (kept !== undefined) this.#lines.push(kept);
  }
}

/** Tokens and keys are files: a command line can be read by everybody on the machine. */
async function accessFlags({ access, directory }: SwarmRunParts): Promise<string[]> {
  const flags = ['--server', access.server];
  const add = async (flag: string, content: string | undefined): Promise<void> => {
    if (content === undefined) return;
    const file = join(directory, `swarm-${flag}`);
    await writeFile(file, content, { mode: 0o600 });
    flags.push(`--${flag}`, file);
  };
  await add('ca', access.caPem);
  await add('token-file', access.token);
  await add('cert', access.certificate?.certPem);
  await add('key', access.certificate?.keyPem);
  return flags;
}
