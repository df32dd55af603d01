// Etcd issue 18667: a member that lacks so many revisions as we made it lack, found or not.
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { divergeMember } from '../../tools/etcd-divergence.ts';
import type { EtcdMember } from '../../tools/etcd-member.ts';
import { holds, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { formatDifference, isDiverged, type LagRound } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { underLoad, withCluster } from './site.ts';

const AFFECTED = ['3.5.33', '3.6.14'] as const;
const FIXED = '3.7.3';
const AMOUNTS = [1, 2, 500] as const;
const INTERVAL_MS = 200;
const ROUNDS_CLEAN = 10;
const PUTS_PER_SECOND = 1000;
// Five seconds, in which the load reaches its rate.
const WARM_UP_ROUNDS = 25;
const ROUNDS_FOR_MANY = 10;
const LIMIT_MS = 60_000;

/** On clusters where nobody writes. */
export async function measureIdleDivergence(context: ScenarioContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const version of AFFECTED) {
    rows.push(
      ...(await withCluster(context, { version }, (cluster) =>
        idleRows(context, cluster, version),
      )),
    );
  }
  context.say(`${FIXED}, where all members leave the put out`);
  rows.push(
    await withCluster(context, { version: FIXED }, (cluster) => cleanRow(context, cluster)),
  );
  return rows;
}

async function idleRows(
  { say, signal }: ScenarioContext,
  cluster: EtcdCluster,
  version: string,
): Promise<Row[]> {
  const behind = await cluster.follower();
  const rows: Row[] = [];
  let made = 0;
  for (const amount of AMOUNTS) {
    say(`${version}: ${behind.name} is ${amount} behind`);
    await diverge(cluster, behind, amount - made);
    made = amount;
    await cluster.settle();
    const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
    const [first, second] = await watch.next(2, signal);
    await watch.stop();
    const what = `#18667 on ${version}, ${amount} behind, idle`;
    rows.push(
      holds(
        `${what}: first round`,
        `${behind.name}, ${amount}`,
        describe(first),
        first !== undefined && isFound(first, behind, amount),
      ),
      holds(
        `${what}: second round`,
        'confirmed',
        describe(second),
        second !== undefined && isFound(second, behind, amount) && isConfirmed(second, behind),
      ),
    );
  }
  return rows;
}

/** The same calls on a release that has been mended: nothing must be found. */
async function cleanRow({ signal }: ScenarioContext, cluster: EtcdCluster): Promise<Row> {
  await diverge(cluster, await cluster.follower(), Math.max(...AMOUNTS));
  await cluster.settle();
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
  const rounds = await watch.next(ROUNDS_CLEAN, signal);
  await watch.stop();
  const wrong = rounds.filter(({ members }) => members.some(({ state }) => state !== 'OK'));
  return holds(
    `#18667 on ${FIXED}, ${Math.max(...AMOUNTS)} times, idle`,
    `OK in ${ROUNDS_CLEAN} rounds`,
    wrong[0] === undefined ? `OK in ${rounds.length}` : describe(wrong[0]),
    wrong.length === 0,
  );
}

/** Beside a thousand puts a second on other connections. */
export async function measureDivergenceUnderLoad(context: ScenarioContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const version of AFFECTED) {
    for (const amount of [5, 500]) {
      rows.push(
        await withCluster(context, { version }, (cluster) =>
          loadedRow(context, cluster, version, amount),
        ),
      );
    }
  }
  return rows;
}

async function loadedRow(
  { say, signal }: ScenarioContext,
  cluster: EtcdCluster,
  version: string,
  amount: number,
): Promise<Row> {
  const behind = await cluster.follower();
  say(`${version}: ${behind.name} is ${amount} behind under ${PUTS_PER_SECOND} puts/s`);
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
  const { result, load } = await underLoad(
    cluster,
    { putsPerSecond: PUTS_PER_SECOND },
    async () => {
      await watch.next(WARM_UP_ROUNDS, signal);
      await diverge(cluster, behind, amount);
      const startedAtMs = performance.now();
      const from = watch.rounds.length;
      const found = await watch.find((round) => isConfirmed(round, behind), {
        limitMs: LIMIT_MS,
        signal,
        from,
      });
      const rounds = watch.rounds.length - from;
      return { found, rounds, seconds: (performance.now() - startedAtMs) / 1000 };
    },
  );
  const accused = watch.rounds.flatMap(({ members }) => members.filter(isDiverged));
  await watch.stop();
  const { found, rounds, seconds } = result;
  const few = amount < 100;
  const innocent = accused.find(({ name }) => name !== behind.name);
  return holds(
    `#18667 on ${version}, ${amount} behind, ${PUTS_PER_SECOND} puts/s`,
    few ? `${behind.name}, within 60 s` : `${behind.name}, within ${ROUNDS_FOR_MANY} rounds`,
    `${innocent === undefined ? describe(found) : innocent.proof}; ${rounds} rounds, ` +
      `${seconds.toFixed(1)} s at ${load.acknowledgedPerSecond.toFixed(0)} puts/s`,
    found !== undefined && innocent === undefined && (few || rounds <= ROUNDS_FOR_MANY),
  );
}

async function diverge(cluster: EtcdCluster, behind: EtcdMember, revisions: number) {
  const sound = cluster.members.find((member) => member !== behind);
  if (sound === undefined) throw new Error('a cluster of one member cannot diverge');
  await divergeMember({
    sound: cluster.gateway(sound),
    behind: cluster.gateway(behind),
    revisions,
  });
}

/** This member and no other, by exactly as much. */
function isFound({ members }: LagRound, { name }: EtcdMember, amount: number): boolean {
  const held = members.filter(({ difference }) => difference !== undefined);
  const [only] = held;
  return (
    held.length === 1 &&
    only?.name === name &&
    only.difference?.direction === 'behind' &&
    only.difference.atLeast === amount &&
    only.difference.atMost === amount
  );
}

function isConfirmed({ members }: LagRound, { name }: EtcdMember): boolean {
  return members.some((member) => member.name === name && member.state === 'DIVERGED_BEHIND');
}

function describe(round: LagRound | undefined): string {
  if (round === undefined) return 'nothing';
  const held = round.members.flatMap(({ name, state, difference }) =>
    difference === undefined
      ? state === 'OK'
        ? []
        : [`${name}: ${state}`]
      : [`${name}: ${formatDifference(difference)}`],
  );
  return held.length === 0 ? 'all OK' : held.join(', ');
}
