// A schedule of faults on a real cluster, with `evenkeel-etcd lag` looking on, and at the end the
// question whether it was ever wrong.
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { divergeMember } from '../../tools/etcd-divergence.ts';
import { type KeyRecord, startWriteLoad, type WriteLoad } from '../../tools/etcd-write-load.ts';
import { describeRound, findFalseWords, type Interruption, namesExactly } from './fault-checker.ts';
import type { FaultSchedule, PlannedFault } from './fault-schedule.ts';
import type { LagRound } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { findDamage } from './site.ts';

export interface FaultRun {
  readonly rounds: readonly LagRound[];
  readonly acknowledged: number;
  /** Words that were false, writes that were lost, a divergence that was not found. */
  readonly problems: readonly string[];
}

const INTERVAL_MS = 200;
const FIRST_LOAD = 500;
// Without faults and load; a member that was down for long has its snapshot by then.
const QUIET_LIMIT_MS = 20_000;
const FIND_ROUNDS = 3;

/** The cluster must be new, of three or more members with `relayPeers`; it is left diverged. */
export async function runFaults(
  cluster: EtcdCluster,
  schedule: FaultSchedule,
  { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<FaultRun> {
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
  const interruptions: Interruption[] = [];
  const load = new ChangingLoad(cluster);
  load.change(FIRST_LOAD);
  try {
    await watch.next(2, signal);
    for (const [index, fault] of schedule.faults.entries()) {
      say(`${index + 1} of ${schedule.faults.length}: ${describeFault(cluster, fault)}`);
      interruptions.push(...(await commit(cluster, load, fault, signal)));
      await delay(fault.pauseMs, undefined, { signal });
    }
  } finally {
    await load.stop();
  }
  await cluster.settle();
  const quietAtMs = performance.now();
  const isWell = ({ members }: LagRound): boolean => members.every(({ state }) => state === 'OK');
  await watch.find(isWell, { limitMs: QUIET_LIMIT_MS, signal });
  const rounds = [...watch.rounds];
  const damage = await findDamage(cluster, load.records);
  const missed = await divergeAndFind(cluster, watch, schedule, signal);
  await watch.stop();
  return {
    rounds,
    acknowledged: load.records.reduce((sum, record) => sum + record.acknowledged, 0),
    problems: [...findFalseWords({ rounds, interruptions, quietAtMs }), ...damage, ...missed],
  };
}

/** One fault from beginning to end; who could not follow the leader meanwhile. */
async function commit(
  cluster: EtcdCluster,
  load: ChangingLoad,
  { kind, victim, holdMs, putsPerSecond }: PlannedFault,
  signal: AbortSignal,
): Promise<Interruption[]> {
  const member = cluster.member(victim);
  const fromMs = performance.now();
  const hold = (): Promise<void> => delay(holdMs, undefined, { signal });
  const gateway = cluster.gateway(member);
  switch (kind) {
    case 'kill':
    case 'stop':
      await (kind === 'kill' ? member.kill() : member.terminate());
      await hold();
      await cluster.start(member);
      break;
    case 'freeze':
      await member.freeze();
      await hold().finally(() => member.thaw());
      break;
    case 'cut':
      cluster.cut(member);
      await hold().finally(() => cluster.mend());
      break;
    case 'move-leader':
      await cluster.moveLeader(member);
      break;
    case 'defragment':
      await gateway.call('maintenance/defragment', {});
      break;
    case 'compact': {
      const { revision } = await gateway.status();
      // Refused where another one has compacted further.
      await gateway.call('kv/compaction', { revision: String(revision) }).catch(() => undefined);
      break;
    }
    case 'load':
      load.change(putsPerSecond);
      break;
  }
  return [{ member: member.name, fromMs, toMs: performance.now() }];
}

/** One load after the other; the puts of those before are kept in the book. */
class ChangingLoad {
  readonly records: KeyRecord[] = [];
  readonly #cluster: EtcdCluster;
  readonly #loads: WriteLoad[] = [];
  readonly #endings: Promise<void>[] = [];

  constructor(cluster: EtcdCluster) {
    this.#cluster = cluster;
  }

  change(putsPerSecond: number): void {
    this.#endCurrent();
    if (putsPerSecond === 0) return;
    const prefix = `load/${this.#endings.length}/`;
    const urls = this.#cluster.endpoints;
    this.#loads.push(startWriteLoad({ urls, putsPerSecond, prefix }));
  }

  async stop(): Promise<void> {
    this.#endCurrent();
    await Promise.all(this.#endings);
  }

  #endCurrent(): void {
    const load = this.#loads.pop();
    if (load === undefined) return;
    // Its puts may take seconds to end while the next load has begun.
    this.#endings.push(load.stop().then((records) => void this.records.push(...records)));
  }
}

/** A tool that says nothing would never be wrong. */
async function divergeAndFind(
  cluster: EtcdCluster,
  watch: LagWatch,
  { divergence: { victim, revisions } }: FaultSchedule,
  signal: AbortSignal,
): Promise<string[]> {
  const behind = cluster.member(victim);
  const sound = cluster.members.find((member) => member !== behind);
  if (sound === undefined) throw new Error('a cluster of one member');
  await divergeMember({
    sound: cluster.gateway(sound),
    behind: cluster.gateway(behind),
    revisions,
  });
  await cluster.settle();
  // The round that is under way has begun before.
  await watch.next(1, signal);
  const rounds = await watch.next(FIND_ROUNDS, signal);
  if (rounds.some((round) => namesExactly(round, behind.name, revisions))) return [];
  const last = rounds.at(-1);
  return [
    `${behind.name} was made to lack ${revisions} and was not found in ${FIND_ROUNDS} rounds: ` +
      `${last === undefined ? 'there were none' : describeRound(last)}`,
  ];
}

function describeFault(
  cluster: EtcdCluster,
  { kind, victim, holdMs, putsPerSecond }: PlannedFault,
): string {
  if (kind === 'load') return `${putsPerSecond} puts/s`;
  const { name } = cluster.member(victim);
  return /^(move|defr|comp)/.test(kind) ? `${kind} ${name}` : `${kind} ${name} for ${holdMs} ms`;
}
