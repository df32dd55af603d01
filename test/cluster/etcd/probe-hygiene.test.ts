// What looking costs the cluster: nothing without auth, one raft entry for each endpoint with it,
// and no connection afterwards.
import { afterAll, beforeAll, expect } from 'vitest';
import type { MemberOptions } from '../../../etcd-tools/member.ts';
import type { MemberClient } from '../../../etcd-tools/member-client.ts';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { poll } from '../../../tools/poll.ts';
import { connectionsTo, openCluster, testOn, withClients } from './support.ts';

const VERSION = '3.6.14';
const test = testOn([VERSION]);
const ROUNDS = 600;
const ROUNDS_WITH_AUTH = 100;
const ROOT = { name: 'root', password: 'root-password' };

let cluster: EtcdCluster;
let end: () => Promise<void>;

beforeAll(async () => {
  if (missingEtcdVersions([VERSION]).length > 0) return;
  ({ cluster, end } = await openCluster({ version: VERSION }));
  await cluster.gateway(cluster.member(0)).put('key', 'value');
});

afterAll(async () => {
  await end?.();
});

/** As often as a person who watches for ten minutes: status, reads, members; a hash now and then. */
async function look(clients: readonly MemberClient[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(clients.map((client) => client.status()));
    await Promise.all(clients.map((client) => client.linearizableRead()));
    await Promise.all(clients.map((client) => client.serializableRead()));
    if (round % 100 !== 0) continue;
    await Promise.all(clients.map((client) => client.memberList()));
    for (const client of clients) await client.hashKeys(2n);
  }
}

/** How many entries the raft log has grown by, on every member, and what our connections were. */
async function cost(rounds: number, options: Omit<MemberOptions, 'endpoint'> = {}) {
  await cluster.settle();
  const before = await raftIndexes();
  // The harness has some of its own, and keeps them.
  const openBefore = cluster.endpoints.map(connectionsTo);
  const opened = await withClients(cluster.endpoints, options, async (clients) => {
    await look(clients, rounds);
    return cluster.endpoints.map((url, at) => connectionsTo(url) - (openBefore[at] ?? 0));
  });
  await poll('our connections to end', async () =>
    cluster.endpoints.every((url, at) => connectionsTo(url) <= (openBefore[at] ?? 0))
      ? true
      : undefined,
  );
  const after = await raftIndexes();
  return { opened, entries: after.map((index, at) => index - (before[at] ?? 0n)) };
}

async function raftIndexes(): Promise<bigint[]> {
  return [...(await cluster.statuses()).values()].map(({ raftIndex }) => raftIndex);
}

test('600 rounds on an idle cluster leave the raft log as it was, over one connection each', async () => {
  expect(await cost(ROUNDS)).toEqual({ opened: [1, 1, 1], entries: [0n, 0n, 0n] });
});

test('rounds with auth are one raft entry for each endpoint', async () => {
  await cluster.enableAuth(ROOT.password);
  // The harness has its tokens now.
  await cluster.statuses();
  expect(await cost(ROUNDS_WITH_AUTH, { user: ROOT })).toEqual({
    opened: [1, 1, 1],
    entries: [3n, 3n, 3n],
  });
});
