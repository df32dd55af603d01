// How a run in one process reaches the control plane that another one holds.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Site, SiteDescription } from '../../../loadtests/local/site.ts';
import { findSite, serveSite } from '../../../loadtests/local/site-socket.ts';

const DESCRIPTION: SiteDescription = {
  targets: [{ component: 'etcd', instance: 'm1', url: 'http://127.0.0.1:1/metrics' }],
  flags: { etcd: '--snapshot-count=100' },
  etcdUrls: ['http://127.0.0.1:2'],
};

/** The path at which `up` would have put its kubeconfig. */
async function serve(
  fault: Site['fault'],
): Promise<{ kubeconfig: string; close(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'site-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await mkdir(join(directory, 'plane', 'kubeconfig'), { recursive: true });
  const close = await serveSite({ describe: async () => DESCRIPTION, fault }, directory);
  return { kubeconfig: join(directory, 'plane', 'kubeconfig', '1.yaml'), close };
}

test('another process gets the description, and faults with what they were done to', async () => {
  const { kubeconfig, close } = await serve(async (name) => `${name} of m1`);
  const site = findSite(kubeconfig);
  expect(await site?.describe()).toEqual(DESCRIPTION);
  expect(await site?.fault('etcd-member-kill')).toBe('etcd-member-kill of m1');
  await close();
  expect(findSite(kubeconfig)).toBeUndefined();
});

test('a fault that cannot be is an error with its reason', async () => {
  const { kubeconfig, close } = await serve(() => {
    throw new Error('etcd has 1 member: no quorum would be left of it');
  });
  onTestFinished(close);
  await expect(findSite(kubeconfig)?.fault('etcd-member-kill')).rejects.toThrow('no quorum');
});

test('a kubeconfig of any other cluster has no such site', () => {
  expect(findSite('/etc/kubernetes/admin.conf')).toBeUndefined();
});
