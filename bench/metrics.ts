// What it costs to count, and to be scraped: without the network, in this process.
import { gzipSync } from 'node:zlib';
import { Client } from '../proxy/identity/client.ts';
import type { WatchFrame } from '../proxy/kube/watch-frame.ts';
import { Metrics } from '../proxy/observe/metrics.ts';
import { enterRecord, type RequestRecord } from '../proxy/observe/request-record.ts';
import { formatTable } from '../tools/text-table.ts';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';

export interface ObservationCost {
  readonly name: string;
  readonly ns: number;
}

export interface ScrapeCost {
  readonly series: number;
  readonly lines: number;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Both in CPU time of this thread, because others may have the machine meanwhile. */
  readonly ms: number;
  /** The longest part in which nothing else had its turn. */
  readonly stallMs: number;
}

/** CPU time of one round, and how many there are; the best one counts. */
const ROUND_US = 100_000;
const ROUNDS = 7;
const SCRAPES = 9;
const CLIENTS = 50;

export const metrics: Benchmark = {
  name: 'metrics',
  title: 'what it costs to count a request and an event, and to be scraped',
  async run(): Promise<BenchmarkResult> {
    const observations = measureObservations();
    const scrapes = [await measureScrape(75), await measureScrape(1000)];
    const rows = scrapes.map((cost) => [
      ...[cost.series, cost.lines, cost.bytes, cost.gzipBytes].map(String),
      cost.ms.toFixed(1),
      cost.stallMs.toFixed(1),
    ]);
    return {
      figures: { observations, scrapes },
      lines: [
        ...observations.map(({ name, ns }) => `${name}: ${Math.round(ns)} ns`),
        '',
        ...formatTable(
          ['time series', 'lines', 'bytes', 'in gzip', 'ms', 'longest stall, ms'].map((title) => ({
            title,
            align: 'right' as const,
          })),
          rows,
        ),
      ],
    };
  },
};

function measureObservations(): ObservationCost[] {
  const records = exampleRecords(300);
  const target = startMetrics();
  const passAll = (): number => {
    for (const record of records) pass(target, record);
    return records.length;
  };
  return [
    { name: 'a request, entered and left, with all its families', ns: bestNs(passAll) },
    { name: 'reading a request into a record', ns: bestNs(readAll) },
    { name: 'an event of a watch, with its size and latency', ns: bestNs(eventsOf(target)) },
  ];
}

function startMetrics(): Metrics {
  const sources = {
    endpoints: [],
    draining: false,
    http2Connections: 0,
    http1Connections: 0,
    openTunnels: 0,
  };
  return new Metrics({ version: '0', sources });
}

/** As different as requests are: routes, endpoints, clients. */
function exampleRecords(count: number): RequestRecord[] {
  return Array.from({ length: count }, (_, i) => recordOf(i, pathOf(i)));
}

function pathOf(i: number): string {
  const collection = `/apis/group-${i % 7}.example.com/v1/namespaces/shop/resources-${i % 43}`;
  return i % 3 === 0 ? collection : `${collection}/object-${i}`;
}

function recordOf(i: number, path: string): RequestRecord {
  const client = new Client(`192.0.2.${i % CLIENTS}`, 'h2', undefined);
  const agent = 'kube-controller-manager/v1.34.4 (linux/amd64) kubernetes/2f6ab5c/shared-informers';
  const headers = [':method', 'GET', ':path', path, 'user-agent', agent];
  return {
    ...enterRecord(client, headers, 1000),
    endpoint: `cp-${i % 3}`,
    attempts: 1,
    status: 200,
    answeredAtMs: 1001,
    responseBytes: 2048,
  };
}

function readAll(): number {
  for (let i = 0; i < 300; i += 1) recordOf(i, pathOf(i));
  return 300;
}

function pass(target: Metrics, record: RequestRecord): void {
  target.entered(record);
  target.left(record, record.enteredAtMs + 3);
}

function eventsOf(target: Metrics): () => number {
  const record = recordOf(1, '/api/v1/pods?watch=1');
  target.entered(record);
  const frame: WatchFrame = {
    bytes: Buffer.alloc(2048),
    type: 'MODIFIED',
    resourceVersion: '1234567',
    errorCode: undefined,
    initialEventsEnd: false,
  };
  return () => {
    for (let i = 0; i < 1000; i += 1) {
      record.meter?.event(frame, performance.now(), true);
      record.responseBytes += frame.bytes.length;
      record.meter?.sent(record.responseBytes);
    }
    return 1000;
  };
}

/** CPU time of this thread for one of what `work` does several of. */
function bestNs(work: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = process.threadCpuUsage();
    let usedUs = 0;
    let done = 0;
    while (usedUs < ROUND_US) {
      done += work();
      const { user, system } = process.threadCpuUsage(began);
      usedUs = user + system;
    }
    best = Math.min(best, (usedUs * 1000) / done);
  }
  return best;
}

/** A door that has seen so many routes, scraped while something else wants its turns. */
async function measureScrape(routes: number): Promise<ScrapeCost> {
  const target = startMetrics();
  for (let i = 0; i < routes; i += 1) {
    pass(target, recordOf(i, `/apis/group-${i % 17}.example.com/v1/resources-${i}`));
  }
  // The first ones run code that V8 has not compiled yet.
  for (let n = 0; n < 3; n += 1) await scrapeOnce(target);
  const costs: ScrapeCost[] = [];
  for (let n = 0; n < SCRAPES; n += 1) costs.push(await scrapeOnce(target));
  costs.sort((one, other) => one.ms - other.ms);
  const [median] = costs.slice(SCRAPES >> 1);
  if (median === undefined) throw new Error('nothing was scraped');
  // The worst of all: a stall is no matter of the average.
  return { ...median, stallMs: Math.max(...costs.map(({ stallMs }) => stallMs)) };
}

async function scrapeOnce(target: Metrics): Promise<ScrapeCost> {
  let lastMs = cpuMs();
  let stallMs = 0;
  let timer: NodeJS.Immediate;
  const turn = (): void => {
    const nowMs = cpuMs();
    stallMs = Math.max(stallMs, nowMs - lastMs);
    lastMs = nowMs;
    timer = setImmediate(turn);
  };
  timer = setImmediate(turn);
  const beganMs = cpuMs();
  const body = await target.bytes('text');
  const ms = cpuMs() - beganMs;
  await new Promise((resolve) => setImmediate(resolve));
  clearImmediate(timer);
  const text = body.toString();
  const lines = text.split('\n').length - 1;
  const bytes = body.length;
  return { series: linesOf(text), lines, bytes, gzipBytes: gzipSync(body).length, ms, stallMs };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function linesOf(text: string): number {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}
