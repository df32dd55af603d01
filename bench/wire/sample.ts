// One sample of a load: requests from a client program, processor time of the proxy from /proc, both
// over the same stretch of time.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from '../peers/peer.ts';
import { percentile } from '../statistics.ts';
import type { Sample } from '../subject.ts';
import { parseH2load, parseH2loadSummary } from './h2load.ts';
import { type Load, rampMs, readUse, type SampleContext, type Target } from './load.ts';
import { sampleWithNode } from './node-sample.ts';

/** h2load goes on a little longer than we look, so that all we look at is under load. */
const TAIL_MS = 60;
const END_LIMIT_MS = 3000;

/** Throws when an answer was wrong: a figure of wrong answers is no figure. */
export async function takeSample(
  load: Load,
  target: Target,
  context: SampleContext,
): Promise<Sample> {
  const h2load = findProgram('h2load');
  // Our own client costs more than most subjects do, and so is rather the limit of the rates.
  if (h2load === undefined) return await sampleWithNode(load, target, context);
  const { children, directory, seconds, headers, bodyBytes, signal } = context;
  const durationMs = Math.round(rampMs(load) + seconds * 1000 + TAIL_MS);
  const stem = join(directory, `h2load-${process.hrtime.bigint()}`);
  const client = children.start({
    name: `h2load of ${target.name}`,
    command: h2load,
    args: h2loadArguments(load, {
      url: target.url,
      headers,
      durationMs,
      logPath: `${stem}.requests`,
    }),
    logPath: `${stem}.log`,
  });
  await delay(rampMs(load), undefined, { signal });
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
