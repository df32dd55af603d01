// All metrics of the front door. What changes with each request is kept in typed arrays
// (request-metrics.ts); what is counted rarely, the gauges of the running parts and the figures of the
// process are prom-client's. The only file that knows prom-client.
import { readdir } from 'node:fs/promises';
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { PROXY_ERROR_CODES } from '../errors.ts';
import { Counts } from './counts.ts';
import { CONTENT_TYPES, type ExpositionFormat, renderExposition } from './exposition.ts';
import { familiesOf } from './library-families.ts';
import { presentSeries } from './present-series.ts';
import { RequestMetrics } from './request-metrics.ts';
import { failureOf, type Kind, kindOf } from './request-outcome.ts';
import type { RequestObserver, RequestRecord } from './request-record.ts';
import type { TallyLimits } from './route-table.ts';
import { copySeries, type Family, mergeSeries, type Series } from './series-table.ts';
import type { Sources } from './sources.ts';
import { STATE_GAUGES } from './state-gauges.ts';
import type { TopReport } from './top-report.ts';
import type { WatchTally } from './watch-tally.ts';

export interface MetricsOptions {
  readonly version: string;
  /** Read at each scrape, and not before. */
  readonly sources: Sources;
  readonly limits?: Partial<TallyLimits>;
  /** The clock of the records. */
  readonly nowMs?: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs?: () => number;
}

/** Why a connection was refused before it could ask for anything. */
export type RejectionReason = 'limit' | 'handshake';
export type ClientProtocol = RequestRecord['protocol'];

/** What one process has counted, to be merged by `mergeMetrics`. Plain data. */
interface Snapshot {
  readonly series: readonly Series[];
  readonly others: readonly object[];
}

/**
 * Of prom-client's own: they make lists of all sockets, which takes as long as there are many, at
 * each scrape. Open files are counted below without holding up the event loop.
 */
const COSTLY = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'process_open_fds',
];
const OPEN_FILES = '/proc/self/fd';

export class Metrics implements RequestObserver {
  private readonly registry = new Registry();
  private readonly sources: Sources;
  /** What is counted with each request; for the page, which looks once a second. */
  readonly requests: RequestMetrics;
  private readonly inFlight: Record<Kind, number> = { request: 0, watch: 0, stream: 0 };
  private readonly failures = new Counts(PROXY_ERROR_CODES);
  private readonly rejections = new Counts<RejectionReason>(['limit', 'handshake']);
  private readonly protocolErrors = new Counts<ClientProtocol>(['h2', 'http/1.1']);
  private retries = 0;
  private underWay:
    | { readonly format: ExpositionFormat; readonly bytes: Promise<Buffer> }
    | undefined;

  constructor(options: MetricsOptions) {
    const { version, sources, limits, nowMs = () => performance.now(), wallMs } = options;
    this.sources = sources;
    this.requests = new RequestMetrics(limits, nowMs, wallMs);
    this.registerRequests();
    this.registerConnections();
    for (const { name, help, labelNames, values, merge } of STATE_GAUGES) {
      this.gauge({
        name,
        help,
        labelNames,
        ...(merge === undefined ? {} : { aggregator: merge }),
        collect(gauge) {
          for (const [labels, value] of values(sources)) gauge.set(labels, value);
        },
      });
    }
    new Gauge({
      name: 'evenkeel_build_info',
      help: 'Always 1; the labels say what is running.',
      labelNames: ['version', 'node_version'],
      aggregator: 'first',
      registers: [this.registry],
    }).set({ version, node_version: process.version }, 1);
    this.registerProcess();
  }

  /** Receives what becomes of carried watches. */
  get watches(): WatchTally {
    return this.requests.moves;
  }

  get contentType(): string {
    return CONTENT_TYPES.text;
  }

  /** Everything, as Prometheus reads it. */
  async text(format: ExpositionFormat = 'text'): Promise<string> {
    return (await this.bytes(format)).toString();
  }

  /** The same in UTF-8, which a large text is sooner. Who asks while it is made gets the same. */
  bytes(format: ExpositionFormat): Promise<Buffer> {
    const { underWay } = this;
    if (underWay?.format === format) return underWay.bytes;
    const bytes = this.render(format).finally(() => {
      if (this.underWay?.bytes === bytes) this.underWay = undefined;
    });
    this.underWay = { format, bytes };
    return bytes;
  }

  private async render(format: ExpositionFormat): Promise<Buffer> {
    const others = familiesOf(await this.registry.getMetricsAsJSON());
    return renderExposition(await this.presentSeries(), others, format);
  }

  /** Of all that is not prom-client's, also where nothing has been counted yet. */
  get families(): readonly Family[] {
    return this.requests.all.map(({ family }) => family);
  }

  /** Everything, to be merged with that of other processes by `mergeMetrics`. */
  async json(): Promise<unknown> {
    const others = await this.registry.getMetricsAsJSON();
    const series = (await this.presentSeries()).map(copySeries);
    return { series, others } satisfies Snapshot;
  }

  /** Who asks for most. */
  top(): Promise<TopReport> {
    return this.requests.topReport();
  }

  entered(record: RequestRecord): void {
    this.inFlight[kindOf(record)] += 1;
    this.requests.entered(record);
  }

  left(record: RequestRecord, leftAtMs: number): void {
    this.inFlight[kindOf(record)] -= 1;
    if (record.attempts > 1) this.retries += record.attempts - 1;
    const failure = failureOf(record);
    if (failure !== undefined) this.failures.add(failure);
    this.requests.left(record, leftAtMs);
  }

  connectionRejected(reason: RejectionReason): void {
    this.rejections.add(reason);
  }

  protocolError(protocol: ClientProtocol): void {
    this.protocolErrors.add(protocol);
  }

  private async presentSeries(): Promise<readonly Series[]> {
    const series = await this.requests.series();
    const { gone } = this.sources;
    return gone === undefined || gone.size === 0 ? series : presentSeries(series, gone);
  }

  private registerRequests(): void {
    const { failures, inFlight } = this;
    this.counter({
      name: 'evenkeel_request_failures_total',
      help: 'Requests that the front door answered in place of an endpoint, or cut short.',
      labelNames: ['failure'],
      collect(counter) {
        for (const [failure, count] of failures.all) counter.inc({ failure }, count);
      },
    });
    this.counter({
      name: 'evenkeel_retries_total',
      help: 'Attempts at another endpoint after a first one.',
      labelNames: [],
      collect: (counter) => counter.inc(this.retries),
    });
    this.gauge({
      name: 'evenkeel_requests_in_flight',
      help: 'Requests, watches, and other long-running requests (logs, tunnels) that are open.',
      labelNames: ['kind'],
      collect(gauge) {
        for (const [kind, count] of Object.entries(inFlight)) gauge.set({ kind }, count);
      },
    });
  }

  private registerConnections(): void {
    const { rejections, protocolErrors } = this;
    this.counter({
      name: 'evenkeel_client_connections_rejected_total',
      help: 'Client connections that were refused before a request.',
      labelNames: ['reason'],
      collect(counter) {
        for (const [reason, count] of rejections.all) counter.inc({ reason }, count);
      },
    });
    this.counter({
      name: 'evenkeel_protocol_errors_total',
      help: 'Client connections that were ended because the client broke the protocol or a limit.',
      labelNames: ['protocol'],
      collect(counter) {
        for (const [protocol, count] of protocolErrors.all) counter.inc({ protocol }, count);
      },
    });
  }

  private registerProcess(): void {
    collectDefaultMetrics({ register: this.registry });
    const hadOpenFiles = this.registry.getSingleMetric('process_open_fds') !== undefined;
    for (const name of COSTLY) this.registry.removeSingleMetric(name);
    if (!hadOpenFiles) return;
    new Gauge({
      name: 'process_open_fds',
      help: 'Number of open file descriptors.',
      registers: [this.registry],
      async collect() {
        // Less the one that is read with.
        this.set((await readdir(OPEN_FILES)).length - 1);
      },
    });
  }

  /** A counter whose values are kept elsewhere and copied at each scrape. */
  private counter<Label extends string>(family: CollectedFamily<Label, Counter<Label>>): void {
    const { collect, ...rest } = family;
    new Counter({
      ...rest,
      registers: [this.registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  }

  private gauge<Label extends string>(family: CollectedFamily<Label, Gauge<Label>>): void {
    const { collect, ...rest } = family;
    new Gauge({
      ...rest,
      registers: [this.registry],
      collect() {
        // What is gone, such as a closed pool, must not be shown for ever.
        this.reset();
        collect(this);
      },
    });
  }
}

/** Of the text that `mergeMetrics` and `Metrics.text` give. */
export const METRICS_CONTENT_TYPE: string = CONTENT_TYPES.text;

/** The text of what several processes have counted, added up; `Metrics.json` of each. */
export async function mergeMetrics(
  metrics: readonly unknown[],
  format: ExpositionFormat = 'text',
): Promise<Buffer> {
  const snapshots = metrics as readonly Snapshot[];
  const registry = AggregatorRegistry.aggregate(snapshots.map(({ others }) => others));
  const others = familiesOf(await registry.getMetricsAsJSON());
  return renderExposition(mergeSeries(snapshots.map(({ series }) => series)), others, format);
}

interface CollectedFamily<Label extends string, Instrument> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  /** How the values of several processes become one; without it they are added up. */
  readonly aggregator?: 'max' | 'first';
  collect(instrument: Instrument): void;
}
