// One kind of load, and one sample of it: requests from a client program, processor time of the
// proxy from /proc, both over the same stretch of time.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildGroup } from '../../tools/child.ts';
import { findProgram } from '../peers/peer.ts';
import { readTreeSeconds } from '../process-time.ts';
import { percentile } from '../statistics.ts';
import type { Sample } from '../subject.ts';
import { parseH2load, parseH2loadSummary } from './h2load.ts';

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
  readonly headers: Readonly<Record<string, string>>;
  /** Of each answer. */
  readonly bodyBytes: number;
  readonly signal: AbortSignal;
}

/** Connections are made and get warm in it: handshakes are not on the requests' bill. */
const RAMP_MS = 300;
const RAMP_MS_PER_CONNECTION = 4;
/** h2load goes on a little longer than we look, so that all we look at is under load. */
const TAIL_MS = 60;
const END_LIMIT_MS = 3000;

/** Throws when h2load is not there. */
export function requireH2load(): string {
  const path = findProgram('h2load');
  if (path === undefined) throw new Error('h2load is missing. Run: npm run bench:peers');
  return path;
}

/** Throws when an answer was wrong: a figure of wrong answers is no figure. */
export async function takeSample(
  load: Load,
  target: Target,
  { children, directory, seconds, headers, bodyBytes, signal }: SampleContext,
): Promise<Sample> {
  const rampMs = RAMP_MS + RAMP_MS_PER_CONNECTION * load.connections;
  const durationMs = Math.round(rampMs + seconds * 1000 + TAIL_MS);
  const stem = join(directory, `h2load-${process.hrtime.bigint()}`);
  const client = children.start({
    name: `h2load of ${target.name}`,
    command: requireH2load(),
    args: h2loadArguments(load, {
      url: target.url,
      headers,
      durationMs,
      logPath: `${stem}.requests`,
    }),
    logPath: `${stem}.log`,
  });
  await delay(rampMs, undefined, { signal });
  const before = readUse(target);
  await delay(seconds * 1000, undefined, { signal });
  const after = readUse(target);
  // Its records are complete without its end, which some proxies keep it from: it waits for them to
  // take note of its GOAWAY.
  await Promise.race([client.exited, delay(END_LIMIT_MS, undefined, { signal })]);
  const ended = !client.running;
  if (!ended) await client.kill();
  const { latenciesMs, wrong } = parseH2load(
    await readFile(`${stem}.requests`, 'utf8'),
    before.atMicros,
    after.atMicros,
  );
  if (latenciesMs.length === 0) throw new Error('no answers under load');
  const failed = ended ? failedOf(await readFile(`${stem}.log`, 'utf8'), bodyBytes) : 0;
  const elapsedSeconds = (after.atMicros - before.atMicros) / 1e6;
  const cpuMicros = (after.cpuSeconds - before.cpuSeconds) * 1e6;
  return {
    requestsPerSecond: latenciesMs.length / elapsedSeconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    ...(target.pid === undefined ? {} : { cpuMicrosPerRequest: cpuMicros / latenciesMs.length }),
    errors: wrong + failed,
  };
}

/** Throws when answers are shorter than they must be. */
function failedOf(output: string, bodyBytes: number): number {
  const summary = parseH2loadSummary(output);
  if (summary.bodyBytes < summary.succeeded * bodyBytes) {
    throw new Error(`answers are shorter than ${bodyBytes} B`);
  }
  return summary.failed;
}

function readUse({ pid }: Target): { atMicros: number; cpuSeconds: number } {
  const cpuSeconds = pid === undefined ? 0 : readTreeSeconds(pid);
  return { atMicros: (performance.timeOrigin + performance.now()) * 1000, cpuSeconds };
}

function h2loadArguments(
  load: Load,
  run: Pick<SampleContext, 'headers'> & { url: string; durationMs: number; logPath: string },
): string[] {
  const { url, headers, durationMs, logPath } = run;
  const { connections, streams, requestsPerSecond, uploadPath } = load;
  return [
    `--clients=${connections}`,
    `--max-concurrent-streams=${streams}`,
    `--duration=${durationMs}ms`,
    `--log-file=${logPath}`,
    ...Object.entries(headers).map(([name, value]) => `--header=${name}: ${value}`),
    ...(uploadPath === undefined ? [] : [`--data=${uploadPath}`]),
    // Of each client.
    ...(requestsPerSecond === undefined ? [] : [`--rps=${requestsPerSecond / connections}`]),
    `${url}${load.path}`,
  ];
}
