// What it costs to count, to be scraped and to be looked at: without the network, in this process.
import { gzipSync } from 'node:zlib';
import { Client } from '../proxy/identity/client.ts';
import { readWriteTime } from '../proxy/kube/read-write-time.ts';
import type { WatchFrame } from '../proxy/kube/watch-frame.ts';
import { Metrics } from '../proxy/observe/metrics.ts';
import { NotedRequests } from '../proxy/observe/page/noted-requests.ts';
import { PageSampler } from '../proxy/observe/page/page-sampler.ts';
import { enterRecord, type RequestRecord } from '../proxy/observe/request-record.ts';
import { formatTable } from '../tools/text-table.ts';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';

export interface ObservationCost {
  readonly name: string;
  readonly ns: number;
}

/** In CPU time of this thread, because others may have the machine meanwhile. */
interface Cost {
  readonly ms: number;
  /** The longest part in which nothing else had its turn, of all times. */
  readonly stallMs: number;
}

export interface ScrapeCost extends Cost {
  readonly series: number;
  readonly lines: number;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** What the page asks for, with so many watches open and so many routes seen. */
export interface PageCost extends Cost {
  readonly name: string;
}

/** CPU time of one round, and how many there are; the best one counts. */
const ROUND_US = 100_000;
const ROUNDS = 7;
const TIMES = 9;
const PAGE_WATCHES = 10_000;
const PAGE_ROUTES = 300;
const CLIENTS = 50;

export const metrics: Benchmark = {
  name: 'metrics',
  title: 'what it costs to count a request and an event, and to be scraped',
  async run(): Promise<BenchmarkResult> {
    const observations = measureObservations();
    const scrapes = [await measureScrape(76), await measureScrape(1000)];
    const page = await measurePage();
    const rows = scrapes.map((cost) => [
      ...[cost.series, cost.lines, cost.bytes, cost.gzipBytes].map(String),
      cost.ms.toFixed(1),
      cost.stallMs.toFixed(1),
    ]);
    return {
      figures: { observations, scrapes, page },
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
        '',
        `the page, with ${PAGE_WATCHES} open watches and ${PAGE_ROUTES} routes:`,
        ...page.map(
          ({ name, ms, stallMs }) =>
            `${name}: ${ms.toFixed(2)} ms, longest stall ${stallMs.toFixed(1)} ms`,
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
    { name: 'looking into an event for its write time', ns: bestNs(lookInto) },
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

/** Of 2 KB, as kube-apiserver writes a pod: what is wanted stands behind a third of it. */
const POD_EVENT = Buffer.from(
  JSON.stringify({
    type: 'MODIFIED',
    object: {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: {
        name: 'web-5d8f7c9b6d-abcde',
        namespace: 'shop',
        labels: { app: 'web', 'pod-template-hash': '5d8f7c9b6d' },
        annotations: { 'example.com/config': 'x'.repeat(300) },
        managedFields: ['kube-controller-manager', 'kubelet'].map((manager) => ({
          manager,
          time: '2026-11-25T08:00:00Z',
          fieldsV1: { 'f:spec': Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i, {}])) },
        })),
      },
      spec: { containers: [{ name: 'web', command: ['x'.repeat(700)] }] },
    },
  }),
);

function lookInto(): number {
  for (let i = 0; i < 100; i += 1) readWriteTime(POD_EVENT, false);
  return 100;
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
  let body: Buffer = Buffer.alloc(0);
  const cost = await measureCost(async () => {
    body = await target.bytes('text');
  });
  const lines = body.toString().trimEnd().split('\n');
  const series = lines.filter((line) => !line.startsWith('#')).length;
  const gzipBytes = gzipSync(body).length;
  return { ...cost, series, lines: lines.length, bytes: body.length, gzipBytes };
}

/** What the page takes from a busy door: its figures each second, and who asks for most. */
async function measurePage(): Promise<PageCost[]> {
  const target = startMetrics();
  const open = Array.from({ length: PAGE_WATCHES }, (_, i) => {
    const watch = recordOf(i, `/api/v1/namespaces/space-${i % 500}/pods?watch=1`);
    return { ...watch, user: `system:node:node-${i % 5000}` };
  });
  for (const record of open) target.entered(record);
  const noted = new NotedRequests();
  const sampler = new PageSampler({
    requests: target.requests,
    noted,
    openRecords: () => open.map((record) => ({ record })),
    nowMs: () => performance.now(),
  });
  const records = exampleRecords(PAGE_ROUTES);
  /** So that there is something new to be told. */
  const serve = (): void => {
    for (const record of records) {
      pass(target, record);
      noted.left(record, record.enteredAtMs + 3);
    }
  };
  const figures = await measureCost(() => sampler.take(), serve);
  const top = await measureCost(() => target.top(), serve);
  return [
    { name: 'its figures, each second', ...figures },
    { name: 'who asks for most, while somebody looks', ...top },
  ];
}

/** The median of several times, after some on which V8 compiles the code. */
async function measureCost(work: () => unknown, prepare = (): void => {}): Promise<Cost> {
  const costs: Cost[] = [];
  for (let n = -3; n < TIMES; n += 1) {
    prepare();
    const cost = await measureOnce(work);
    if (n >= 0) costs.push(cost);
  }
  costs.sort((one, other) => one.ms - other.ms);
  const ms = costs[TIMES >> 1]?.ms ?? Number.NaN;
  // The worst of all: a stall is no matter of the average.
  return { ms, stallMs: Math.max(...costs.map(({ stallMs }) => stallMs)) };
}

/** While something else wants its turns. */
async function measureOnce(work: () => unknown): Promise<Cost> {
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
  await work();
  const ms = cpuMs() - beganMs;
  await new Promise((resolve) => setImmediate(resolve));
  clearImmediate(timer);
  return { ms, stallMs };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
