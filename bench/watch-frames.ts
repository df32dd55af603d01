// What it costs to split a watch into events, in the two encodings and for events of three sizes.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createWatchFramer } from '../proxy/kube/watch-framer.ts';
import { parseWatchRequest } from '../proxy/kube/watch-query.ts';
import { ResumePoint } from '../proxy/kube/watch-resume.ts';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';

export const watchFrames: Benchmark = {
  name: 'watch-frames',
  title: 'splitting a watch into events, without the network: time, and memory of an idle one',
  run(): Promise<BenchmarkResult> {
    const costs = measureFraming();
    const idle = ENCODINGS.map((encoding) => ({ encoding, heapBytes: measureIdleBytes(encoding) }));
    return Promise.resolve({
      figures: { costs, idle },
      lines: [
        ...costs.map(describe),
        ...idle.map(({ encoding, heapBytes }) => `${encoding}: ${heapBytes} B per idle watch`),
      ],
    });
  },
};

/** One line of the result. */
export interface FramingCost {
  readonly encoding: 'json' | 'protobuf';
  readonly eventBytes: number;
  /** How the stream is cut: each event by itself, or DATA frames of the default size. */
  readonly chunks: 'events' | '16 KiB';
  readonly nsPerEvent: number;
  readonly megabytesPerSecond: number;
}

const CONTENT_TYPES = {
  json: 'application/json',
  protobuf: 'application/vnd.kubernetes.protobuf;stream=watch',
} as const;
const ENCODINGS = ['json', 'protobuf'] as const;
const EVENT_BYTES = [300, 2048, 20_480] as const;
const DATA_FRAME_BYTES = 16_384;
const STREAM_BYTES = 2 * 1024 * 1024;
const IDLE_WATCHES = 20_000;
const ROUND_US = 60_000;
const ROUNDS = 5;

/** Heap bytes of one tracked watch that waits for its next event. */
export function measureIdleBytes(encoding: keyof typeof CONTENT_TYPES): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const [event = Buffer.alloc(0)] = eventsOf(encoding, 2048);
  const watches: unknown[] = new Array(IDLE_WATCHES).fill(undefined);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < IDLE_WATCHES; n++) {
    const framer = createWatchFramer(CONTENT_TYPES[encoding]);
    const point = new ResumePoint(parseWatchRequest('resourceVersion=1'));
    framer?.push(event, (frame) => point.advance(frame));
    watches[n] = [framer, point];
  }
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / watches.length;
  return Math.round(bytes);
}

/** Takes about four seconds. CPU time of this thread, the best of some rounds. */
export function measureFraming(): FramingCost[] {
  const costs: FramingCost[] = [];
  for (const encoding of ENCODINGS) {
    for (const size of EVENT_BYTES) {
      const events = eventsOf(encoding, size);
      for (const chunks of ['events', '16 KiB'] as const) {
        const parts = chunks === 'events' ? events : dataFramesOf(Buffer.concat(events));
        const nsPerEvent = bestRound(encoding, parts, events.length);
        const eventBytes = Math.round(Buffer.concat(events).length / events.length);
        const megabytesPerSecond = (eventBytes / nsPerEvent) * 1000;
        costs.push({ encoding, eventBytes, chunks, nsPerEvent, megabytesPerSecond });
      }
    }
  }
  return costs;
}

function bestRound(encoding: keyof typeof CONTENT_TYPES, parts: Buffer[], events: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    let passes = 0;
    const began = process.threadCpuUsage();
    let usedUs = 0;
    while (usedUs < ROUND_US) {
      frameAll(encoding, parts, events);
      passes++;
      const { user, system } = process.threadCpuUsage(began);
      usedUs = user + system;
    }
    best = Math.min(best, (usedUs * 1000) / (passes * events));
  }
  return best;
}

/** With the resume point, which reads each version: the work of a watch that is carried. */
function frameAll(encoding: keyof typeof CONTENT_TYPES, parts: Buffer[], events: number): void {
  const framer = createWatchFramer(CONTENT_TYPES[encoding]);
  const point = new ResumePoint(parseWatchRequest('resourceVersion=1'));
  let frames = 0;
  for (const part of parts) {
    framer?.push(part, (frame) => {
      frames++;
      point.advance(frame);
    });
  }
  if (frames !== events || point.resourceVersion !== '1234567') {
    throw new Error(`${encoding}: ${frames} of ${events} events, at ${point.resourceVersion}`);
  }
}

function dataFramesOf(body: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += DATA_FRAME_BYTES) {
    parts.push(body.subarray(at, at + DATA_FRAME_BYTES));
  }
  return parts;
}

function eventsOf(encoding: 'json' | 'protobuf', bytes: number): Buffer[] {
  const pod = podOf(bytes);
  const event = encoding === 'json' ? jsonEvent(pod) : protobufEvent(JSON.stringify(pod));
  return Array.from({ length: Math.ceil(STREAM_BYTES / event.length) }, () => Buffer.from(event));
}

/** Grown by what makes real pods large: containers, and the record of who owns which field. */
function podOf(bytes: number): object {
  const metadata = {
    name: 'worker-7d9c5b6f4-x2x8z',
    namespace: 'batch',
    uid: '9a4f08ec-daa3-423c-9eee-9438590b0ae4',
    resourceVersion: '1234567',
    labels: { app: 'worker' },
    managedFields: [] as unknown[],
  };
  const pod = { kind: 'Pod', apiVersion: 'v1', metadata, spec: { containers: [] as unknown[] } };
  for (let n = 0; JSON.stringify(pod).length < bytes - 60; n++) {
    pod.spec.containers.push({
      name: `container-${n}`,
      image: 'registry.example.com/team/worker:v1.2.3',
      env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      args: ['--listen=:8080', '--config={"level":"info"}'],
    });
    metadata.managedFields.push({
      manager: 'kubelet',
      operation: 'Update',
      fieldsV1: { 'f:status': { [`k:{"type":"Ready-${n}"}`]: { '.': {}, 'f:reason': {} } } },
    });
  }
  return pod;
}

function jsonEvent(pod: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object: pod })}\n`);
}

/** The metadata of a pod, and a specification of as many bytes as in JSON. */
function protobufEvent(specification: string): Buffer {
  const metadata = Buffer.concat([
    field(1, 'worker-7d9c5b6f4-x2x8z'),
    field(3, 'batch'),
    field(5, '9a4f08ec-daa3-423c-9eee-9438590b0ae4'),
    field(6, '1234567'),
    field(11, Buffer.concat([field(1, 'app'), field(2, 'worker')])),
  ]);
  const pod = Buffer.concat([field(1, metadata), field(2, specification)]);
  const typeMeta = Buffer.concat([field(1, 'v1'), field(2, 'Pod')]);
  const raw = Buffer.concat([Buffer.from('k8s\0'), field(1, typeMeta), field(2, pod)]);
  const event = Buffer.concat([field(1, 'MODIFIED'), field(2, field(1, raw))]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  const varint: number[] = [number * 8 + 2];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    varint.push((rest % 128) + (rest >= 128 ? 128 : 0));
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from(varint), bytes]);
}

function describe(cost: FramingCost): string {
  const { encoding, eventBytes, chunks, nsPerEvent, megabytesPerSecond } = cost;
  const figures = `${Math.round(nsPerEvent)} ns per event, ${Math.round(megabytesPerSecond)} MB/s`;
  return `${encoding}, ${eventBytes} B, in ${chunks}: ${figures}`;
}
