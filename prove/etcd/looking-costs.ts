// What looking costs a cluster: entries of its log, connections, and how long a round takes.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { poll } from '../../tools/poll.ts';
import { atMost, holds, measured, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import type { LagRound } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { underLoad, withCluster } from './site.ts';

const ROUNDS = 600;
const ROUNDS_WITH_AUTH = 100;
const ROUNDS_UNDER_LOAD = 50;
const INTERVAL_MS = 20;
// The first rounds of a process compile it and open the connections.
const WARM_UP_ROUNDS = 10;
const IDLE_ROUND_MS = 50;
const PUTS_PER_SECOND = 1000;
const ROOT_PASSWORD = 'root-password';
// ESTABLISHED, of the states in the kernel's include/net/tcp_states.h.
const ESTABLISHED = '01';

/** On three members that nobody else uses, and then on the same under load. */
export async function measureLookingCosts(context: ScenarioContext): Promise<Row[]> {
  const { say, signal } = context;
  return await withCluster(context, {}, async (cluster) => {
    say(`${ROUNDS} rounds without auth`);
    const plain = await look(context, cluster, ROUNDS);
    say('rounds under load');
    const { result, load } = await underLoad(cluster, { putsPerSecond: PUTS_PER_SECOND }, () =>
      lookUnderLoad(cluster, signal),
    );
    say(`${ROUNDS_WITH_AUTH} rounds with auth`);
    await cluster.enableAuth(ROOT_PASSWORD);
    const passwordFile = join(context.directory, 'looking-password');
    await writeFile(passwordFile, ROOT_PASSWORD, { mode: 0o600 });
    const flags = ['--user=root', `--password-file=${passwordFile}`];
    // The gateway's own tokens are entries too, and are to be there before.
    await cluster.statuses();
    const authenticated = await look(context, cluster, ROUNDS_WITH_AUTH, flags);
    const underLoadOf = `a round over 3 members under ${load.acknowledgedPerSecond.toFixed(0)} puts/s`;
    return [
      ...costRows(`${ROUNDS} idle rounds without auth`, plain, 0),
      ...costRows(`${ROUNDS_WITH_AUTH} idle rounds with auth`, authenticated, 3),
      atMost(
        { what: 'a round over 3 members, idle: median', value: median(plain.rounds), unit: 'ms' },
        IDLE_ROUND_MS,
      ),
      measured({ what: 'the same: longest', value: longest(plain.rounds), unit: 'ms' }),
      measured({ what: `${underLoadOf}: median`, value: median(result), unit: 'ms' }),
      measured({ what: `${underLoadOf}: longest`, value: longest(result), unit: 'ms' }),
    ];
  });
}

interface Cost {
  readonly rounds: readonly LagRound[];
  /** By how many entries the log of each member has grown. */
  readonly entries: readonly bigint[];
  /** To each member, while it was looked at and afterwards, beyond what there was before. */
  readonly opened: readonly number[];
  readonly left: readonly number[];
}

async function look(
  { signal }: ScenarioContext,
  cluster: EtcdCluster,
  count: number,
  flags: readonly string[] = [],
): Promise<Cost> {
  await cluster.settle();
  const indexesBefore = await raftIndexes(cluster);
  const before = connections(cluster);
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS, flags });
  const rounds = await watch.next(count, signal);
  const during = connections(cluster);
  await watch.stop();
  const left = await poll('the connections to end', async () => {
    const open = minus(connections(cluster), before);
    return open.every((number) => number <= 0) ? open : undefined;
  });
  const indexes = await raftIndexes(cluster);
  return {
    rounds,
    entries: indexes.map((index, at) => index - (indexesBefore[at] ?? 0n)),
    opened: minus(during, before),
    left,
  };
}

async function lookUnderLoad(cluster: EtcdCluster, signal: AbortSignal) {
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
  const rounds = await watch.next(WARM_UP_ROUNDS + ROUNDS_UNDER_LOAD, signal);
  await watch.stop();
  return rounds;
}

function costRows(what: string, { entries, opened, left }: Cost, floor: number): Row[] {
  const wanted = floor === 0 ? 'none' : `${floor}: one for each endpoint`;
  return [
    holds(
      `${what}: entries of the raft log`,
      wanted,
      entries.join(', '),
      entries.every((number) => number === BigInt(floor)),
    ),
    holds(
      `${what}: connections to each member, and left at the end`,
      '1, and 0',
      `${opened.join(', ')}, and ${left.join(', ')}`,
      opened.every((number) => number === 1) && left.every((number) => number === 0),
    ),
  ];
}

async function raftIndexes(cluster: EtcdCluster): Promise<bigint[]> {
  return [...(await cluster.statuses()).values()].map(({ raftIndex }) => raftIndex);
}

/** Of anybody to each member's client port (proc_net_tcp in Linux). */
function connections({ endpoints }: EtcdCluster): number[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  return endpoints.map((url) => {
    const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
    return rows.filter(([, , remote = '', state]) => {
      return remote.endsWith(`:${port}`) && state === ESTABLISHED;
    }).length;
  });
}

function minus(numbers: readonly number[], others: readonly number[]): number[] {
  return numbers.map((number, at) => number - (others[at] ?? 0));
}

function median(rounds: readonly LagRound[]): number {
  const times = tookMs(rounds).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? 0;
}

function longest(rounds: readonly LagRound[]): number {
  return Math.max(...tookMs(rounds));
}

function tookMs(rounds: readonly LagRound[]): number[] {
  return rounds.slice(WARM_UP_ROUNDS).map((round) => round.tookMs);
}
