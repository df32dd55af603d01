// Twenty thousand watches of the simulator: one of three replicas is killed, and a third of them has
// to go on elsewhere.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Simulator, startSimulator } from '../../simulator/cluster.ts';
import { ChildGroup } from '../../tools/child.ts';
import { Cleanup } from '../../tools/cleanup.ts';
import { TOKENS } from '../../tools/control-plane.ts';
import { startDoor } from '../../tools/door.ts';
import { parseSamples, sumSamples } from '../apiserver-metrics.ts';
import { atMost, holds, measured, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { RawWatches } from './raw-watches.ts';

const WATCHES = 20_000;
const FLOOR_SECONDS = 30;
/** A last resort: the figure is then what has been reached. */
const LIMIT_MS = 120_000;
const POLL_MS = 50;
const MEBIBYTE = 1024 * 1024;

export async function killUnderManyWatches(context: ScenarioContext): Promise<Row[]> {
  // What is left of them would be in the way of the next measurement.
  const cleanup = new Cleanup(context.signal);
  try {
    return await measure({ ...context, onEnd: (end) => cleanup.add(end) });
  } finally {
    await cleanup.run();
  }
}

async function measure(context: ScenarioContext): Promise<Row[]> {
  const { say, onEnd, signal } = context;
  const directory = join(context.directory, 'many');
  await mkdir(directory);
  const simulator = await startSimulator({ directory: join(directory, 'pki') });
  await onEnd(() => simulator.stop());
  const children = new ChildGroup();
  await onEnd(() => children.stop());
  const { pki, replicas, store } = simulator;
  const door = await startDoor({ directory, pki, children, endpoints: replicas });
  const raw = new RawWatches({
    url: door.url,
    ca: pki.clusterCa.cert,
    token: TOKENS.admin,
    watches: WATCHES,
    resourceVersion: `${store.revision}`,
  });
  await onEnd(async () => raw.close());
  say(`opening ${WATCHES} watches of the simulator`);
  await raw.start();
  await untilAllHaveSeen(simulator, raw, 'before', signal);
  raw.reset();
  const cpuSeconds = await ownFigure(door.adminUrl, 'process_cpu_seconds_total');
  say('killing a replica of the simulator');
  const killedAtMs = performance.now();
  replicas[0]?.kill();
  await untilAllHaveSeen(simulator, raw, 'after', signal);
  const seconds = (performance.now() - killedAtMs) / 1000;
  const { ends, open } = raw.counts();
  const cpu = (await ownFigure(door.adminUrl, 'process_cpu_seconds_total')) - cpuSeconds;
  const rssBytes = await ownFigure(door.adminUrl, 'process_resident_memory_bytes');
  const what = `${WATCHES} watches, one of three replicas killed`;
  const rssMiB = Math.round(rssBytes / MEBIBYTE);
  return [
    atMost({ what: `${what}: all have the next event`, value: seconds, unit: 's' }, FLOOR_SECONDS),
    holds(`${what}: ends`, '0', `${ends} ends, ${open} open`, ends === 0 && open === WATCHES),
    measured({ what: `${what}: CPU of the door until then`, value: cpu, unit: 's' }),
    measured({ what: `${what}: memory of the door`, value: rssMiB, unit: 'MiB' }),
  ];
}

/** What the door says of its own process. */
async function ownFigure(adminUrl: string, name: string): Promise<number> {
  const answer = await fetch(`${adminUrl}/metrics`);
  return sumSamples(parseSamples(await answer.text()), name, {});
}

async function untilAllHaveSeen(
  simulator: Simulator,
  raw: RawWatches,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const writtenAtMs = performance.now();
  simulator.create('configmaps', { metadata: { name } });
  while (raw.silentSince(writtenAtMs) > 0 && performance.now() - writtenAtMs < LIMIT_MS) {
    await delay(POLL_MS, undefined, { signal });
  }
}
