// The clusters, the load and the divergence that the tests of etcd-tools stand on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test as plainTest } from 'vitest';
import { type EtcdCluster, startEtcdCluster } from '../../../tools/etcd-cluster.ts';
import { divergeMember } from '../../../tools/etcd-divergence.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { findLostWrites, startWriteLoad } from '../../../tools/etcd-write-load.ts';
import { poll } from '../../../tools/poll.ts';

const missing = missingEtcdVersions(['3.6.14', '3.7.3']);
const reason = missing.length > 0 ? ` (not run: no etcd ${missing.join(', ')} in .tools/bin)` : '';
const test = (name: string, run: () => Promise<void>): void =>
  plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run);

let directory: string;
let cluster: EtcdCluster;

beforeAll(async () => {
  if (missing.length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'etcd-cluster-test-'));
  cluster = await startEtcdCluster({
    directory: join(directory, 'main'),
    version: '3.6.14',
    relayPeers: true,
  });
});

afterAll(async () => {
  await cluster?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

async function revisions(of: EtcdCluster): Promise<bigint[]> {
  const statuses = await of.statuses();
  return of.members.map((member) => statuses.get(member)?.revision ?? -1n);
}

test('no acknowledged write is lost when the leader is killed, cut off and frozen', async () => {
  const load = startWriteLoad({ urls: cluster.endpoints, putsPerSecond: 300 });
  const more = async (): Promise<void> => {
    const before = load.totals().acknowledged;
    await poll(
      'further writes',
      async () => load.totals().acknowledged > before + 100 || undefined,
    );
  };
  await more();
  const killed = await cluster.leader();
  await killed.kill();
  await more();
  await cluster.start(killed);
  const cut = await cluster.leader();
  cluster.cut(cut);
  await more();
  expect((await cluster.leader()).name).not.toBe(cut.name);
  cluster.mend();
  await cut.untilHealthy(new AbortController().signal);
  const frozen = await cluster.leader();
  await frozen.freeze();
  await more();
  frozen.thaw();
  const records = await load.stop();
  await cluster.settle();
  const gateway = cluster.gateway(await cluster.leader());
  expect(findLostWrites(records, await gateway.range('load/'))).toEqual([]);
  expect(load.totals().acknowledged).toBeGreaterThan(400);
});

test('a cut member hears of nothing until the network is mended', async () => {
  const follower = await cluster.follower();
  cluster.cut(follower);
  const leader = cluster.member(cluster.members.indexOf(follower) === 0 ? 1 : 0);
  const written = await cluster.gateway(leader).put('while/cut', '1');
  expect((await cluster.gateway(follower).status()).revision).toBeLessThan(written);
  cluster.mend();
  await poll('the follower to catch up', async () => {
    const { revision } = await cluster.gateway(follower).status();
    return revision >= written || undefined;
  });
});

test('a member falls behind by as many revisions as are asked for, in two goes', async () => {
  const behind = await cluster.follower();
  const sound = cluster.gateway(await cluster.leader());
  for (const [count, sum] of [
    [1, 1n],
    [500, 501n],
  ] as const) {
    await divergeMember({ sound, behind: cluster.gateway(behind), revisions: count });
    await cluster.settle();
    const all = await revisions(cluster);
    const { revision: head } = await sound.status();
    const expected = cluster.members.map((member) => (member === behind ? head - sum : head));
    expect(all).toEqual(expected);
  }
});

test('from 3.7 on nobody falls behind', async () => {
  const newer = await startEtcdCluster({ directory: join(directory, 'newer'), version: '3.7.3' });
  try {
    const [sound, behind] = [newer.gateway(newer.member(0)), newer.gateway(newer.member(1))];
    await divergeMember({ sound, behind, revisions: 20 });
    await newer.settle();
    expect(new Set(await revisions(newer)).size).toBe(1);
  } finally {
    await newer.stop();
  }
});
