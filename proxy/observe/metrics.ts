// All metrics of the front door, in a registry of their own. The only file that knows prom-client.
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client';
import { PROXY_ERROR_CODES } from '../errors.ts';
import { Counts } from './counts.ts';
import { failureOf, type Kind, kindOf, wasOpened } from './request-outcome.ts';
import type { RequestObserver, RequestRecord } from './request-record.ts';
import { RequestTally, type TallyLimits } from './request-tally.ts';
import type { Sources } from './sources.ts';
import { STATE_GAUGES } from './state-gauges.ts';
import { WatchTally } from './watch-tally.ts';

export interface MetricsOptions {
  readonly version: string;
  /** Read at each scrape, and not before. */
  readonly sources: Sources;
  readonly limits?: Partial<TallyLimits>;
}

/** Why a connection was refused before it could ask for anything. */
export type RejectionReason = 'limit' | 'handshake';
export type ClientProtocol = RequestRecord['protocol'];
type ObserveSeconds = (seconds: number) => void;

/** Finer than kube-apiserver's (5 ms and up): the door must show that it adds less than that. */
const REQUEST_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** From 1 s, below which client-go calls a watch "very short" and lists again. */
const WATCH_BUCKETS_SECONDS = [1, 5, 15, 60, 300, 600, 1800, 3600, 7200];

const GAP_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Counts requests and shows the running parts. What changes with each request is kept in plain
 * numbers and handed to the library at a scrape: its counters hash all label values on each
 * increment.
 */
export class Metrics implements RequestObserver {
  private readonly registry = new Registry();
  private readonly tally: RequestTally<ObserveSeconds>;
  private readonly watchSeconds: Histogram<'verb' | 'end'>;
  private readonly inFlight: Record<Kind, number> = { request: 0, watch: 0, stream: 0 };
  private readonly failures = new Counts(PROXY_ERROR_CODES);
  private readonly rejections = new Counts<RejectionReason>(['limit', 'handshake']);
  private readonly protocolErrors = new Counts<ClientProtocol>(['h2', 'http/1.1']);
  /** Open watches and streams: their bytes count while they flow, not hours later. */
  private readonly open = new Set<RequestRecord>();
  private retries = 0;
  /** Receives what becomes of carried watches. */
  readonly watches: WatchTally;

  constructor({ version, sources, limits }: MetricsOptions) {
    const registers = [this.registry];
    const seconds = new Histogram({
      name: 'evenkeel_request_duration_seconds',
      help: 'From entry to the last byte of the answer. Watches, logs and tunnels are not in it.',
      labelNames: ['verb', 'scope', 'endpoint'],
      buckets: REQUEST_BUCKETS_SECONDS,
      registers,
    });
    this.tally = new RequestTally(
      ({ verb, scope, endpoint }) => seconds.labels({ verb, scope, endpoint }).observe,
      limits,
    );
    this.watchSeconds = new Histogram({
      name: 'evenkeel_watch_duration_seconds',
      help: 'How long watches (verb WATCH), logs and tunnels (CONNECT) were open, by their end.',
      labelNames: ['verb', 'end'],
      buckets: WATCH_BUCKETS_SECONDS,
      registers,
    });
    const gapSeconds = new Histogram({
      name: 'evenkeel_watch_gap_seconds',
      help: 'How long a carried watch was without an endpoint. Its client saw silence.',
      buckets: GAP_BUCKETS_SECONDS,
      registers,
    });
    this.watches = new WatchTally((seconds) => gapSeconds.observe(seconds));
    this.registerRequests();
    this.registerWatches();
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
      registers,
    }).set({ version, node_version: process.version }, 1);
    collectDefaultMetrics({ register: this.registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** Everything, to be merged with that of other processes by `mergeMetrics`. */
  json(): Promise<unknown> {
    return this.registry.getMetricsAsJSON();
  }

  entered(record: RequestRecord): void {
    this.inFlight[kindOf(record)] += 1;
    if (record.longRunning) this.open.add(record);
  }

  left(record: RequestRecord, leftAtMs: number): void {
    this.inFlight[kindOf(record)] -= 1;
    if (record.attempts > 1) this.retries += record.attempts - 1;
    const failure = failureOf(record);
    if (failure !== undefined) this.failures.add(failure);
    const series = this.tally.count(record);
    if (!record.longRunning) {
      series.timer((leftAtMs - record.enteredAtMs) / 1000);
      return;
    }
    this.open.delete(record);
    if (!wasOpened(record)) return;
    const end = record.failure ?? 'complete';
    this.watchSeconds.observe({ verb: record.verb, end }, (leftAtMs - record.enteredAtMs) / 1000);
  }

  connectionRejected(reason: RejectionReason): void {
    this.rejections.add(reason);
  }

  protocolError(protocol: ClientProtocol): void {
    this.protocolErrors.add(protocol);
  }

  private registerRequests(): void {
    const { tally, failures, inFlight } = this;
    this.counter({
      name: 'evenkeel_requests_total',
      help:
        'Requests that have ended. code is 499 when the client left before the answer; resource ' +
        'is "other" until an endpoint has shown that it exists.',
      labelNames: ['verb', 'group', 'resource', 'subresource', 'scope', 'code', 'endpoint'],
      collect(counter) {
        for (const { labels, requests } of tally.series) counter.inc(labels, requests);
      },
    });
    this.counter({
      name: 'evenkeel_request_bytes_total',
      help: 'Bytes of request bodies. Tunnels are not counted.',
      labelNames: ['verb', 'group', 'resource'],
      collect: (counter) => this.collectBytes(counter, 'requestBytes'),
    });
    this.counter({
      name: 'evenkeel_response_bytes_total',
      help: 'Bytes of response bodies, those of open watches included. Tunnels are not counted.',
      labelNames: ['verb', 'group', 'resource'],
      collect: (counter) => this.collectBytes(counter, 'responseBytes'),
    });
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

  private registerWatches(): void {
    const { watches } = this;
    this.counter({
      name: 'evenkeel_watch_continuations_total',
      help: 'Times that a watch was to go on at another endpoint, by reason and what came of it.',
      labelNames: ['reason', 'result'],
      collect(counter) {
        for (const [labels, count] of watches.counts()) counter.inc(labels, count);
      },
    });
    this.counter({
      name: 'evenkeel_relists_avoided_total',
      help: 'Watches that went on after their endpoint had cut them off.',
      labelNames: [],
      collect: (counter) => counter.inc(watches.relistsAvoided),
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

  private collectBytes(
    counter: Counter<'verb' | 'group' | 'resource'>,
    which: 'requestBytes' | 'responseBytes',
  ): void {
    for (const series of this.tally.series) {
      const { verb, group, resource } = series.labels;
      counter.inc({ verb, group, resource }, series[which]);
    }
    for (const record of this.open) {
      // A refused one is counted when it ends: before, its resource may be an invention.
      if (!wasOpened(record)) continue;
      const { group, resource } = this.tally.resourceOf(record);
      counter.inc({ verb: record.verb, group, resource }, record[which]);
    }
  }

  /** A counter whose values are kept elsewhere and copied at each scrape. */
  private counter<Label extends string>(family: Family<Label, Counter<Label>>): void {
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

  private gauge<Label extends string>(family: Family<Label, Gauge<Label>>): void {
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
export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** The text of what several processes have counted, added up; `Metrics.json` of each. */
export function mergeMetrics(metrics: readonly unknown[]): Promise<string> {
  return AggregatorRegistry.aggregate([...metrics] as object[]).metrics();
}

interface Family<Label extends string, Instrument> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  /** How the values of several processes become one; without it they are added up. */
  readonly aggregator?: 'max' | 'first';
  collect(instrument: Instrument): void;
}
