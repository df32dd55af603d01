// Every call of a member client against each release that an upgrade goes through.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { MemberOptions } from '../../../etcd-tools/member.ts';
import type { MemberClient } from '../../../etcd-tools/member-client.ts';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { openCluster, testOn, withClient } from './support.ts';

const ROOT = { name: 'root', password: 'root-password' };
const PLAIN = { name: 'plain', password: 'plain-password' };
const HASH_BYTES = 32;

/** From 3.6 on a member tells what it stores and how much it may. */
const RELEASES = [
  { version: '3.4.23', storageVersion: '', statusIsOpen: true, listIsOpen: true },
  { version: '3.5.33', storageVersion: '', statusIsOpen: false, listIsOpen: false },
  { version: '3.6.14', storageVersion: '3.6.0', statusIsOpen: false, listIsOpen: false },
  { version: '3.7.3', storageVersion: '3.7.0', statusIsOpen: false, listIsOpen: false },
] as const;

interface Context {
  readonly release: (typeof RELEASES)[number];
  /** Starts before the first test. */
  readonly cluster: () => EtcdCluster;
  readonly ask: <T>(
    options: Omit<MemberOptions, 'endpoint'>,
    use: (client: MemberClient) => Promise<T>,
  ) => Promise<T>;
}

describe.each(RELEASES)('etcd $version', (release) => {
  const { version } = release;
  let cluster: EtcdCluster;
  let end: () => Promise<void>;

  beforeAll(async () => {
    if (missingEtcdVersions([version]).length > 0) return;
    ({ cluster, end } = await openCluster({ version, size: 1 }));
    const gateway = cluster.gateway(cluster.member(0));
    // More than one piece of a snapshot.
    for (let n = 0; n < 100; n += 1) await gateway.put(`key/${n}`, 'x'.repeat(1000));
  });

  afterAll(async () => {
    await end?.();
  });

  const context: Context = {
    release,
    cluster: () => cluster,
    ask: (options, use) => withClient(cluster.member(0).clientUrl, options, use),
  };
  testCalls(context);
  testSnapshots(context);
  testAuth(context);
});

function testCalls({ release, cluster, ask }: Context): void {
  const { version, storageVersion } = release;
  const test = testOn([version]);

  test('status is what the member says through its other door', async () => {
    const seen = await cluster().gateway(cluster().member(0)).status();
    const status = await ask({}, (client) => client.status());
    expect(status).toMatchObject({
      header: { clusterId: seen.clusterId, memberId: seen.memberId, revision: 101n },
      version,
      leaderId: seen.memberId,
      raftIndex: seen.raftIndex,
      raftAppliedIndex: seen.raftAppliedIndex,
      raftTerm: seen.raftTerm,
      errors: [],
      isLearner: false,
      storageVersion,
      dbSizeQuotaBytes: storageVersion === '' ? 0n : 2n * 1024n ** 3n,
    });
    expect(status.downgrade).toEqual(
      storageVersion === '' ? undefined : { enabled: false, targetVersion: '' },
    );
    expect(status.dbSizeBytes).toBeGreaterThanOrEqual(status.dbSizeInUseBytes);
    expect(status.dbSizeInUseBytes).toBeGreaterThan(0n);
    expect(status.receivedAtMs).toBeGreaterThan(status.sentAtMs);
  });

  test('reads tell the revision, and no key is read', async () => {
    await ask({}, async (client) => {
      const answer = { revision: 101n, permissionDenied: false };
      expect(await client.linearizableRead()).toMatchObject(answer);
      expect(await client.serializableRead()).toMatchObject(answer);
    });
  });

  test('all keys are counted, and members listed', async () => {
    const [row] = cluster().members;
    await ask({}, async (client) => {
      expect(await client.countKeys()).toMatchObject({ count: 100n, header: { revision: 101n } });
      const { members, header } = await client.memberList();
      expect(members).toEqual([
        {
          id: header.memberId,
          name: row?.name,
          peerUrls: [row?.peerUrl],
          clientUrls: [row?.clientUrl],
          isLearner: false,
        },
      ]);
    });
  });

  test('the hash of one revision does not change with later writes', async () => {
    await ask({}, async (client) => {
      const before = await client.hashKeys(50n);
      await cluster().gateway(cluster().member(0)).put('key/0', 'changed');
      const after = await client.hashKeys(50n);
      expect(after.hash).toBe(before.hash);
      expect(after.hashRevision).toBe(storageVersion === '' ? 0n : 50n);
      expect((await client.hashKeys(102n)).hash).not.toBe(before.hash);
    });
  });

  test('a revision of the future and a compacted one are told apart', async () => {
    await ask({}, async (client) => {
      await expect(client.hashKeys(1000n)).rejects.toMatchObject({ code: 'future-revision' });
      await cluster().gateway(cluster().member(0)).call('kv/compaction', { revision: '60' });
      await expect(client.hashKeys(50n)).rejects.toMatchObject({ code: 'compacted' });
      expect((await client.hashKeys(61n)).compactRevision).toBe(60n);
    });
  });
}

function testSnapshots({ release, ask }: Context): void {
  const { version, storageVersion } = release;
  const test = testOn([version]);

  test('a snapshot ends with the hash of what came before', async () => {
    await ask({}, (client) => checkSnapshot(client, storageVersion));
  });

  test('a snapshot can be ended early', async () => {
    await ask({}, async (client) => {
      const controller = new AbortController();
      const parts = client.snapshot(controller.signal)[Symbol.asyncIterator]();
      await parts.next();
      controller.abort(new Error('enough'));
      await expect(drain(parts)).rejects.toThrow('enough');
      // The connection serves on.
      expect((await client.status()).version).toBe(version);
    });
  });
}

function testAuth({ release, cluster, ask }: Context): void {
  const { version, storageVersion } = release;
  const test = testOn([version]);

  test('with auth on, every call works with a token, which is one raft entry', async () => {
    await cluster().enableAuth(ROOT.password);
    const gateway = cluster().gateway(cluster().member(0));
    await gateway.call('auth/user/add', PLAIN);
    const before = await gateway.status();
    await ask({ user: ROOT }, async (client) => {
      const { header, raftIndex } = await client.status();
      expect(raftIndex).toBe(before.raftIndex + 1n);
      await client.linearizableRead();
      await client.memberList();
      await client.hashKeys(header.revision);
      expect((await client.countKeys()).count).toBe(100n);
      await checkSnapshot(client, storageVersion);
      expect((await client.status()).raftIndex).toBe(before.raftIndex + 1n);
    });
  });

  test('a wrong password is told as such', async () => {
    await ask({ user: { ...ROOT, password: 'wrong' } }, async (client) => {
      const failure = { code: 'unauthenticated', call: 'Authenticate' };
      await expect(client.status()).rejects.toMatchObject(failure);
      await expect(client.linearizableRead()).rejects.toMatchObject(failure);
      await expect(client.status()).rejects.not.toThrow('wrong-');
    });
  });

  test('without a user, the release decides what is answered', async () => {
    await ask({}, async (client) => {
      const refused = { code: 'unauthenticated' };
      if (release.statusIsOpen) expect((await client.status()).version).toBe(version);
      else await expect(client.status()).rejects.toMatchObject(refused);
      if (release.listIsOpen) expect((await client.memberList()).members).toHaveLength(1);
      else await expect(client.memberList()).rejects.toMatchObject(refused);
      await expect(client.linearizableRead()).rejects.toMatchObject(refused);
      const hash = client.hashKeys(101n);
      await expect(hash).rejects.toMatchObject({ code: 'unauthenticated' });
    });
  });

  test('a user who may read nothing still learns the revision behind the barrier', async () => {
    await ask({ user: PLAIN }, async (client) => {
      const { header } = await client.status();
      const answer = { revision: header.revision, permissionDenied: true };
      expect(await client.linearizableRead()).toMatchObject(answer);
      const denied = { code: 'permission-denied' };
      await expect(client.countKeys()).rejects.toMatchObject(denied);
      await expect(client.hashKeys(header.revision)).rejects.toMatchObject(denied);
      const parts = client.snapshot(new AbortController().signal)[Symbol.asyncIterator]();
      await expect(parts.next()).rejects.toMatchObject(denied);
    });
  });
}

async function checkSnapshot(client: MemberClient, storageVersion: string): Promise<void> {
  const pieces: Uint8Array[] = [];
  let before: bigint | undefined;
  for await (const part of client.snapshot(new AbortController().signal)) {
    pieces.push(part.bytes);
    expect(part.storageVersion).toBe(storageVersion);
    if (before !== undefined) expect(part.remainingBytes).toBeLessThanOrEqual(before);
    before = part.remainingBytes;
  }
  const all = Buffer.concat(pieces);
  expect(pieces.length).toBeGreaterThan(2);
  expect(before).toBe(0n);
  const hash = createHash('sha256').update(all.subarray(0, -HASH_BYTES)).digest();
  expect(all.subarray(-HASH_BYTES)).toEqual(hash);
}

async function drain(parts: AsyncIterator<unknown>): Promise<void> {
  for (;;) if ((await parts.next()).done) return;
}
