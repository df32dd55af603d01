// How late events are because of the door: the same watch straight at the apiserver and through the
// door, in one process, so that one clock tells both. And straight a second time: by how much those two
// differ is the machine's doing, and on a machine that is too busy nothing can be said.
import type { ClientHttp2Session } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../../tools/control-plane.ts';
import type { Sample } from '../apiserver-metrics.ts';
import { CONFIGMAPS, NumberedWriter } from '../watches/numbered-writer.ts';
import { quantileOf, readDoor } from './door-metrics.ts';
import { watchLines } from './watch-lines.ts';

const TRIOS = 10;
const WRITES_PER_SECOND = 40;
const MEASURE_MS = 15_000;
const SETTLE_MS = 1500;

/** In milliseconds. */
export interface EventLatency {
  readonly quantile: number;
  readonly events: number;
  /** How much later than straight an event came through the door. */
  readonly clientMs: number;
  /** What the door itself says. */
  readonly doorMs: number;
  /** How far apart the same event came on two watches that were both straight. */
  readonly noiseMs: number;
}

const QUANTILES = [0.5, 0.99] as const;

/** When each version came, of one watch. */
type Arrivals = Map<string, number>;
type Trio = readonly [direct: Arrivals, door: Arrivals, again: Arrivals];

export async function measureEventLatency(
  controlPlane: ControlPlane,
  doorUrl: string,
  adminUrl: string,
): Promise<EventLatency[]> {
  const writer = new NumberedWriter(controlPlane);
  await writer.prepare();
  const sessions: ClientHttp2Session[] = [];
  const watch = (url: string): Arrivals => watchMaps(controlPlane, url, sessions);
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  const trios = Array.from({ length: TRIOS }, (): Trio => {
    return [watch(replica.url), watch(doorUrl), watch(replica.url)];
  });
  try {
    await delay(SETTLE_MS);
    writer.start(WRITES_PER_SECOND);
    await delay(SETTLE_MS);
    const before = await readDoor(adminUrl);
    for (const arrivals of trios.flat()) arrivals.clear();
    await delay(MEASURE_MS);
    await writer.stop();
    await delay(SETTLE_MS);
    return compare(trios, before, await readDoor(adminUrl));
  } finally {
    await writer.stop();
    for (const session of sessions) session.destroy();
  }
}

function compare(
  trios: readonly Trio[],
  before: readonly Sample[],
  after: readonly Sample[],
): EventLatency[] {
  const late = trios.flatMap(([direct, door]) => differencesMs(direct, door)).toSorted(byValue);
  const noise = trios.flatMap(([direct, , again]) => differencesMs(direct, again).map(Math.abs));
  noise.sort(byValue);
  const at = (sorted: readonly number[], quantile: number): number =>
    sorted[Math.floor(quantile * sorted.length)] ?? Number.NaN;
  const name = 'evenkeel_watch_event_latency_seconds';
  const labels = { resource: 'configmaps' };
  return QUANTILES.map((quantile) => ({
    quantile,
    events: late.length,
    clientMs: at(late, quantile),
    doorMs: 1000 * quantileOf(name, labels, quantile, before, after),
    noiseMs: at(noise, quantile),
  }));
}

/** How much later each event came there than here. */
function differencesMs(here: Arrivals, there: Arrivals): number[] {
  return [...there].flatMap(([version, atMs]) => {
    const hereAtMs = here.get(version);
    return hereAtMs === undefined ? [] : [atMs - hereAtMs];
  });
}

function byValue(one: number, other: number): number {
  return one - other;
}

function watchMaps(
  controlPlane: ControlPlane,
  url: string,
  sessions: ClientHttp2Session[],
): Arrivals {
  const arrivals: Arrivals = new Map();
  const path = `${CONFIGMAPS}?watch=1&resourceVersion=0`;
  sessions.push(
    watchLines(controlPlane, url, path, (line) => {
      const version = /"resourceVersion":"(\d+)"/.exec(line)?.[1];
      if (version !== undefined) arrivals.set(version, performance.now());
    }),
  );
  return arrivals;
}
