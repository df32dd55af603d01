// Members that hold the right data and come late: one that stood still, and one that is slow.
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import type { EtcdGateway } from '../../tools/etcd-gateway.ts';
import type { EtcdMember } from '../../tools/etcd-member.ts';
import { poll } from '../../tools/poll.ts';
import { holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { isDiverged, type LagRound } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { underLoad, withCluster } from './site.ts';

const INTERVAL_MS = 200;
const PAUSE_MS = 20_000;
const SLOW_MS = 20_000;
const WARM_UP_ROUNDS = 5;
// So many that what was missed takes seconds, and not so many that the leader forgets them.
const LOAD = { putsPerSecond: 1000, valueBytes: 1024 } as const;
const KEPT_ENTRIES = 1_000_000;
// Of each cycle the member runs for the first time and stands still for the second.
const RUN_MS = 15;
const STILL_MS = 135;
const IN_STEP_ENTRIES = 100n;
const CATCH_UP_LIMIT_MS = 60_000;
const MOST_OFF = 0.5;

interface Seen {
  readonly rounds: readonly LagRound[];
  /** When the member had all that was committed but for what is always under way. */
  readonly caughtUpAtMs: number;
}

/** Frozen for 20 s, and let go. */
export async function measurePausedFollower(context: ScenarioContext): Promise<Row[]> {
  return await measure(context, 'a follower paused for 20 s', async (member, signal) => {
    await member.freeze();
    try {
      await delay(PAUSE_MS, undefined, { signal });
    } finally {
      member.thaw();
    }
  });
}

/** Given a tenth of the time, and then all of it. */
export async function measureSlowFollower(context: ScenarioContext): Promise<Row[]> {
  return await measure(context, 'a follower with a tenth of its time', async (member, signal) => {
    const endsAtMs = performance.now() + SLOW_MS;
    while (performance.now() < endsAtMs) {
      await member.freeze();
      try {
        await delay(STILL_MS, undefined, { signal });
      } finally {
        member.thaw();
      }
      await delay(RUN_MS, undefined, { signal });
    }
  });
}

async function measure(
  context: ScenarioContext,
  what: string,
  hinder: (member: EtcdMember, signal: AbortSignal) => Promise<void>,
): Promise<Row[]> {
  const { say, signal } = context;
  say(what);
  const options = { snapshotCount: KEPT_ENTRIES };
  return await withCluster(context, options, async (cluster) => {
    const member = await cluster.follower();
    const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
    const { result } = await underLoad(cluster, LOAD, async (): Promise<Seen> => {
      await watch.next(WARM_UP_ROUNDS, signal);
      const from = watch.rounds.length;
      await hinder(member, signal);
      const caughtUpAtMs = await untilCaughtUp(cluster, member);
      await watch.next(WARM_UP_ROUNDS, signal);
      return { rounds: watch.rounds.slice(from), caughtUpAtMs };
    });
    await watch.stop();
    return lateRows(what, member.name, result);
  });
}

/** Looked at by other means than the tool's, and more often. */
async function untilCaughtUp(cluster: EtcdCluster, member: EtcdMember): Promise<number> {
  const leader = cluster.openGateway(await cluster.leader());
  const follower = cluster.openGateway(member);
  try {
    return await poll(
      `${member.name} to catch up`,
      async () => ((await entriesBehind(leader, follower)) <= IN_STEP_ENTRIES ? now() : undefined),
      CATCH_UP_LIMIT_MS,
    );
  } finally {
    leader.close();
    follower.close();
  }
}

async function entriesBehind(leader: EtcdGateway, follower: EtcdGateway): Promise<bigint> {
  const { raftIndex } = await leader.status();
  const { raftAppliedIndex } = await follower.status();
  return raftIndex - raftAppliedIndex;
}

function now(): number {
  return performance.now();
}

function lateRows(what: string, name: string, { rounds, caughtUpAtMs }: Seen): Row[] {
  const diverged = rounds.flatMap(({ members }) => members.filter(isDiverged));
  const own = rounds.flatMap(({ members, seenAtMs }) =>
    members.filter((member) => member.name === name).map((member) => ({ ...member, seenAtMs })),
  );
  const late = own.filter(({ state }) => state === 'SLOW' || state === 'CATCHING_UP');
  const told = late.flatMap(({ etaMs, seenAtMs }) =>
    etaMs === undefined || seenAtMs > caughtUpAtMs
      ? []
      : [{ etaMs, trueMs: caughtUpAtMs - seenAtMs }],
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
      countStates(own.map(({ state }) => state)),
      late.length > 0,
    ),
    etaRow(`${what}: time until it has caught up`, told),
  ];
}

function etaRow(what: string, told: readonly { etaMs: number; trueMs: number }[]): Row {
  const floor = `within ${MOST_OFF * 100} % of the truth`;
  if (told.length === 0) return notRun(what, floor, 'none was told before it had caught up');
  const offs = told.map(({ etaMs, trueMs }) => Math.abs(etaMs - trueMs) / trueMs).sort(ascending);
  const median = offs[Math.floor(offs.length / 2)] ?? Number.POSITIVE_INFINITY;
  const list = told.map(({ etaMs, trueMs }) => `${seconds(etaMs)} of ${seconds(trueMs)}`);
  return holds(
    what,
    floor,
    `${(median * 100).toFixed(0)} % off in the median of ${told.length}: ${list.slice(0, 4).join(', ')}`,
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

function ascending(a: number, b: number): number {
  return a - b;
}
