import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '../../tools/reflect-metadata.ts';
import { X509Certificate as ParsedCertificate } from '@peculiar/x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPki, type Pki } from '../../tools/pki.ts';

let directory: string;
let pki: Pki;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pki-test-'));
  pki = await createPki(directory);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function signedBy(certificate: string, authority: string): boolean {
  const leaf = new X509Certificate(certificate);
  const issuer = new X509Certificate(authority);
  return leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
}

test('the serving certificates are valid on loopback and signed by the cluster CA', () => {
  for (const credential of [pki.apiserver, pki.door, pki.kubelet]) {
    const certificate = new X509Certificate(credential.cert);
    expect(signedBy(credential.cert, pki.clusterCa.cert)).toBe(true);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkPrivateKey(createPrivateKey(credential.key))).toBe(true);
  }
  expect(new X509Certificate(pki.apiserver.cert).checkHost('kubernetes.default.svc')).toBeDefined();
});

test('the front-proxy certificate is signed by its own authority and not by the cluster CA', () => {
  expect(signedBy(pki.frontProxy.cert, pki.frontProxyCa.cert)).toBe(true);
  expect(signedBy(pki.frontProxy.cert, pki.clusterCa.cert)).toBe(false);
  expect(new X509Certificate(pki.frontProxy.cert).subject).toBe('CN=front-proxy');
});

test('a client certificate carries its groups in order, then its name, then its uid', async () => {
  const alice = await pki.issueClient({
    commonName: 'alice',
    organizations: ['ops', 'dev'],
    uid: 'u-17',
  });
  const subject = new ParsedCertificate(alice.cert).subjectName;
  expect(subject.getField('O')).toEqual(['ops', 'dev']);
  expect(subject.getField('CN')).toEqual(['alice']);
  expect(subject.getField('1.3.6.1.4.1.57683.2')).toEqual(['u-17']);
  expect(new X509Certificate(alice.cert).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
});

test('a client certificate of the other CA is not trusted by the cluster CA', async () => {
  const mallory = await pki.issueClient({ commonName: 'mallory' }, { signedBy: 'other' });
  expect(signedBy(mallory.cert, pki.otherCa.cert)).toBe(true);
  expect(signedBy(mallory.cert, pki.clusterCa.cert)).toBe(false);
});

test('an expired client certificate can be asked for', async () => {
  const notAfter = new Date(Date.now() - 60_000);
  const late = await pki.issueClient({ commonName: 'late' }, { notAfter });
  expect(new X509Certificate(late.cert).validToDate.getTime()).toBeLessThan(Date.now());
});

test('the files hold what the fields hold, and private keys are for the owner alone', async () => {
  expect(await readFile(pki.door.certPath, 'utf8')).toBe(pki.door.cert);
  expect(await readFile(pki.door.keyPath, 'utf8')).toBe(pki.door.key);
  expect(await readFile(pki.clusterCa.certPath, 'utf8')).toBe(pki.clusterCa.cert);
  for (const path of [pki.door.keyPath, pki.serviceAccount.privateKeyPath]) {
    expect((await stat(path)).mode & 0o077).toBe(0);
  }
});

test('a name that is no file name still gets a file of its own', async () => {
  const node = await pki.issueClient({ commonName: 'system:node:a/b' });
  expect(node.certPath).toBe(join(directory, 'system-node-a-b.crt'));
});
