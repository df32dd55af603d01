// A sample with our own client, where h2load is missing.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JsonLines } from '../../tools/json-lines.ts';
import type { LoadSample, LoadSpec } from '../load-client.ts';
import type { Sample } from '../subject.ts';
import { type Load, rampMs, readUse, type SampleContext, type Target } from './load.ts';

const CLIENT = fileURLToPath(new URL('../load-client.ts', import.meta.url));
/** Beyond the time of a run: the last answers have to come in. */
const RUN_LIMIT_MS = 15_000;

export async function sampleWithNode(
  load: Load,
  target: Target,
  { children, directory, seconds, headers, bodyBytes, caPath, signal }: SampleContext,
): Promise<Sample> {
  const { connections, streams, path, uploadPath, requestsPerSecond } = load;
  if (requestsPerSecond !== undefined) {
    throw new Error('a fixed rate needs h2load; run: npm run bench:peers');
  }
  const spec: LoadSpec = {
    urls: [target.url],
    path,
    caPath,
    connections,
    streams,
    headers,
    bodyBytes,
    ...(uploadPath === undefined ? {} : { uploadPath }),
  };
  const client = children.start({
    name: `load client of ${target.name}`,
    command: process.execPath,
    args: [CLIENT, JSON.stringify(spec)],
    logPath: join(directory, 'load-client.log'),
    interactive: true,
  });
  const lines = new JsonLines(client.name, client.requireStdout());
  const run = async (runSeconds: number): Promise<LoadSample> => {
    const limit = AbortSignal.timeout(runSeconds * 1000 + RUN_LIMIT_MS);
    const next = lines.next(({ event }) => event === 'sample', AbortSignal.any([limit, signal]));
    client.stdin?.write(`${runSeconds}\n`);
    return (await next) as unknown as LoadSample;
  };
  try {
    await run(rampMs(load) / 1000);
    const before = readUse(target);
    const { requests, errors, p50Ms, p99Ms, seconds: took } = await run(seconds);
    const cpuMicros = (readUse(target).cpuSeconds - before.cpuSeconds) * 1e6;
    if (requests === 0) throw new Error('no right answers under load');
    return {
      requestsPerSecond: requests / took,
      p50Ms,
      p99Ms,
      ...(target.pid === undefined ? {} : { cpuMicrosPerRequest: cpuMicros / requests }),
      errors,
    };
  } finally {
    await client.kill();
  }
}
