// Members that hold the right data and come late: one that stood still, and one that is slow.
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import type { EtcdGateway } from '../../tools/etcd-gateway.ts';
import type { EtcdMember } from '../../tools/etcd-member.ts';
import { holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { isDiverged, type LagRound } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { underLoad, withCluster } from './site.ts';

const INTERVAL_MS = 100;
const PAUSE_MS = 20_000;
const SLOW_MS = 20_000;
// Closes 32 MB in about 13 s, at the load below.
const ENOUGH_BYTES_PER_SECOND = 4_000_000;
const TOO_FEW_BYTES_PER_SECOND = 800_000;
const WARM_UP_ROUNDS = 20;
// 1.6 MB a second, besides what raft adds.
const LOAD = { putsPerSecond: 100, valueBytes: 16 * 1024 } as const;
// So that what was missed comes entry by entry, and not as a snapshot.
const KEPT_ENTRIES = 1_000_000;
// As `Trend` has it: so much is always under way.
const IN_STEP_ENTRIES = 100n;
const CATCH_UP_LIMIT_MS = 60_000;
const LOOK_MS = 10;
const MOST_OFF = 0.5;
// What is told shortly before the end is off by as much as it takes to tell it.
const MIN_TRUE_MS = 300;

interface Seen {
  readonly what: string;
  readonly name: string;
  readonly rounds: readonly LagRound[];
  /** When the member had all that was committed but for what is always under way. */
  readonly caughtUpAtMs: number;
}

/** What is done to a follower. */
interface Hindrance {
  readonly what: string;
  /** It is frozen for so long. */
  readonly pauseMs: number;
  /** Of the network to it, from the end of the pause on. */
  readonly bytesPerSecond?: number;
  /** After so long it has its network back; else when it has caught up. */
  readonly slowMs?: number;
}

const PAUSED: Hindrance = { what: 'a follower paused for 20 s', pauseMs: PAUSE_MS };
const SLOWLY: Hindrance = {
  what: 'a follower paused for 20 s, with a slow network',
  pauseMs: PAUSE_MS,
  bytesPerSecond: ENOUGH_BYTES_PER_SECOND,
};
const TOO_SLOW: Hindrance = {
  what: 'a follower whose network is slower than the writes',
  pauseMs: 0,
  bytesPerSecond: TOO_FEW_BYTES_PER_SECOND,
  slowMs: SLOW_MS,
};

/** Rows of one that is let go after 20 s, one that comes back slowly, and one that is always late. */
export async function measureLateFollowers(context: ScenarioContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const hindrance of [PAUSED, SLOWLY, TOO_SLOW]) {
    const seen = await measure(context, hindrance);
    rows.push(...lateRows(seen));
    // What is missed at full speed is there within a round or two, and then all at once.
    if (hindrance === SLOWLY) rows.push(etaRow(seen));
  }
  return rows;
}

async function measure(context: ScenarioContext, hindrance: Hindrance): Promise<Seen> {
  const { say, signal } = context;
  const { what } = hindrance;
  say(what);
  const options = { snapshotCount: KEPT_ENTRIES, relayPeers: true };
  return await withCluster(context, options, async (cluster) => {
    const member = await cluster.follower();
    const urls = cluster.endpoints.filter((url) => url !== member.clientUrl);
    const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
    const { result } = await underLoad(cluster, { ...LOAD, urls }, async (): Promise<Seen> => {
      await watch.next(WARM_UP_ROUNDS, signal);
      const from = watch.rounds.length;
      const caughtUpAtMs = await hinder(cluster, member, hindrance, signal);
      await watch.next(WARM_UP_ROUNDS, signal);
      return { what, name: member.name, rounds: watch.rounds.slice(from), caughtUpAtMs };
    });
    await watch.stop();
    return result;
  });
}

/** Resolves with the time at which it had caught up. */
async function hinder(
  cluster: EtcdCluster,
  member: EtcdMember,
  { pauseMs, bytesPerSecond, slowMs }: Hindrance,
  signal: AbortSignal,
): Promise<number> {
  if (pauseMs > 0) await member.freeze();
  try {
    if (bytesPerSecond !== undefined) cluster.relay?.limit(member, bytesPerSecond);
    await delay(pauseMs, undefined, { signal });
  } finally {
    member.thaw();
  }
  if (slowMs !== undefined) {
    await delay(slowMs, undefined, { signal });
    cluster.mend();
  }
  return await untilCaughtUp(cluster, member, signal);
}

/** Looked at by other means than the tool's, and more often. */
async function untilCaughtUp(
  cluster: EtcdCluster,
  member: EtcdMember,
  signal: AbortSignal,
): Promise<number> {
  const leader = cluster.openGateway(await cluster.leader());
  const follower = cluster.openGateway(member);
  const limitAtMs = performance.now() + CATCH_UP_LIMIT_MS;
  try {
    while (performance.now() < limitAtMs) {
      if ((await entriesBehind(leader, follower)) <= IN_STEP_ENTRIES) return performance.now();
      await delay(LOOK_MS, undefined, { signal });
    }
  } finally {
    leader.close();
    follower.close();
  }
  throw new Error(`${member.name} has not caught up in ${CATCH_UP_LIMIT_MS} ms`);
}

async function entriesBehind(leader: EtcdGateway, follower: EtcdGateway): Promise<bigint> {
  const { raftIndex } = await leader.status();
  const { raftAppliedIndex } = await follower.status();
  return raftIndex - raftAppliedIndex;
}

function lateRows({ what, name, rounds }: Seen): Row[] {
  const diverged = rounds.flatMap(({ members }) => members.filter(isDiverged));
  const states = rounds.flatMap(({ members }) =>
    members.filter((member) => member.name === name).map(({ state }) => state),
  );
  return [
    holds(
      `${what}: said to have diverged`,
      '0',
      `${diverged.length} in ${rounds.length} rounds`,
      diverged.length === 0,
    ),
    holds(
      `${what}: what it is called`,
      'SLOW or CATCHING_UP',
      countStates(states),
      states.some((state) => state === 'SLOW' || state === 'CATCHING_UP'),
    ),
  ];
}

function etaRow({ what, name, rounds, caughtUpAtMs }: Seen): Row {
  const told = rounds.flatMap(({ members, seenAtMs }) => {
    const trueMs = caughtUpAtMs - seenAtMs;
    return members
      .filter((member) => member.name === name && member.state === 'CATCHING_UP')
      .flatMap(({ etaMs }) =>
        etaMs === undefined || trueMs < MIN_TRUE_MS ? [] : [{ etaMs, trueMs }],
      );
  });
  const row = `${what}: when it will have caught up`;
  const floor = `within ${MOST_OFF * 100} % of the truth`;
  if (told.length === 0) return notRun(row, floor, 'not told while there was time');
  const offs = told.map(({ etaMs, trueMs }) => Math.abs(etaMs - trueMs) / trueMs);
  const median = offs.toSorted((a, b) => a - b)[Math.floor(offs.length / 2)] ?? 0;
  const within = offs.filter((off) => off <= MOST_OFF).length;
  const shown = [told[0], told[Math.floor(told.length / 2)]].flatMap((one) =>
    one === undefined ? [] : [`${seconds(one.etaMs)} for ${seconds(one.trueMs)}`],
  );
  return holds(
    row,
    floor,
    `${(median * 100).toFixed(0)} % off in the median of ${told.length}, ${within} of them within; ` +
      `the first ${shown.join(', one in the middle ')}`,
    median <= MOST_OFF,
  );
}

function countStates(states: readonly string[]): string {
  const kinds = [...new Set(states)];
  return kinds
    .map((kind) => `${states.filter((state) => state === kind).length} ${kind}`)
    .join(', ');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
