// Commands against members that are down, without a quorum, full, or wrong.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { divergeMember } from '../../../tools/etcd-divergence.ts';
import { type EtcdMember, missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { poll } from '../../../tools/poll.ts';
import { runCommand, startCommand } from './run-command.ts';
import { openCluster, testOn } from './support.ts';

const VERSION = '3.5.33';
const test = testOn([VERSION]);
const QUICK = ['--observe', '0s'];

let cluster: EtcdCluster;
let end: () => Promise<void>;
let leader: EtcdMember;
let followers: readonly [EtcdMember, EtcdMember];

beforeAll(async () => {
  if (missingEtcdVersions([VERSION]).length > 0) return;
  ({ cluster, end } = await openCluster({ version: VERSION }));
  await findRoles();
});

afterAll(async () => {
  await end?.();
});

async function findRoles(): Promise<void> {
  leader = await cluster.leader();
  const [one, other] = cluster.members.filter((member) => member !== leader);
  if (one === undefined || other === undefined) throw new Error('no two followers');
  followers = [one, other];
}

const endpoints = (): string[] => ['--endpoints', cluster.endpoints.join(','), '--timeout', '2s'];

test('when nobody answers every command says so, and is unknown', async () => {
  const nobody = ['--endpoints', 'http://127.0.0.1:1,http://127.0.0.1:2', '--timeout', '1s'];
  const runs = await Promise.all([
    runCommand(['health', ...nobody]),
    runCommand(['hash', ...nobody]),
    runCommand(['preflight', ...nobody, '--to', '3.6.14']),
    runCommand(['gate', ...nobody, '--to', '3.6.14', '--member', 'm1']),
    runCommand(['postcheck', ...nobody, '--to', '3.6.14']),
    runCommand(['upgrade-plan', ...nobody, '--to', '3.6.14']),
    runCommand(['repair-plan', ...nobody]),
    runCommand(['advise', ...nobody]),
    runCommand(['snapshot', ...nobody, '--out', join(tmpdir(), 'etcd-never-written.db')]),
  ]);
  for (const run of runs) {
    expect(run.exitCode).toBe(3);
    expect(`${run.stdout}${run.stderr}`).toMatch(/nobody listens there/);
  }
});

/** Runs `work` while the alarm is raised. */
async function withAlarm(alarm: 'NOSPACE', work: () => Promise<void>): Promise<void> {
  const { memberId } = await cluster.gateway(leader).status();
  const send = (action: string) =>
    cluster
      .gateway(leader)
      .call('maintenance/alarm', { action, alarm, memberID: String(memberId) });
  await send('ACTIVATE');
  try {
    await cluster.settle();
    await work();
  } finally {
    await send('DEACTIVATE');
    await cluster.settle();
  }
}

test('with the NOSPACE alarm nobody is stopped', async () => {
  await withAlarm('NOSPACE', async () => {
    const [health, preflight, gate] = await Promise.all([
      runCommand(['health', ...endpoints()]),
      runCommand(['preflight', ...endpoints(), '--to', '3.6.14', ...QUICK]),
      runCommand([
        'gate',
        ...endpoints(),
        '--to',
        '3.6.14',
        '--member',
        followers[1].name,
        ...QUICK,
      ]),
    ]);
    expect(health).toMatchObject({ exitCode: 1 });
    expect(health.stdout).toMatch(/alarm NOSPACE is raised: .*defragment/);
    for (const run of [preflight, gate]) {
      expect(run).toMatchObject({ exitCode: 1 });
      expect(run.stdout).toMatch(/NOSPACE is raised/);
    }
  });
});

test('with a member down the others are not stopped, and without a quorum that is said', async () => {
  const [down, other] = followers;
  await down.kill();
  const [health, gate, waiting] = await Promise.all([
    runCommand(['health', ...endpoints()]),
    runCommand(['gate', ...endpoints(), '--to', '3.6.14', '--member', other.name, ...QUICK]),
    runCommand(['gate', ...endpoints(), '--to', '3.5.33', '--member', down.name, ...QUICK]),
  ]);
  expect(health).toMatchObject({ exitCode: 3 });
  expect(health.stdout).toMatch(new RegExp(`${down.name} .*no answer`));
  expect(gate).toMatchObject({ exitCode: 1 });
  expect(gate.stdout).toMatch(new RegExp(`two members at once: ${down.name} does not answer`));
  expect(gate.stdout).toMatch(/1 of 3 voters would be left, 2 are needed/);
  expect(waiting).toMatchObject({ exitCode: 1 });
  const back = startCommand([
    'gate',
    ...endpoints(),
    '--to',
    '3.5.33',
    '--member',
    down.name,
    ...QUICK,
    '--wait',
    '30s',
  ]);
  await cluster.start(down);
  expect(await back.ended).toMatchObject({ exitCode: 0 });

  await Promise.all(followers.map((member) => member.kill()));
  await poll('the leader to know', async () =>
    (await cluster.gateway(leader).status()).leaderId === 0n ? true : undefined,
  );
  const [lonely, preflight, hash] = await Promise.all([
    runCommand(['health', ...endpoints()]),
    runCommand(['preflight', ...endpoints(), '--to', '3.6.14', ...QUICK]),
    runCommand(['hash', ...endpoints()]),
  ]);
  expect(lonely).toMatchObject({ exitCode: 3 });
  expect(lonely.stdout).toMatch(/no leader; is a majority of the members up/);
  expect(preflight).toMatchObject({ exitCode: 1 });
  expect(hash).toMatchObject({ exitCode: 3 });
  await Promise.all(followers.map((member) => cluster.start(member)));
  await findRoles();
});

test('a member that has diverged is named by all who look, and shuts every gate with 2', async () => {
  const [behind, sound] = followers;
  await divergeMember({
    sound: cluster.gateway(sound),
    behind: cluster.gateway(behind),
    revisions: 3,
  });
  await cluster.settle();
  const [hash, preflight, gate, repair] = await Promise.all([
    runCommand(['hash', ...endpoints(), '-o', 'json']),
    runCommand(['preflight', ...endpoints(), '--to', '3.6.14', ...QUICK]),
    runCommand(['gate', ...endpoints(), '--to', '3.6.14', '--member', sound.name, ...QUICK]),
    runCommand(['repair-plan', ...endpoints()]),
  ]);
  const odd = JSON.parse(hash.stdout).members.filter(
    ({ diverged }: { diverged: boolean }) => diverged,
  );
  expect(odd.map(({ name }: { name: string }) => name)).toEqual([behind.name]);
  for (const run of [hash, preflight, gate, repair]) {
    expect(run).toMatchObject({ exitCode: 2 });
    expect(run.stdout).not.toBe('');
    expect(run.stderr).not.toContain('error:');
  }
  expect(preflight.stdout).toMatch(
    new RegExp(`${behind.name} lacks exactly 3 revisions.*repair it first`),
  );
  expect(repair.stdout).toMatch(new RegExp(`replace ${behind.name} `));
});
