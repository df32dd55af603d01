// Commands against members with users and certificates: 3.6.14, as the other files are of 3.5.33.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';
import { runCommand } from './run-command.ts';
import { openCluster, testOn } from './support.ts';

const VERSION = '3.6.14';
const test = testOn([VERSION]);
const QUICK = ['--observe', '0s'];

let directory: string;
let cluster: EtcdCluster;
let end: () => Promise<void>;

beforeAll(async () => {
  if (missingEtcdVersions([VERSION]).length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'etcd-commands-test-'));
  ({ cluster, end } = await openCluster({ version: VERSION }));
  const gateway = cluster.gateway(cluster.member(0));
  for (const name of ['plain', 'root']) {
    await writeFile(join(directory, name), `${name}-password\n`, { mode: 0o600 });
  }
  await gateway.call('auth/user/add', { name: 'plain', password: 'plain-password' });
  await cluster.enableAuth('root-password');
  await cluster.settle();
  await vi.waitFor(untilStorageIsCurrent, { timeout: 60_000, interval: 200 });
});

/**
 * A member of 3.6 marks its storage as of 3.6 some seconds after it has started (etcd
 * server/etcdserver/server.go, monitorStorageVersion). Until then preflight says, rightly, that the
 * last upgrade is not finished.
 */
async function untilStorageIsCurrent(): Promise<void> {
  const { stdout } = await runCommand(['health', ...flags('root'), '-o', 'json']);
  const versions = [...stdout.matchAll(/"storageVersion":\s*("3\.6\.0"|null)/g)].map(
    ([, one]) => one,
  );
  expect(versions).toEqual(cluster.endpoints.map(() => '"3.6.0"'));
}

afterAll(async () => {
  await end?.();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

const endpoints = (): string[] => ['--endpoints', cluster.endpoints.join(','), '--timeout', '10s'];

function flags(user: 'plain' | 'root', passwordOf: string = user): string[] {
  return [...endpoints(), '--user', user, '--password-file', join(directory, passwordOf)];
}

test('root may do all of it, a snapshot too, and passwords are nowhere', async () => {
  const path = join(directory, 'secured.db');
  const runs = await Promise.all([
    runCommand(['health', ...flags('root')]),
    runCommand(['hash', ...flags('root')]),
    runCommand(['snapshot', ...flags('root'), '--out', path]),
    runCommand(['preflight', ...flags('root'), '--to', '3.7.3', '--hash', ...QUICK]),
  ]);
  for (const { exitCode, stdout, stderr } of runs) {
    const said = `${stdout}${stderr}`;
    expect(exitCode, said).toBe(0);
    expect(said).not.toContain('root-password');
  }
});

test('a plain user is told what it may not do, and who may', async () => {
  const [health, hash, snapshot] = await Promise.all([
    runCommand(['health', ...flags('plain')]),
    runCommand(['hash', ...flags('plain')]),
    runCommand(['snapshot', ...flags('plain'), '--out', join(directory, 'never.db')]),
  ]);
  // Status is for every user from 3.6.12 on.
  expect(health).toMatchObject({ exitCode: 0 });
  expect(hash).toMatchObject({ exitCode: 3 });
  expect(hash.stdout).toMatch(/HashKV: .*permission denied.*role root/);
  expect(snapshot).toMatchObject({ exitCode: 3, stdout: '' });
  expect(snapshot.stderr).toMatch(/^error: .*Snapshot: .*permission denied.*role root.*\n$/);
});

test('preflight finds out that auth is on, whoever asks', async () => {
  const args = ['preflight', '--to', '3.7.3', ...QUICK, '-o', 'json'];
  const run = await runCommand([...args, ...flags('plain')]);
  const ids = JSON.parse(run.stdout).items.map(({ id }: { id: string }) => id);
  // The item is there where auth is on.
  expect(ids).toContain('permissions');
});

test('a wrong password and no user at all are told apart', async () => {
  const [password, nobody] = await Promise.all([
    runCommand(['health', ...flags('root', 'plain')]),
    runCommand(['hash', ...endpoints()]),
  ]);
  expect(password).toMatchObject({ exitCode: 3 });
  expect(password.stdout).toMatch(/the user name or the password is wrong/);
  expect(`${password.stdout}${password.stderr}`).not.toContain('plain-password');
  expect(nobody).toMatchObject({ exitCode: 3 });
  expect(nobody.stdout).toMatch(/auth is on, and no user was given/);
});

test('a wrong authority and a missing client certificate are told apart', async () => {
  const secured = await openCluster({ version: VERSION, size: 1, tls: true });
  try {
    const { pki, endpoints: urls } = secured.cluster;
    if (pki === undefined) throw new Error('no certificates');
    const run = (ca: string, ...more: string[]) =>
      runCommand(['health', '--endpoints', urls.join(','), '--cacert', ca, ...more]);
    const pair = ['--cert', pki.admin.certPath, '--key', pki.admin.keyPath];
    const [good, authority, certificate] = await Promise.all([
      run(pki.clusterCa.certPath, ...pair),
      run(pki.otherCa.certPath, ...pair),
      run(pki.clusterCa.certPath),
    ]);
    expect(good).toMatchObject({ exitCode: 0 });
    expect(authority).toMatchObject({ exitCode: 3 });
    expect(authority.stdout).toMatch(/not of an authority that we trust\. Give the authority/);
    expect(certificate).toMatchObject({ exitCode: 3 });
    expect(certificate.stdout).toMatch(/wants a client certificate/);
  } finally {
    await secured.end();
  }
});
