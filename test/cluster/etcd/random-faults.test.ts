// Faults in random order on real members: nothing that `evenkeel-etcd lag` says of them is false, no
// acknowledged write is lost, and what does diverge at the end is found. The seed is in the name of
// the test; `npm run prove -- etcd --part faults --minutes 1 --seed N` goes on from there.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { planFaults } from '../../../prove/etcd/fault-schedule.ts';
import { describeRun } from '../../../prove/etcd/random-fault-rows.ts';
import { runFaults } from '../../../prove/etcd/random-faults.ts';
import { startEtcdCluster } from '../../../tools/etcd-cluster.ts';
import { testOn } from './support.ts';

const SCHEDULE_MS = 60_000;
const MEMBERS = 3;
/** One for each of two versions. Other ones are for `prove`. */
const SCHEDULES = [5, 7].map((seed) => planFaults(seed, SCHEDULE_MS, MEMBERS));
const TIMEOUT_MS = 300_000;

for (const schedule of SCHEDULES) {
  const { seed, version, faults } = schedule;
  testOn([version])(
    `seed ${seed}: ${faults.length} faults on etcd ${version}`,
    () => liveThrough(schedule),
    TIMEOUT_MS,
  );
}

async function liveThrough(schedule: (typeof SCHEDULES)[number]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-random-faults-test-'));
  const cluster = await startEtcdCluster({
    directory: join(directory, 'cluster'),
    version: schedule.version,
    size: MEMBERS,
    relayPeers: true,
  });
  const steps: string[] = [];
  try {
    const run = await runFaults(cluster, schedule, {
      say: (line) => steps.push(line),
      signal: new AbortController().signal,
    });
    expect(run.problems, `${steps.join('\n')}\n${describeRun(run)}`).toEqual([]);
    // Else nothing was looked at, or nothing was written.
    expect(run.rounds.length).toBeGreaterThan(schedule.faults.length);
    expect(run.acknowledged).toBeGreaterThan(0);
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
