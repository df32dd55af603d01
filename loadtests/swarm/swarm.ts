// A run of the swarm: watchers, the writer, one sweep for all that has to happen at some time, and at
// the end the comparison of what each watcher has with what is stored.
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../../common/command.ts';
import type { ClusterAccess } from '../kubeconfig.ts';
import type { ResultLine, Validity } from '../result.ts';
import { askSwarm } from './ask.ts';
import { WatchChecker } from './checker.ts';
import { Connections } from './connections.ts';
import type { Encoding } from './event.ts';
import { Figures } from './figures.ts';
import { Marker } from './marker.ts';
import { collectionPath, type SwarmResource } from './resource.ts';
import { Watcher } from './watcher.ts';
import { type Select, Writer } from './writer.ts';

export interface SwarmPlan {
  readonly access: ClusterAccess;
  readonly resource: SwarmResource;
  readonly namespace: string;
  readonly watchers: number;
  readonly connections: number;
  readonly mode: 'list-watch' | 'watch-list';
  readonly encoding: Encoding;
  /** Labels that are selected by, and that the swarm's objects get. */
  readonly labels: Readonly<Record<string, string>>;
  readonly durationMs: number;
  readonly timeoutMs: number;
  readonly writesPerSecond: number;
  readonly objects: number;
  readonly shards: number;
  readonly select: Select;
}

const SWEEP_MS = 20;
const WINDOW_MS = 1000;
const POLL_MS = 50;
/** So many begin at once: the servers are to be watched, and not to be stormed. */
const STARTS_PER_SWEEP = 50;
/** How long the last changes may take to reach everybody. */
const DRAIN_LIMIT_MS = 30_000;
const REACH_LIMIT_MS = 10_000;
const LAG_RESOLUTION_MS = 10;
const LAG_LIMIT_MS = 10;
const OFFERED_TOLERANCE = 0.01;
const CPU_LIMIT_SHARE = 0.8;

export interface SwarmOutput {
  readonly line: (line: ResultLine) => void;
  /** For people, once a second. */
  readonly progress: (text: string) => void;
}

export class Swarm {
  readonly #plan: SwarmPlan;
  readonly #output: SwarmOutput;
  readonly #connections: Connections;
  readonly #checker: WatchChecker;
  readonly #figures: Figures;
  readonly #writer: Writer;
  readonly #watchers: Watcher[];
  readonly #collection: string;
  readonly #wakeAtMs: Float64Array;
  readonly #startedAtMs = performance.now();
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  #begun = 0;
  #rssPeakBytes = 0;

  constructor(plan: SwarmPlan, output: SwarmOutput) {
    this.#plan = plan;
    this.#output = output;
    const { watchers, objects, shards, resource, namespace, labels, select } = plan;
    const runId = randomBytes(4).toString('hex');
    this.#connections = new Connections(plan.access);
    this.#checker = new WatchChecker({ watchers, objects, shards });
    const figures = new Figures(resource.plural, watchers);
    this.#figures = figures;
    this.#collection = collectionPath(resource, namespace);
    this.#wakeAtMs = new Float64Array(watchers).fill(Number.POSITIVE_INFINITY);
    const shared = {
      connections: this.#connections,
      marker: new Marker(runId),
      collection: this.#collection,
    };
    const failed = (why: string): void => figures.failed(why);
    const connection = plan.connections;
    const own = { connection, resource, runId, objects, shards, labels, select, failed };
    this.#writer = new Writer({ ...shared, ...own });
    const parts = {
      ...shared,
      ...{ checker: this.#checker, figures, wakeAtMs: this.#wakeAtMs, random: Math.random },
      ...{ mode: plan.mode, encoding: plan.encoding, timeoutMs: plan.timeoutMs },
    };
    this.#watchers = Array.from({ length: watchers }, (_, index) => {
      const selector = this.#writer.selector(index % shards);
      return new Watcher(index, index % plan.connections, selector, parts);
    });
  }

  /**
   * Resolves with whether the run counts. Aborting ends the measuring and not what follows it.
   *
   * @param held resolves when measuring is to begin; a line says when everybody watches and waits
   */
  async run(signal: AbortSignal, held?: Promise<unknown>): Promise<Validity> {
    await this.#reach();
    let sweep: NodeJS.Timeout | undefined;
    try {
      await this.#writer.prepare();
      sweep = setInterval(() => this.#sweep(), SWEEP_MS);
      await this.#allWatching(signal);
      if (held !== undefined) await this.#hold(held);
      return await this.#measure(signal);
    } finally {
      clearInterval(sweep);
      this.#lag.disable();
      for (const watcher of this.#watchers) watcher.stop();
      await this.#writer.remove();
      this.#connections.close();
    }
  }

  async #reach(): Promise<void> {
    const { access, connections } = this.#plan;
    const path = `${this.#collection}?limit=1`;
    const answer = await askSwarm(this.#connections, connections, { path }, REACH_LIMIT_MS);
    if (answer.status === 200) return;
    this.#connections.close();
    if (answer.status === 0) throw new CommandError(`cannot reach ${access.server}: ${answer.how}`);
    throw new CommandError(`${access.server}: GET ${path} answered ${answer.status}, expected 200`);
  }

  #sweep(): void {
    const nowMs = performance.now();
    const from = this.#begun;
    this.#begun = Math.min(this.#watchers.length, from + STARTS_PER_SWEEP);
    this.#wakeAtMs.fill(nowMs, from, this.#begun);
    for (let index = 0; index < this.#begun; index += 1) {
      if ((this.#wakeAtMs[index] ?? 0) > nowMs) continue;
      this.#wakeAtMs[index] = Number.POSITIVE_INFINITY;
      this.#watchers[index]?.wake();
    }
    this.#connections.sweep(nowMs);
  }

  async #allWatching(signal: AbortSignal): Promise<void> {
    const { watchers } = this.#plan;
    let saidAtMs = 0;
    for (let up = this.#watching(); up < watchers && !signal.aborted; up = this.#watching()) {
      if (performance.now() - saidAtMs > WINDOW_MS) {
        saidAtMs = performance.now();
        this.#output.progress(`${up} of ${watchers} watch`);
      }
      await delay(POLL_MS);
    }
  }

  async #hold(held: Promise<unknown>): Promise<void> {
    const now = (): number => Math.round(performance.now() - this.#startedAtMs);
    this.#output.line({ type: 'phase', name: 'warmup', atMs: now() });
    await held;
    this.#output.line({ type: 'phase', name: 'measure', atMs: now() });
  }

  async #measure(signal: AbortSignal): Promise<Validity> {
    const { durationMs, writesPerSecond } = this.#plan;
    // Whoever gives up before anything was written need not wait for what was.
    const drainMs = signal.aborted ? 0 : DRAIN_LIMIT_MS;
    const startMs = performance.now();
    const cpuBefore = process.cpuUsage();
    this.#lag.enable();
    this.#figures.measure(startMs);
    let windowAtMs = startMs;
    let due = 0;
    for (let nowMs = startMs; nowMs - startMs < durationMs && !signal.aborted; ) {
      // An open model: what was late is made up for, and not left out.
      const dueNow = Math.floor(((nowMs - startMs) / 1000) * writesPerSecond);
      for (; due < dueNow; due += 1) this.#writer.change();
      if (nowMs - windowAtMs >= WINDOW_MS) {
        this.#closeWindow(windowAtMs, nowMs);
        windowAtMs = nowMs;
      }
      await delay(Math.min(SWEEP_MS, 1000 / (writesPerSecond || 1)));
      nowMs = performance.now();
    }
    const tookMs = performance.now() - startMs;
    this.#closeWindow(windowAtMs, performance.now());
    this.#figures.finish(performance.now());
    const cpu = process.cpuUsage(cpuBefore);
    const lagMs = Math.max(0, this.#lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS);
    const cpuShare = (cpu.user + cpu.system) / 1000 / tookMs;
    const problems = await this.#compare(drainMs);
    return this.#assess({ due, cpuShare, lagMs, problems });
  }

  /** Waits for the last changes, and then holds every watcher against what is stored. */
  async #compare(drainMs: number): Promise<string[]> {
    await this.#writer.stop();
    const sequences = await this.#writer.stored();
    if (sequences === undefined) return ['the stored objects could not be listed at the end'];
    const behind = (): boolean =>
      this.#watchers.some(({ index }) => !this.#checker.isCurrent(index, sequences));
    const deadlineMs = performance.now() + drainMs;
    while (behind() && performance.now() < deadlineMs) await delay(POLL_MS);
    this.#checker.finish(sequences, (index) => this.#watchers[index]?.watching === true);
    return [];
  }

  #closeWindow(fromMs: number, toMs: number): void {
    const atMs = Math.round(fromMs - this.#startedAtMs);
    const line = this.#figures.window(atMs, Math.round(toMs - fromMs));
    this.#rssPeakBytes = Math.max(this.#rssPeakBytes, process.memoryUsage.rss());
    this.#output.line(line);
    const figures = `${line.count} events/s, p99 ${line.p99Ms.toFixed(1)} ms, ${line.errors} errors`;
    this.#output.progress(`${this.#watching()} watch, ${figures}`);
  }

  #assess(of: {
    readonly due: number;
    readonly cpuShare: number;
    readonly lagMs: number;
    readonly problems: readonly string[];
  }): Validity {
    const { findings } = this.#checker;
    const { written, dropped } = this.#writer;
    for (const line of this.#figures.lines(findings)) this.#output.line(line);
    const rss = { name: 'rss_peak{swarm}', value: this.#rssPeakBytes, unit: 'bytes' } as const;
    this.#output.line({ type: 'metric', better: 'lower', ...rss });
    const offeredRatio = of.due === 0 ? 1 : written / of.due;
    const problems = [...of.problems];
    if (dropped > 0) problems.push(`the swarm dropped ${dropped} changes: every object was busy`);
    if (Math.abs(offeredRatio - 1) > OFFERED_TOLERANCE) {
      problems.push(`${written} changes, expected ${of.due}`);
    }
    if (of.cpuShare > CPU_LIMIT_SHARE) {
      const percent = Math.round(of.cpuShare * 100);
      problems.push(`the swarm took ${percent} % of a processor, at most 80 % count`);
    }
    if (of.lagMs > LAG_LIMIT_MS) {
      const lag = of.lagMs.toFixed(1);
      problems.push(`the swarm's event loop lagged by ${lag} ms (p99), at most 10 ms count`);
    }
    const validity: Validity = {
      droppedIterations: dropped,
      offeredRatio,
      generatorCpuShare: of.cpuShare,
      loopLagP99Ms: of.lagMs,
      problems,
    };
    const tookMs = Math.round(performance.now() - this.#startedAtMs);
    this.#output.line({ type: 'end', tookMs, validity });
    return validity;
  }

  #watching(): number {
    let watching = 0;
    for (const watcher of this.#watchers) if (watcher.watching) watching += 1;
    return watching;
  }
}
