// One kind of load, whom it is for, and what a proxy has used at a moment.
import type { ChildGroup } from '../../tools/child.ts';
import { readTreeSeconds } from '../process-time.ts';

const RAMP_MS = 300;
const RAMP_MS_PER_CONNECTION = 4;

export interface Load {
  /** Connections x streams and the body. */
  readonly name: string;
  readonly connections: number;
  readonly streams: number;
  readonly path: string;
  /** Makes each request a POST of this file. */
  readonly uploadPath?: string;
  /** Requests are sent at this rate, whenever the answers come. As fast as they come otherwise. */
  readonly requestsPerSecond?: number;
}

export interface Target {
  readonly name: string;
  readonly url: string;
  /** The proxy; none for the direct way. */
  readonly pid?: number;
}

export interface SampleContext {
  readonly children: ChildGroup;
  /** Holds the client's log. */
  readonly directory: string;
  readonly seconds: number;
  readonly caPath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of each answer. */
  readonly bodyBytes: number;
  readonly signal: AbortSignal;
}

/** Connections are made and get warm in it: handshakes are not on the requests' bill. */
export function rampMs({ connections }: Load): number {
  return RAMP_MS + RAMP_MS_PER_CONNECTION * connections;
}

export interface Use {
  /** Since 1970. */
  readonly atMicros: number;
  /** Zero where there is no proxy. */
  readonly cpuSeconds: number;
}

export function readUse({ pid }: Target): Use {
  const cpuSeconds = pid === undefined ? 0 : readTreeSeconds(pid);
  return { atMicros: (performance.timeOrigin + performance.now()) * 1000, cpuSeconds };
}
