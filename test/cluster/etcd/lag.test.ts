// The rounds of `lag` on real clusters: what diverged is found, and nothing else is.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type WatchedRound, watchLag } from '../../../etcd-tools/lag-watch.ts';
import { proofLines } from '../../../etcd-tools/proof-lines.ts';
import { memberName, readRoster } from '../../../etcd-tools/roster.ts';
import type { MemberVerdict } from '../../../etcd-tools/verdict.ts';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { divergeMember } from '../../../tools/etcd-divergence.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { startWriteLoad } from '../../../tools/etcd-write-load.ts';
import { openCluster, testOn, withClients } from './support.ts';

interface Plan {
  readonly rounds: number;
  readonly intervalMs?: number;
  /** Called after each round; nothing more is asked when it says true. */
  readonly after?: (watched: WatchedRound) => boolean | undefined;
}

/** Makes rounds over all members of `cluster` as it is at the beginning. */
async function look(
  cluster: EtcdCluster,
  { rounds, intervalMs = 50, after }: Plan,
): Promise<WatchedRound[]> {
  return await withClients(cluster.endpoints, { timeoutMs: 3000 }, async (clients) => {
    const stop = new AbortController();
    const seen: WatchedRound[] = [];
    const options = { rounds, intervalMs, timeoutMs: 3000, signal: stop.signal };
    for await (const watched of watchLag(await readRoster(clients), options)) {
      seen.push(watched);
      if (after?.(watched) === true) break;
    }
    return seen;
  });
}

function verdictOf({ verdict, roster }: WatchedRound, name: string): MemberVerdict {
  const found = verdict.members.find(
    ({ id }) => id !== undefined && memberName(roster, id) === name,
  );
  if (found === undefined) throw new Error(`no member ${name} in the round`);
  return found;
}

/** By name; a member that has never answered goes by its endpoint. */
function statesOf({ verdict, roster }: WatchedRound): Record<string, string> {
  return Object.fromEntries(
    verdict.members.map(({ id, endpoint, state }) => [
      id === undefined ? endpoint : memberName(roster, id),
      state,
    ]),
  );
}

function expectNoAccusation(seen: readonly WatchedRound[]): void {
  for (const { verdict } of seen) {
    for (const { state, blame, suspicion } of verdict.members) {
      expect([blame, suspicion]).toEqual([undefined, undefined]);
      expect(state).not.toMatch(/DIVERGED|REGRESSION|STUCK/);
    }
  }
}

describe.each(['3.5.33', '3.6.14', '3.7.3'])('etcd %s', (version) => {
  const test = testOn([version]);
  const keepsBehind = version !== '3.7.3';
  let cluster: EtcdCluster;
  let end: () => Promise<void>;

  beforeAll(async () => {
    if (missingEtcdVersions([version]).length > 0) return;
    ({ cluster, end } = await openCluster({ version }));
  });

  afterAll(async () => {
    await end?.();
  });

  test('one, two and 500 lost revisions are found in the first round and confirmed in the next', async () => {
    const behind = await cluster.follower();
    let lost = 0n;
    for (const revisions of [1, 1, 498]) {
      const sound = cluster.gateway(await cluster.leader());
      await divergeMember({ sound, behind: cluster.gateway(behind), revisions });
      await cluster.settle();
      lost += BigInt(revisions);
      const [first, second] = await look(cluster, { rounds: 2 });
      if (first === undefined || second === undefined) throw new Error('no rounds');
      if (!keepsBehind) {
        expectNoAccusation([first, second]);
        expect([first.verdict.resolution, second.verdict.resolution]).toEqual([1n, 1n]);
        continue;
      }
      const wanted = { direction: 'behind', atLeast: lost, atMost: lost, ambiguous: false };
      expect(verdictOf(first, behind.name)).toMatchObject({ state: 'UNKNOWN', suspicion: wanted });
      expect(verdictOf(second, behind.name)).toMatchObject({
        state: 'DIVERGED_BEHIND',
        blame: wanted,
      });
      const others = Object.entries(statesOf(second)).filter(([name]) => name !== behind.name);
      expect(others.map(([, state]) => state)).toEqual(['OK', 'OK']);
    }
  });

  test('under writes five lost revisions more are told from lag', async () => {
    if (!keepsBehind) return;
    const load = startWriteLoad({ urls: cluster.endpoints, putsPerSecond: 300 });
    try {
      const seen = await look(cluster, {
        rounds: 100,
        after: ({ verdict }) => verdict.members.some(({ blame }) => blame !== undefined),
      });
      const last = seen.at(-1);
      if (last === undefined) throw new Error('no rounds');
      const blamed = last.verdict.members.filter(({ blame }) => blame !== undefined);
      expect(blamed).toHaveLength(1);
      const [member] = blamed;
      expect(member?.blame?.direction).toBe('behind');
      expect(member?.blame?.atLeast).toBeLessThanOrEqual(500n);
      expect(member?.blame?.atMost).toBeGreaterThanOrEqual(500n);
      const name = memberName(last.roster, member?.id ?? 0n);
      const lines = member && proofLines(member, name, (id) => memberName(last.roster, id));
      expect(lines?.[0]).toMatch(new RegExp(`^${name} lacks .* revisions that m\\d, m\\d hold`));
    } finally {
      await load.stop();
    }
  });
});

/** What happens to a cluster that is well, one after the other. */
function troublesOf(cluster: EtcdCluster): (() => Promise<void>)[] {
  return [
    async () => {
      for (const member of cluster.members) await cluster.moveLeader(member);
    },
    async () => {
      const frozen = await cluster.follower();
      await frozen.freeze();
      await look(cluster, { rounds: 2 });
      frozen.thaw();
      const leader = await cluster.leader();
      await leader.freeze();
      await look(cluster, { rounds: 2 });
      leader.thaw();
      await leader.untilHealthy(new AbortController().signal);
    },
    async () => await cluster.restart(await cluster.follower()),
    async () => {
      const learner = await cluster.addLearner();
      await look(cluster, { rounds: 2 });
      await cluster.promote(learner);
      await cluster.remove(learner);
    },
    async () => {
      const gateway = cluster.gateway(await cluster.leader());
      const { revision } = await gateway.status();
      await gateway.call('kv/compaction', { revision: String(revision), physical: true });
      for (const member of cluster.members) {
        await cluster.gateway(member).call('maintenance/defragment', {});
      }
    },
  ];
}

describe('a healthy cluster', () => {
  const test = testOn(['3.6.14']);
  let cluster: EtcdCluster;
  let end: () => Promise<void>;

  beforeAll(async () => {
    if (missingEtcdVersions(['3.6.14']).length > 0) return;
    ({ cluster, end } = await openCluster({ version: '3.6.14' }));
  });

  afterAll(async () => {
    await end?.();
  });

  test('rounds over three idle members find each of them well, to the revision', async () => {
    const seen = await look(cluster, { rounds: 8 });
    expect(statesOf(seen.at(-1) as WatchedRound)).toEqual({ m1: 'OK', m2: 'OK', m3: 'OK' });
    expect(seen.map(({ verdict }) => verdict.resolution)).toEqual(seen.map(() => 1n));
  });

  test('nobody is accused while leaders change and members stop, freeze, join and defragment', async () => {
    const load = startWriteLoad({ urls: cluster.endpoints, putsPerSecond: 300 });
    const seen: WatchedRound[] = [];
    try {
      for (const trouble of troublesOf(cluster)) {
        let over = false;
        const done = trouble().finally(() => {
          over = true;
        });
        seen.push(...(await look(cluster, { rounds: 200, after: () => over })));
        await done;
        seen.push(...(await look(cluster, { rounds: 2 })));
      }
    } finally {
      await load.stop();
    }
    expectNoAccusation(seen);
  });
});

describe('members that fail', () => {
  const test = testOn(['3.6.14']);
  let cluster: EtcdCluster;
  let end: () => Promise<void>;

  beforeAll(async () => {
    if (missingEtcdVersions(['3.6.14']).length > 0) return;
    ({ cluster, end } = await openCluster({ version: '3.6.14' }));
  });

  afterAll(async () => {
    await end?.();
  });

  test('a paused follower is unknown, and well again when it goes on', async () => {
    const load = startWriteLoad({ urls: cluster.endpoints.slice(0, 1), putsPerSecond: 300 });
    const paused = cluster.member(2);
    await cluster.moveLeader(cluster.member(0));
    try {
      const seen = await look(cluster, {
        rounds: 100,
        after: (watched) => {
          const { round } = watched.verdict;
          // The round may have begun before, and end with an answer that was waited for.
          if (round === 1) void paused.freeze();
          if (round === 6) {
            expect(statesOf(watched)).toEqual({ m1: 'OK', m2: 'OK', m3: 'UNKNOWN' });
            expect(verdictOf(watched, 'm3').silence?.code).toBe('deadline');
            paused.thaw();
          }
          return round > 6 && statesOf(watched).m3 === 'OK';
        },
      });
      expect(statesOf(seen.at(-1) as WatchedRound).m3).toBe('OK');
      expectNoAccusation(seen);
    } finally {
      paused.thaw();
      await load.stop();
    }
  });

  test('a killed member is unknown, and so is all that has no leader', async () => {
    await cluster.member(1).kill();
    const [one] = await look(cluster, { rounds: 1 });
    if (one === undefined) throw new Error('no round');
    const killed = one.verdict.members.find(({ state }) => state === 'UNKNOWN');
    expect(killed?.endpoint).toBe(cluster.member(1).clientUrl);
    expect(killed?.silence?.code).toBe('unreachable');
    expect(one.verdict.members.filter(({ state }) => state === 'OK')).toHaveLength(2);

    await cluster.member(2).kill();
    const seen = await look(cluster, {
      rounds: 100,
      after: ({ verdict }) => verdict.leaderId === undefined,
    });
    const last = seen.at(-1)?.verdict;
    expect(last?.members.map(({ state }) => state)).toEqual(['UNKNOWN', 'UNKNOWN', 'UNKNOWN']);
    expectNoAccusation(seen);
  });
});
