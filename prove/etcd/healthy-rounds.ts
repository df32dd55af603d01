// Healthy clusters to which everything is done that operators and machines do to them, while they are
// written to: nobody may be called diverged or stuck.
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { holds, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { EQUALITY_TRIES_MS, equalityAlarms } from './equality-alarms.ts';
import { isDiverged, type LagRound } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { findDamage, type LoadReport, underLoad, withCluster } from './site.ts';

const PUTS_PER_SECOND = 1000;
const INTERVAL_MS = 200;
const DOWN_MS = 2000;
const BETWEEN_MS = 1000;
// Below and above the time after which followers elect another leader (1 s by default).
const PULSES_MS = [300, 2500] as const;

interface Subject {
  readonly cluster: EtcdCluster;
  readonly watch: LagWatch;
  readonly signal: AbortSignal;
}

interface Operation {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

const OPERATIONS: readonly Operation[] = [
  {
    name: 'the leader changes',
    run: async ({ cluster }) => cluster.moveLeader(await cluster.follower()),
  },
  {
    name: 'a follower is frozen',
    run: async (subject) => pulse(subject, 'follower'),
  },
  {
    name: 'compaction',
    run: async ({ cluster }) => {
      const gateway = cluster.gateway(await cluster.leader());
      const { revision } = await gateway.status();
      await gateway.call('kv/compaction', { revision: String(revision) });
    },
  },
  {
    name: 'a member is stopped and started',
    run: async ({ cluster, signal }) => {
      const member = await cluster.follower();
      await member.terminate();
      await delay(DOWN_MS, undefined, { signal });
      await cluster.start(member);
    },
  },
  {
    name: 'the leader is frozen',
    run: async (subject) => pulse(subject, 'leader'),
  },
  {
    name: 'defragmentation',
    run: async ({ cluster }) => {
      for (const member of cluster.members) {
        await cluster.gateway(member).call('maintenance/defragment', {});
      }
    },
  },
  {
    name: 'a learner is added, promoted and removed',
    run: async ({ cluster, watch, signal }) => {
      const learner = await cluster.addLearner();
      // It is among the endpoints from now on.
      await watch.restart();
      await delay(BETWEEN_MS, undefined, { signal });
      await cluster.promote(learner);
      await delay(BETWEEN_MS, undefined, { signal });
      // Not another one: the load goes to those that were there at the beginning.
      await cluster.remove(learner);
      await watch.restart();
    },
  },
];

/** `rounds` on a cluster of three members and as many on one of five. */
export async function measureHealthyRounds(context: ScenarioContext, rounds: number) {
  const rows: Row[] = [];
  for (const { size, version } of [
    { size: 3, version: '3.6.14' },
    { size: 5, version: '3.5.33' },
  ]) {
    context.say(`${size} healthy members of ${version}, ${rounds} rounds`);
    const outcome = await withCluster(context, { size, version }, (cluster) =>
      runOperations(context, cluster, rounds),
    );
    rows.push(...healthyRows(`${size} healthy members of ${version}`, outcome));
  }
  return rows;
}

interface Outcome {
  readonly rounds: readonly LagRound[];
  readonly operations: number;
  readonly load: LoadReport;
  readonly damage: readonly string[];
}

async function runOperations(
  { say, signal }: ScenarioContext,
  cluster: EtcdCluster,
  count: number,
): Promise<Outcome> {
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
  const subject = { cluster, watch, signal };
  const { result, load } = await underLoad(
    cluster,
    { putsPerSecond: PUTS_PER_SECOND },
    async () => {
      let operations = 0;
      // All of them at least once, however quickly the rounds go by.
      while (watch.rounds.length < count || operations < OPERATIONS.length) {
        signal.throwIfAborted();
        const operation = OPERATIONS[operations % OPERATIONS.length];
        if (operation === undefined) break;
        say(`${watch.rounds.length} rounds; ${operation.name}`);
        await operation.run(subject);
        await delay(BETWEEN_MS, undefined, { signal });
        operations += 1;
      }
      return operations;
    },
  );
  await watch.stop();
  const damage = await findDamage(cluster, load.records);
  return { rounds: watch.rounds, operations: result, load, damage };
}

async function pulse({ cluster, signal }: Subject, who: 'leader' | 'follower'): Promise<void> {
  for (const ms of PULSES_MS) {
    const member = await cluster[who]();
    await member.freeze();
    try {
      await delay(ms, undefined, { signal });
    } finally {
      member.thaw();
    }
    await delay(BETWEEN_MS, undefined, { signal });
  }
}

function healthyRows(what: string, { rounds, operations, load, damage }: Outcome): Row[] {
  const members = rounds.flatMap((round) => round.members);
  const diverged = members.filter(isDiverged);
  const stuck = members.filter(({ state }) => state === 'STUCK');
  const suspected = members.filter(({ difference }) => difference?.confirmed === false);
  const of = `of ${rounds.length} rounds, ${operations} operations, ${load.acknowledgedPerSecond.toFixed(0)} puts/s`;
  const alarms = equalityAlarms(rounds);
  return [
    holds(
      `${what}: said to have diverged`,
      '0',
      `${diverged.length} ${of}${diverged[0] === undefined ? '' : `; ${diverged[0].proof}`}`,
      diverged.length === 0,
    ),
    holds(
      `${what}: said to be stuck`,
      '0',
      `${stuck.length} ${of}${stuck[0] === undefined ? '' : `; ${stuck[0].proof}`}`,
      stuck.length === 0,
    ),
    holds(
      `${what}: damaged in truth`,
      'nothing',
      damage.length === 0 ? 'nothing' : damage.slice(0, 2).join('; '),
      damage.length === 0,
    ),
    {
      what: `${what}: unconfirmed suspicions`,
      floor: '',
      figure: `${suspected.length} in ${rounds.length} rounds`,
      verdict: 'measured',
    },
    {
      what: `${what}: alarms of the equality rule of etcd-diagnosis`,
      floor: '',
      figure:
        `${alarms.single} of ${rounds.length} rounds by one look, ` +
        `${alarms.retried} of ${alarms.tried} with its ${EQUALITY_TRIES_MS / 1000} s of retries`,
      verdict: 'measured',
    },
  ];
}
