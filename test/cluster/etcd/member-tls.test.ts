// Certificates between a member and its client, right ones and wrong ones.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, expect } from 'vitest';
import type { TlsFiles } from '../../../etcd-tools/credentials.ts';
import type { EtcdCluster } from '../../../tools/etcd-cluster.ts';
import { missingEtcdVersions } from '../../../tools/etcd-member.ts';
import type { ClientOptions, Credential, Pki } from '../../../tools/pki.ts';
import { poll } from '../../../tools/poll.ts';
import { connectionsTo, openCluster, testOn, withClient } from './support.ts';

const VERSION = '3.6.14';
const test = testOn([VERSION]);
const PAST = { notBefore: new Date('2020-01-01'), notAfter: new Date('2020-02-01') };

let cluster: EtcdCluster;
let end: () => Promise<void>;
let url: string;
let pki: Pki;

beforeAll(async () => {
  if (missingEtcdVersions([VERSION]).length > 0) return;
  ({ cluster, end } = await openCluster({ version: VERSION, size: 1, tls: true }));
  url = cluster.member(0).clientUrl;
  if (cluster.pki === undefined) throw new Error('the cluster has no certificates');
  ({ pki } = cluster);
});

afterAll(async () => {
  await end?.();
});

function tlsOf({ cert, key }: Credential, ca = pki.clusterCa.cert): TlsFiles {
  return { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) };
}

async function clientCertificate(options: ClientOptions): Promise<TlsFiles> {
  return tlsOf(await pki.issueClient({ commonName: 'odd' }, options));
}

/** What a status call comes to, as one text. */
function outcome(at: string, tls: TlsFiles): Promise<string> {
  return withClient(at, { tls }, (client) =>
    client.status().then(
      ({ version }) => version,
      (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
    ),
  );
}

test('a member is dialled by IP address and by name, with a client certificate', async () => {
  expect(await outcome(url, tlsOf(pki.admin))).toBe(VERSION);
  expect(await outcome(url.replace('127.0.0.1', 'localhost'), tlsOf(pki.admin))).toBe(VERSION);
});

test("a member's certificate of an unknown authority is refused", async () => {
  const said = await outcome(url, tlsOf(pki.admin, pki.otherCa.cert));
  expect(said).toContain(`certificate: ${url}`);
  expect(said).toContain('not of an authority that we trust. Give the authority');
});

test('the name in the certificate is looked at, behind an IP address too', async () => {
  const tls = { ...tlsOf(pki.admin), serverName: 'localhost' };
  expect(await outcome(url, tls)).toBe(VERSION);
  expect(await outcome(url, { ...tls, serverName: 'etcd' })).toContain('is of another name');
  expect(await outcome(url, { ...tls, serverName: '127.0.0.2' })).toContain('is of another name');
});

test('a client without a certificate is told to give one', async () => {
  const said = await outcome(url, { ca: Buffer.from(pki.clusterCa.cert) });
  expect(said).toMatch(/^certificate: .*: the member wants a client certificate\. Give --cert/);
});

test('a client certificate that the member refuses is told apart by its reason', async () => {
  const expired = await outcome(url, await clientCertificate(PAST));
  expect(expired).toMatch(/^certificate: .* says that our client certificate has expired/);
  const unknown = await outcome(url, await clientCertificate({ signedBy: 'other' }));
  expect(unknown).toMatch(/^certificate: .* does not know who signed our client certificate/);
  const server = await outcome(url, await clientCertificate({ usage: 'serverAuth' }));
  expect(server).toMatch(/^certificate: .* refuses our client certificate.*good for client auth/);
});

test("a member's certificate that has expired is told as such", async () => {
  const { cert, key } = await pki.issueClient(
    { commonName: 'localhost' },
    { ...PAST, usage: 'serverAuth', fileName: 'expired-server' },
  );
  const server = createServer({ cert, key, ALPNProtocols: ['h2'] }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const said = await outcome(`https://localhost:${port}`, tlsOf(pki.admin));
    expect(said).toContain("the member's certificate has expired");
  } finally {
    server.close();
  }
});

test('http where TLS is served, and https where it is not, are guessed at', async () => {
  const plain = await outcome(url.replace('https:', 'http:'), {});
  expect(plain).toMatch(/^unreachable: .*If it serves TLS, its URL begins with https/);
  // The metrics port serves plain HTTP.
  const metrics = cluster.member(0).metricsUrl.replace('http:', 'https:');
  expect(await outcome(metrics, tlsOf(pki.admin))).toMatch(
    /^unreachable: .*If it serves without TLS, its URL begins with http:/,
  );
});

test('a port that serves something else is no member', async () => {
  const said = await outcome(cluster.member(0).metricsUrl, {});
  expect(said).toMatch(/^(unreachable|unsupported): /);
});

test('a member that hangs in the handshake costs the deadline, and no socket after it', async () => {
  const before = connectionsTo(url);
  await cluster.member(0).freeze();
  try {
    await withClient(url, { tls: tlsOf(pki.admin), timeoutMs: 300 }, async (client) => {
      await expect(client.status()).rejects.toMatchObject({ code: 'deadline' });
      await expect(client.status()).rejects.toMatchObject({ code: 'deadline' });
    });
    // Not only when the member goes on, or the kernel gives up on it.
    const gone = async () => connectionsTo(url) <= before || undefined;
    await poll('the sockets to end', gone, 2000);
  } finally {
    cluster.member(0).thaw();
  }
});

test('with auth on, the name in the certificate is the user', async () => {
  const root = await pki.issueClient({ commonName: 'root' });
  await cluster.enableAuth('root-password');
  await withClient(url, { tls: tlsOf(root) }, async (client) => {
    expect((await client.linearizableRead()).permissionDenied).toBe(false);
    expect((await client.hashKeys(1n)).hash).toBeGreaterThan(0);
  });
  // No user of the cluster is called admin, and such a one is no root.
  await withClient(url, { tls: tlsOf(pki.admin) }, async (client) => {
    expect((await client.linearizableRead()).permissionDenied).toBe(true);
    await expect(client.hashKeys(1n)).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
