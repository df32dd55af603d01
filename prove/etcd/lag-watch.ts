// `evenkeel-etcd lag --watch` as its users start it: a process of its own that looks at a cluster,
// and all the rounds that it has told.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import type { Child } from '../../tools/child.ts';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { type LagRound, parseLagRound } from './lag-round.ts';

export interface LagWatchOptions {
  /** From the beginning of one round to the beginning of the next. */
  readonly intervalMs: number;
  /** Further flags, such as those of a user. */
  readonly flags?: readonly string[];
}

const PROGRAM = join(ROOT_DIRECTORY, 'etcd-tools', 'main.ts');
const NEXT_LIMIT_MS = 60_000;

/** Ends with the cluster, if it has not been stopped before. */
export class LagWatch {
  /** Of all processes together. */
  readonly rounds: LagRound[] = [];
  readonly #cluster: EtcdCluster;
  readonly #options: LagWatchOptions;
  #child: Child;
  #news = Promise.withResolvers<void>();
  #stopped = false;

  /** Looks at all members that the cluster has now. */
  constructor(cluster: EtcdCluster, options: LagWatchOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#child = this.#start();
  }

  /** A new process, which looks at all members that there are now and knows nothing of before. */
  async restart(): Promise<void> {
    await this.#child.terminate();
    this.#child = this.#start();
  }

  /**
   * The first round that `wanted` accepts, of those since `from` (an index of `rounds`; from now on
   * by default). Undefined after `limitMs`; rejects when `signal` is aborted or the process is gone.
   */
  async find(
    wanted: (round: LagRound) => boolean,
    options: { readonly limitMs: number; readonly signal: AbortSignal; readonly from?: number },
  ): Promise<LagRound | undefined> {
    const limit = AbortSignal.timeout(options.limitMs);
    for (let at = options.from ?? this.rounds.length; ; at += 1) {
      if (!(await this.#arrives(at, limit, options.signal))) return undefined;
      const round = this.rounds[at];
      if (round !== undefined && wanted(round)) return round;
    }
  }

  /** Resolves with `count` more rounds. */
  async next(count: number, signal: AbortSignal): Promise<readonly LagRound[]> {
    const from = this.rounds.length;
    const all = (): boolean => this.rounds.length >= from + count;
    const last = await this.find(all, { limitMs: NEXT_LIMIT_MS, signal });
    if (last === undefined) throw new Error(`lag --watch: no ${count} rounds in a minute`);
    return this.rounds.slice(from, from + count);
  }

  /** As by SIGTERM; resolves when the process is gone. May be called twice. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#child.terminate();
  }

  /** False when `limit` was aborted before there was this round. */
  async #arrives(at: number, limit: AbortSignal, signal: AbortSignal): Promise<boolean> {
    const given = Promise.withResolvers<void>();
    const giveUp = (): void => given.resolve();
    const either = AbortSignal.any([limit, signal]);
    either.addEventListener('abort', giveUp);
    try {
      while (at >= this.rounds.length) {
        signal.throwIfAborted();
        if (limit.aborted) return false;
        if (!this.#child.running) throw new Error(`lag --watch has ended: see ${this.#logPath}`);
        await Promise.race([this.#news.promise, this.#child.exited, given.promise]);
      }
      return true;
    } finally {
      either.removeEventListener('abort', giveUp);
    }
  }

  get #logPath(): string {
    return join(this.#cluster.directory, 'log', 'lag.log');
  }

  #start(): Child {
    const { intervalMs, flags = [] } = this.#options;
    const child = this.#cluster.children.start({
      name: 'evenkeel-etcd lag',
      command: process.execPath,
      args: [
        PROGRAM,
        'lag',
        '--watch',
        '--output=json',
        `--endpoints=${this.#cluster.endpoints.join(',')}`,
        `--interval=${intervalMs}ms`,
        ...flags,
      ],
      logPath: this.#logPath,
      interactive: true,
    });
    let document = '';
    createInterface({ input: child.requireStdout() }).on('line', (line) => {
      document += `${line}\n`;
      // One document for each round, over many lines, of which only the last begins with the brace.
      if (line !== '}') return;
      this.rounds.push(parseLagRound(document, performance.now()));
      document = '';
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    });
    return child;
  }
}
