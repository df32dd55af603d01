// How late events are because of the door: the same watch twice, straight at the apiserver and
// through the door, in one process, so that one clock tells both.
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../../tools/control-plane.ts';
import type { Sample } from '../apiserver-metrics.ts';
import { CONFIGMAPS, NumberedWriter } from '../watches/numbered-writer.ts';
import { quantileOf, readDoor } from './door-metrics.ts';

const PAIRS = 10;
const WRITES_PER_SECOND = 40;
const MEASURE_MS = 15_000;
const SETTLE_MS = 1500;

export interface EventLatency {
  readonly events: number;
  /** By quantile, in milliseconds. */
  readonly client: ReadonlyMap<number, number>;
  readonly door: ReadonlyMap<number, number>;
}

export const QUANTILES = [0.5, 0.99] as const;

/** When each version came, of one watch. */
type Arrivals = Map<string, number>;

export async function measureEventLatency(
  controlPlane: ControlPlane,
  doorUrl: string,
  adminUrl: string,
): Promise<EventLatency> {
  const writer = new NumberedWriter(controlPlane);
  await writer.prepare();
  const sessions: ClientHttp2Session[] = [];
  const watch = (url: string): Arrivals => watchMaps(controlPlane, url, sessions);
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  const pairs = Array.from({ length: PAIRS }, () => [watch(replica.url), watch(doorUrl)] as const);
  try {
    await delay(SETTLE_MS);
    writer.start(WRITES_PER_SECOND);
    await delay(SETTLE_MS);
    const before = await readDoor(adminUrl);
    for (const arrivals of pairs.flat()) arrivals.clear();
    await delay(MEASURE_MS);
    await writer.stop();
    await delay(SETTLE_MS);
    return compare(pairs, before, await readDoor(adminUrl));
  } finally {
    await writer.stop();
    for (const session of sessions) session.destroy();
  }
}

function compare(
  pairs: readonly (readonly [Arrivals, Arrivals])[],
  before: readonly Sample[],
  after: readonly Sample[],
): EventLatency {
  const differencesMs = pairs
    .flatMap(([direct, door]) =>
      [...door].flatMap(([version, atMs]) => {
        const directAtMs = direct.get(version);
        return directAtMs === undefined ? [] : [atMs - directAtMs];
      }),
    )
    .toSorted((one, other) => one - other);
  const name = 'evenkeel_watch_event_latency_seconds';
  const labels = { resource: 'configmaps' };
  return {
    events: differencesMs.length,
    client: new Map(
      QUANTILES.map((quantile) => [
        quantile,
        differencesMs[Math.floor(quantile * differencesMs.length)] ?? Number.NaN,
      ]),
    ),
    door: new Map(
      QUANTILES.map((quantile) => [
        quantile,
        1000 * quantileOf(name, labels, quantile, before, after),
      ]),
    ),
  };
}

/** A watch on a connection of its own: nothing of another one is before it. */
function watchMaps(
  { pki, tokens }: ControlPlane,
  url: string,
  sessions: ClientHttp2Session[],
): Arrivals {
  const arrivals: Arrivals = new Map();
  const session = connect(url, { ca: pki.clusterCa.cert });
  session.on('error', () => undefined);
  sessions.push(session);
  const stream = session.request({
    ':path': `${CONFIGMAPS}?watch=1&resourceVersion=0`,
    authorization: `Bearer ${tokens.admin}`,
  });
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (chunk: string) => {
    const atMs = performance.now();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const version = /"resourceVersion":"(\d+)"/.exec(line)?.[1];
      if (version !== undefined) arrivals.set(version, atMs);
    }
  });
  return arrivals;
}
