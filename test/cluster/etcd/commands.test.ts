// Every command against a healthy cluster of real members, as a process of its own: its exit code,
// and its output in all three formats. `lag` and `serve` have files of their own.
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { type EtcdMember, missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { poll } from '../../../tools/poll.ts';
import { inAllFormats, outcomes, runCommand, startCommand } from './run-command.ts';
import { startStallingRelay } from './stalling-relay.ts';
import { openCluster, testOn } from './support.ts';

const VERSION = '3.5.33';
const test = testOn([VERSION]);
// The leader is watched for longer by whoever upgrades; here nothing is upgraded.
const QUICK = ['--observe', '0s'];

let directory: string;
let cluster: EtcdCluster;
let end: () => Promise<void>;
let leader: EtcdMember;
let follower: EtcdMember;

beforeAll(async () => {
  if (missingEtcdVersions([VERSION]).length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'etcd-commands-test-'));
  ({ cluster, end } = await openCluster({ version: VERSION }));
  await cluster.gateway(cluster.member(0)).put('some/key', 'x'.repeat(600_000));
  leader = await cluster.leader();
  follower = await cluster.follower();
});

afterAll(async () => {
  await end?.();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

const endpoints = (): string[] => ['--endpoints', cluster.endpoints.join(','), '--timeout', '10s'];

test('health of a healthy cluster', async () => {
  const { codes, table, json, prometheus } = await inAllFormats(['health', ...endpoints()]);
  expect(codes).toEqual([0, 0, 0]);
  expect(table).toMatch(/all is well/);
  expect(table.match(/3\.5\.33/g)).toHaveLength(3);
  expect(json.findings).toEqual([]);
  const status = await cluster.gateway(leader).status();
  expect(json.leader).toBe(status.memberId.toString(16));
  for (const member of json.members) {
    expect(member).toMatchObject({ reachable: true, version: '3.5.33', alarms: [] });
    expect(member.revision).toBe(String(status.revision));
    expect(member.linearizableRead.medianMs).toBeGreaterThan(0);
  }
  expect(prometheus.match(/^evenkeel_etcd_member_up\{.*\} 1$/gm)).toHaveLength(3);
});

test('hash, advise, upgrade-plan and repair-plan of a healthy cluster', async () => {
  const hash = await inAllFormats(['hash', ...endpoints()]);
  const advise = await inAllFormats(['advise', ...endpoints(), '--to', '3.6.14']);
  const plan = await inAllFormats(['upgrade-plan', ...endpoints(), '--to', '3.7.3']);
  const repair = await inAllFormats(['repair-plan', ...endpoints()]);
  expect(hash.codes).toEqual([0, 0, 0]);
  expect(hash.table).toMatch(/3 members hold the same keys up to revision \d+/);
  expect(hash.json.members.at(-1).name).toBe(leader.name);
  // 3.5.33 has etcd issue 18667, which is a warning.
  expect(advise.codes).toEqual([1, 1, 1]);
  expect(advise.json.subjects[0].advisories.map(({ id }: { id: string }) => id)).toContain(
    '#18667',
  );
  expect(plan.codes).toEqual([0, 0, 0]);
  expect(plan.json.hops.map(({ to }: { to: string }) => to)).toEqual(['3.6.14', '3.7.3']);
  expect(repair.codes).toEqual([0, 0, 0]);
  expect(repair.table).toMatch(/nothing to repair/);
});

test('preflight, gate and postcheck of a healthy cluster', async () => {
  const gateFlags = ['--to', '3.6.14', '--member', follower.name];
  const preflight = await inAllFormats(['preflight', ...endpoints(), '--to', '3.6.14', ...QUICK]);
  const gate = await inAllFormats(['gate', ...endpoints(), ...gateFlags, ...QUICK]);
  const done = ['--to', '3.5.33', '--hash', ...QUICK];
  const postcheck = await inAllFormats(['postcheck', ...endpoints(), ...done]);
  expect(preflight.codes).toEqual([0, 0, 0]);
  expect(outcomes(preflight.json, 'host')).toEqual([
    'snapshot',
    'disk',
    'latency',
    'v2-store',
    'flags',
  ]);
  expect(preflight.json.facts).toMatchObject({ keys: '1' });
  expect(preflight.table).toMatch(/upgrade: 3 x 3\.5\.33 to 3\.6\.14/);
  expect(preflight.prometheus).toMatch(/^evenkeel_etcd_checks_passed 1$/m);
  expect(gate.codes).toEqual([0, 0, 0]);
  expect(gate.table).toMatch(new RegExp(`may ${follower.name} be stopped, to become 3.6.14`));
  expect(postcheck.codes).toEqual([0, 0, 0]);
});

test('the leader is not stopped while others wait, and minors are not skipped', async () => {
  const [gate, skip, unfinished] = await Promise.all(
    [
      ['gate', '--to', '3.6.14', '--member', leader.clientUrl],
      ['preflight', '--to', '3.7.3'],
      ['postcheck', '--to', '3.6.14'],
    ].map(async (args) => {
      const run = await runCommand([...args, ...endpoints(), ...QUICK, '-o', 'json']);
      expect(run).toMatchObject({ exitCode: 1 });
      return JSON.parse(run.stdout);
    }),
  );
  expect(outcomes(gate, 'failed')).toEqual(['leader-last']);
  expect(outcomes(skip, 'failed')).toEqual(['path']);
  expect(outcomes(unfinished, 'failed')).toEqual([
    'all-on-target',
    'cluster-on-target',
    'storage-on-target',
  ]);
});

test('a snapshot is whole, is not overwritten, and is known by preflight', async () => {
  const path = join(directory, 'good.db');
  const saved = await runCommand(['snapshot', ...endpoints(), '--out', path, '-o', 'json']);
  expect(saved).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(saved.stdout)).toMatchObject({ member: leader.name, version: '3.5.33' });
  const again = await runCommand(['snapshot', ...endpoints(), '--out', path]);
  expect(again).toMatchObject({ exitCode: 2, stdout: '' });
  expect(again.stderr).toMatch(/^error: --out .*good\.db exists; --force overwrites it\n$/);
  const forced = await runCommand(['snapshot', ...endpoints(), '--out', path, '--force']);
  expect(forced).toMatchObject({ exitCode: 0 });
  expect((await stat(path)).size % 512).toBe(32);
  const known = ['preflight', ...endpoints(), '--to', '3.6.14', ...QUICK, '--snapshot', path];
  const preflight = JSON.parse((await runCommand([...known, '-o', 'json'])).stdout);
  expect(outcomes(preflight, 'passed')).toContain('snapshot');
  await writeFile(path, 'x', { flag: 'a' });
  const spoilt = await runCommand(known);
  expect(spoilt).toMatchObject({ exitCode: 1 });
  expect(spoilt.stdout).toMatch(/no whole snapshot/);
});

test('Ctrl-C in the middle of a snapshot leaves no file', async () => {
  const folder = await mkdtemp(join(directory, 'stopped-'));
  const relay = await startStallingRelay(leader.clientUrl, 300_000);
  try {
    const run = startCommand([
      'snapshot',
      '--endpoints',
      relay.url,
      '--timeout',
      '30s',
      '--out',
      join(folder, 'a.db'),
    ]);
    await poll('a partial file', async () =>
      (await readdir(folder)).includes('a.db.part') ? true : undefined,
    );
    run.kill('SIGINT');
    expect(await run.ended).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: 'error: stopped by SIGINT\n',
    });
    expect(await readdir(folder)).toEqual([]);
  } finally {
    relay.close();
  }
});

test('wrong usage is one line on stderr, exit code 2, and nothing on stdout', async () => {
  const wrong: [readonly string[], RegExp][] = [
    [['gate', ...endpoints(), '--to', '3.6.14'], /--member is missing/],
    [
      ['gate', ...endpoints(), '--to', '3.6', '--member', 'm1'],
      /--to: expected a version such as 3\.6\.14, got "3\.6"/,
    ],
    [
      ['gate', ...endpoints(), '--to', '3.6.14', '--member', 'nobody'],
      /--member nobody: is none of/,
    ],
    [
      ['health', ...endpoints(), '--cacert', join(directory, 'none')],
      /--cacert .*there is no such file/,
    ],
    [['snapshot', ...endpoints(), '--out', join(directory, 'no', 'such')], /there is no folder/],
  ];
  const runs = await Promise.all(wrong.map(([args]) => runCommand(args)));
  for (const [index, run] of runs.entries()) {
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(run.stderr).toMatch(wrong[index]?.[1] ?? /never/);
  }
});
