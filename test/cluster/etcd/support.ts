// What the tests of etcd-tools on real members share.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as plainTest } from 'vitest';
import { parseEndpoints } from '../../../etcd-tools/endpoints.ts';
import { connectMember, type MemberOptions } from '../../../etcd-tools/member.ts';
import type { MemberClient } from '../../../etcd-tools/member-client.ts';
import {
  type EtcdCluster,
  type EtcdClusterOptions,
  startEtcdCluster,
} from '../../../tools/etcd-cluster.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';

/** `test` of vitest for tests that need `versions`; where one is missing it says so. */
export function testOn(
  versions: readonly string[],
): (name: string, run: () => unknown, timeoutMs?: number) => void {
  const missing = missingEtcdVersions(versions);
  const reason = missing.length > 0 ? ` (not run: no etcd ${missing.join(', ')})` : '';
  return (name, run, timeoutMs) =>
    plainTest.skipIf(missing.length > 0)(`${name}${reason}`, async () => run(), timeoutMs);
}

/** A cluster in a folder of its own; `end` removes both. */
export async function openCluster(
  options: Omit<EtcdClusterOptions, 'directory'>,
): Promise<{ cluster: EtcdCluster; end: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'etcd-test-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const cluster = await startEtcdCluster({ ...options, directory: join(directory, 'cluster') });
    const end = async (): Promise<void> => {
      await cluster.stop();
      await remove();
    };
    return { cluster, end };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A client of the member that serves at `url`. */
export function clientOf(url: string, options: Omit<MemberOptions, 'endpoint'> = {}): MemberClient {
  const [endpoint] = parseEndpoints(url, false);
  if (endpoint === undefined) throw new Error(`no endpoint in "${url}"`);
  return connectMember({ endpoint, ...options });
}

/** Runs `use` with clients of `urls`, which are closed after it. */
export async function withClients<T>(
  urls: readonly string[],
  options: Omit<MemberOptions, 'endpoint'>,
  use: (clients: readonly MemberClient[]) => Promise<T>,
): Promise<T> {
  const clients = urls.map((url) => clientOf(url, options));
  try {
    return await use(clients);
  } finally {
    for (const client of clients) client.close();
  }
}

/** As `withClients`, with one. */
export function withClient<T>(
  url: string,
  options: Omit<MemberOptions, 'endpoint'>,
  use: (client: MemberClient) => Promise<T>,
): Promise<T> {
  return withClients([url], options, async ([client]) => {
    if (client === undefined) throw new Error('no client');
    return await use(client);
  });
}

/** Connections of our own process to `url`, by the kernel's table (proc_net_tcp in Linux). */
export function connectionsTo(url: string): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const own = new Set(readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`)));
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter((row) => row[2]?.endsWith(`:${port}`) && own.has(`socket:[${row[9]}]`)).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // Such as the one that the folder was read through.
  }
}
