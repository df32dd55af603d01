// What a client says of members that are down, hang, are cut off, or only learn.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import type { MemberOptions } from '../../../etcd-tools/member.ts';
import type { MemberClient } from '../../../etcd-tools/member-client.ts';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { type EtcdMember, missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { poll } from '../../../tools/poll.ts';
import { connectionsTo, openCluster, testOn, withClient } from './support.ts';

const VERSION = '3.6.14';
const test = testOn([VERSION]);
const TIMEOUT_MS = 500;
// A machine that is busy with other tests may be late by this.
const SLACK_MS = 1500;

let cluster: EtcdCluster;
let end: () => Promise<void>;

beforeAll(async () => {
  if (missingEtcdVersions([VERSION]).length > 0) return;
  ({ cluster, end } = await openCluster({ version: VERSION }));
});

afterAll(async () => {
  await end?.();
});

function ask<T>(
  member: EtcdMember,
  use: (client: MemberClient) => Promise<T>,
  options: Omit<MemberOptions, 'endpoint'> = {},
): Promise<T> {
  return withClient(member.clientUrl, { timeoutMs: TIMEOUT_MS, ...options }, use);
}

function sayCode(error: { code?: string; message: string }): string {
  return `${error.code}: ${error.message}`;
}

async function tookMs(work: Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work;
  return performance.now() - startedAtMs;
}

/** Waits until the client gets an answer again. */
function untilAnswered(client: MemberClient): Promise<unknown> {
  return poll('an answer', () => client.status().catch(() => undefined));
}

test('a member that is down is unreachable at once, and back when it is back', async () => {
  const member = await cluster.follower();
  await ask(member, async (client) => {
    await client.status();
    await member.kill();
    const refused = expect(client.status()).rejects.toMatchObject({ code: 'unreachable' });
    expect(await tookMs(refused)).toBeLessThan(TIMEOUT_MS);
    await expect(client.linearizableRead()).rejects.toThrow('Is the member running');
    await cluster.start(member);
    // Not after grpc-js's own back-off, which grows to two minutes.
    expect(await tookMs(untilAnswered(client))).toBeLessThan(SLACK_MS);
  });
});

test('a member that hangs costs the deadline, and answers as soon as it is thawed', async () => {
  const member = await cluster.follower();
  // The harness has some of its own.
  const before = connectionsTo(member.clientUrl);
  await ask(member, async (client) => {
    await client.status();
    expect(connectionsTo(member.clientUrl)).toBe(before + 1);
    await member.freeze();
    try {
      const late = expect(
        Promise.all([client.status(), client.linearizableRead(), client.serializableRead()]),
      ).rejects.toMatchObject({ code: 'deadline' });
      const took = await tookMs(late);
      expect(took).toBeGreaterThan(TIMEOUT_MS - 50);
      expect(took).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      // The second time over a connection of its own.
      await expect(client.status()).rejects.toThrow('no answer in time. The member hangs');
    } finally {
      member.thaw();
    }
    await untilAnswered(client);
    expect((await client.linearizableRead()).revision).toBeGreaterThan(0n);
  });
  await poll('the connections to end', async () =>
    connectionsTo(member.clientUrl) <= before ? true : undefined,
  );
});

test('a connection that goes dead without a word is replaced after one deadline', async () => {
  const member = await cluster.follower();
  const relay = await startRelay(Number(new URL(member.clientUrl).port));
  try {
    await withClient(relay.url, { timeoutMs: TIMEOUT_MS }, async (client) => {
      await client.status();
      relay.silence();
      await expect(client.status()).rejects.toMatchObject({ code: 'deadline' });
      expect((await client.status()).version).toBe(VERSION);
    });
  } finally {
    await relay.close();
  }
});

test('without a quorum the member answers for itself, and for nothing beyond', async () => {
  await cluster.gateway(cluster.member(0)).call('auth/user/add', { name: 'plain', password: 'p' });
  await cluster.enableAuth('root-password');
  const survivor = await cluster.follower();
  const others = cluster.members.filter((member) => member !== survivor);
  const user = { name: 'root', password: 'root-password' };
  const plain = { name: 'plain', password: 'p' };
  await ask(
    survivor,
    async (signedIn) => {
      await signedIn.status();
      await ask(
        survivor,
        async (denied) => {
          expect((await denied.linearizableRead()).permissionDenied).toBe(true);
          await Promise.all(others.map((member) => member.kill()));
          const sick = /^(deadline|no-leader): /;
          for (const client of [signedIn, denied]) {
            // Of the user who may not read either: the barrier comes before the permission, or a
            // refusal would be taken for proof that the member is up to date.
            const failed = client.linearizableRead().catch(sayCode);
            expect(await failed).toMatch(sick);
          }
          expect((await signedIn.serializableRead()).permissionDenied).toBe(false);
          expect((await signedIn.memberList()).members).toHaveLength(3);
          await poll(
            'no leader',
            async () => (await signedIn.status()).leaderId === 0n || undefined,
          );
          expect((await signedIn.status()).errors.join()).toContain('no leader');
        },
        { user: plain },
      );
    },
    { user },
  );
  // Who comes now gets no token, and is told why.
  await ask(
    survivor,
    async (client) => {
      await expect(client.linearizableRead()).rejects.toMatchObject({
        code: expect.stringMatching(/deadline|no-leader/),
        call: 'Authenticate',
      });
    },
    { user },
  );
  await Promise.all(others.map((member) => cluster.start(member)));
});

test('tokens that a restart has made void are replaced, once', async () => {
  const member = await cluster.follower();
  await ask(
    member,
    async (client) => {
      await client.status();
      // A younger token would not be replaced: a member that refuses those is not to be pressed.
      await cluster.restart(member);
      await poll('a token that is taken', async () =>
        client.linearizableRead().catch((error: { code: string }) => {
          expect(error.code).toMatch(/unauthenticated|unreachable|deadline/);
          return undefined;
        }),
      );
      const { raftIndex } = await client.status();
      await client.linearizableRead();
      expect((await client.status()).raftIndex).toBe(raftIndex);
    },
    { user: { name: 'root', password: 'root-password' } },
  );
});

test('a learner serves its status and its own store, and says no to the rest', async () => {
  await cluster.disableAuth();
  const learner = await cluster.addLearner();
  await ask(learner, async (client) => {
    expect((await client.status()).isLearner).toBe(true);
    expect((await client.serializableRead()).revision).toBeGreaterThan(0n);
    const refused = client.linearizableRead();
    await expect(refused).rejects.toMatchObject({ code: 'learner' });
    await expect(refused).rejects.toThrow('Promote it, or ask a voting member.');
  });
  await ask(await cluster.leader(), async (client) => {
    const { members } = await client.memberList();
    expect(members.filter(({ isLearner }) => isLearner).map(({ name }) => name)).toEqual([
      learner.name,
    ]);
  });
});

/** A relay whose open connections can be made to pass nothing on, while new ones work. */
async function startRelay(port: number) {
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const member = connect(port, '127.0.0.1');
    sockets.push(client, member);
    client.on('error', () => member.destroy()).on('close', () => member.destroy());
    member.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(member).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}
