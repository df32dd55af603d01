// Reads the metrics of every replica, compares them with what the door has sent, and gives them on
// as one text. One process does it, the one that checks the endpoints.
import type { Log } from '../../common/log.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { type MisfiledCount, ReplicaCorrector } from './replica-correction.ts';
import { ExpositionError, type ExpositionLimits, LINE_LIMITS } from './replica-exposition.ts';
import { FactsReader, type ReplicaFacts } from './replica-facts.ts';
import { ReplicaLedger } from './replica-ledger.ts';
import {
  type HeldExposition,
  mergeExpositions,
  type ReplicaExposition,
  readPieces,
} from './replica-merge.ts';
import { labelBytes } from './replica-sample.ts';
import { Scrape, type ScrapeOptions, type ScrapeProblem } from './replica-scrape.ts';

export type ScrapedEndpoint = Pick<Endpoint, 'name' | 'url' | 'acquire' | 'served'>;

export interface ReplicaMetricsOptions extends ScrapeOptions {
  readonly intervalMs: number;
  readonly log: Log;
}

export type ScrapeResult = 'ok' | ScrapeProblem;
export const SCRAPE_RESULTS: readonly ScrapeResult[] = [
  'ok',
  'refused',
  'unreadable',
  'too_large',
  'failed',
];

/** What is known of one replica's metrics; for the door's own. */
export interface ReplicaReport {
  readonly endpoint: string;
  /** Undefined before the first scrape. */
  readonly result: ScrapeResult | undefined;
  /** Why it was not good. */
  readonly problem: string;
  /** Empty unless the last scrape was good. */
  readonly misfiled: readonly MisfiledCount[];
  /** Of the last good scrape; '' where it does not tell, or before. */
  readonly version?: string;
  readonly startedAtSeconds?: number | undefined;
  /** Times that it was seen to have been started anew. */
  readonly restarts?: number;
}

/** Several that ask at the same time get the same. */
const FRESH_MS = 1000;
/** Of the interval: doors and replicas that start together do not stay together. */
const JITTER = 0.1;

/** All replicas; see `ReplicaReader` for one. */
export class ReplicaMetrics {
  private readonly options: ReplicaMetricsOptions;
  private readonly byEndpoint = new Map<ScrapedEndpoint, ReplicaReader>();

  constructor(options: ReplicaMetricsOptions) {
    this.options = options;
  }

  /** Of these from now on. */
  follow(endpoints: readonly ScrapedEndpoint[]): void {
    for (const [endpoint, reader] of this.byEndpoint) {
      if (endpoints.includes(endpoint)) continue;
      reader.stop();
      this.byEndpoint.delete(endpoint);
    }
    for (const endpoint of endpoints) {
      if (this.byEndpoint.has(endpoint)) continue;
      const reader = new ReplicaReader(endpoint, this.options);
      this.byEndpoint.set(endpoint, reader);
      reader.start();
    }
  }

  stop(): void {
    for (const reader of this.readers) reader.stop();
  }

  private get readers(): readonly ReplicaReader[] {
    return [...this.byEndpoint.values()];
  }

  /** How long the page may take before its first word. */
  get timeoutMs(): number {
    return this.options.timeoutMs;
  }

  get reports(): readonly ReplicaReport[] {
    return this.readers.map(({ report }) => report);
  }

  /** The metrics of all replicas as they are now, corrected, each series with its `replica`. */
  async *page(): AsyncGenerator<Buffer> {
    const readings = await Promise.all(this.readers.map((reader) => reader.fresh()));
    yield upFamily(this.reports);
    yield* mergeExpositions(readings.filter((reading) => reading !== undefined));
  }
}

/** As Prometheus' own `up`, which only says whether this page could be read. */
function upFamily(reports: readonly ReplicaReport[]): Buffer {
  const lines = reports.map(({ endpoint, result, problem }) => {
    const replica = labelBytes('replica', endpoint);
    if (result === 'ok') return `evenkeel_replica_up{${replica}} 1\n`;
    const why = JSON.stringify(`${result}: ${problem}`);
    return `# evenkeel: not below: ${replica}, ${why}\nevenkeel_replica_up{${replica}} 0\n`;
  });
  return Buffer.from(
    '# HELP evenkeel_replica_up Whether the metrics of the replica could be read and are below.\n' +
      `# TYPE evenkeel_replica_up gauge\n${lines.join('')}`,
  );
}

/** Scrapes one replica now and then, and whenever it is asked for. */
class ReplicaReader {
  private readonly endpoint: ScrapedEndpoint;
  private readonly options: ReplicaMetricsOptions;
  private readonly limits: ExpositionLimits;
  private readonly ledger = new ReplicaLedger();
  private readonly corrector = new ReplicaCorrector();
  private result: ScrapeResult | undefined;
  private problem = '';
  private version = '';
  private startedAtSeconds: number | undefined;
  private restarts = 0;
  /** What has been said in the log: once is enough. */
  private readonly told = new Set<string>();
  private last: ReplicaExposition | undefined;
  private lastAskedAtMs = Number.NEGATIVE_INFINITY;
  private running: Promise<void> | undefined;
  private scrape: Scrape | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(endpoint: ScrapedEndpoint, options: ReplicaMetricsOptions) {
    this.endpoint = endpoint;
    this.options = options;
    // A compressed text may be no longer than a plain one.
    this.limits = { maxBytes: options.maxBytes, ...LINE_LIMITS };
  }

  /** The first scrape is not at once: whoever starts has other things to do. */
  start(): void {
    this.endpoint.served.collecting = true;
    this.schedule(this.options.intervalMs * (0.5 + Math.random() / 2));
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.scrape?.cancel();
  }

  get report(): ReplicaReport {
    const { result, problem, last, version, startedAtSeconds, restarts } = this;
    const misfiled = last?.correction.misfiled ?? [];
    const { name } = this.endpoint;
    return { endpoint: name, result, problem, misfiled, version, startedAtSeconds, restarts };
  }

  /** Its exposition of now; undefined when it cannot be had. */
  async fresh(): Promise<ReplicaExposition | undefined> {
    if (this.running !== undefined || nowMs() - this.lastAskedAtMs > FRESH_MS) await this.read();
    return this.last;
  }

  private schedule(delayMs: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.read(), delayMs);
  }

  /** Never rejects. */
  private read(): Promise<void> {
    this.running ??= this.readOnce().finally(() => {
      this.running = undefined;
      // Whoever has asked in between has done the work of the next turn.
      this.schedule(this.options.intervalMs * (1 - JITTER + 2 * JITTER * Math.random()));
    });
    return this.running;
  }

  private async readOnce(): Promise<void> {
    const askedAtMs = nowMs();
    this.lastAskedAtMs = askedAtMs;
    this.scrape = new Scrape(this.endpoint, this.options);
    const outcome = await this.scrape.outcome;
    this.scrape = undefined;
    if (this.stopped) return;
    if (outcome.kind !== 'answered') {
      this.setProblem(outcome.kind, outcome.detail);
      return;
    }
    try {
      await this.compare(outcome.held, askedAtMs, nowMs());
    } catch (error) {
      // From zlib, or from the parser.
      const tooLarge = error instanceof ExpositionError && error.kind === 'too_large';
      const detail = error instanceof Error ? error.message : String(error);
      this.setProblem(tooLarge ? 'too_large' : 'unreadable', detail);
    }
  }

  private async compare(held: HeldExposition, askedAtMs: number, atMs: number): Promise<void> {
    this.ledger.add(this.endpoint.served.take());
    const { facts, sorted } = await readFacts(held, this.limits, this.ledger.suspected);
    this.noteLife(facts);
    const misfiled = this.ledger.read(facts, askedAtMs, atMs);
    const correction = this.corrector.correct(facts, misfiled);
    const { name } = this.endpoint;
    this.tellOfMisfiled(correction.misfiled);
    this.last = { replica: name, held, limits: this.limits, sorted, correction };
    if (this.result !== 'ok' && this.result !== undefined) {
      this.options.log.info({ endpoint: name }, 'the metrics of an endpoint can be read again');
    }
    this.result = 'ok';
    this.problem = '';
  }

  private noteLife({ gitVersion, startedAtSeconds }: ReplicaFacts): void {
    this.version = gitVersion;
    const before = this.startedAtSeconds;
    if (startedAtSeconds === undefined) return;
    if (before !== undefined && startedAtSeconds !== before) this.restarts += 1;
    this.startedAtSeconds = startedAtSeconds;
  }

  private setProblem(kind: ScrapeProblem, detail: string): void {
    this.last = undefined;
    if (this.result !== kind) {
      const { name } = this.endpoint;
      this.options.log.warn(
        { endpoint: name, result: kind, detail },
        'the metrics of an endpoint cannot be read',
      );
    }
    this.result = kind;
    this.problem = detail;
  }

  private tellOfMisfiled(misfiled: readonly MisfiledCount[]): void {
    for (const { verb, metric, watches } of misfiled) {
      const what = `${verb} ${metric}`;
      if (watches === 0 || this.told.has(what)) continue;
      this.told.add(what);
      this.options.log.warn(
        { endpoint: this.endpoint.name, verb, metric, watches },
        'an endpoint files watches as other requests; /replicas/metrics has them corrected',
      );
    }
  }
}

async function readFacts(
  held: HeldExposition,
  limits: ExpositionLimits,
  suspected: ReadonlySet<string>,
): Promise<{ facts: ReplicaFacts; sorted: boolean }> {
  const reader = new FactsReader(suspected);
  let sorted = true;
  let family = '';
  for await (const pieces of readPieces(held, limits)) {
    for (const piece of pieces) {
      if (piece.family < family) sorted = false;
      family = piece.family;
      reader.take(piece);
    }
  }
  return { facts: reader.facts(), sorted };
}

/** Milliseconds since 1970 that never go back while the process runs. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
