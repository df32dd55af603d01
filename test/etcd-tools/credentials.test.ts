import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCredentials } from '../../etcd-tools/credentials.ts';
import { createPki, type Pki } from '../../tools/pki.ts';

let directory: string;
let pki: Pki;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-test-'));
  pki = await createPki(join(directory, 'pki'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

test('without flags there is neither TLS nor a user', async () => {
  expect(await readCredentials({})).toEqual({});
});

test('certificates and keys are handed on as they are', async () => {
  const { clusterCa, admin } = pki;
  const flags = { cacert: clusterCa.certPath, cert: admin.certPath, key: admin.keyPath };
  const { tls } = await readCredentials({ ...flags, serverName: 'etcd.example.org' });
  expect(tls?.ca?.toString()).toBe(clusterCa.cert);
  expect(tls?.cert?.toString()).toBe(admin.cert);
  expect(tls?.key?.toString()).toBe(admin.key);
  expect(tls?.serverName).toBe('etcd.example.org');
});

test('the end of the line is no part of a password', async () => {
  const passwordFile = await file('password', 'a b:c \r\n');
  expect(await readCredentials({ user: 'root', passwordFile })).toEqual({
    user: { name: 'root', password: 'a b:c ' },
  });
});

test.each([
  [{ cert: 'x' }, '--cert needs --key beside it'],
  [{ key: 'x' }, '--key needs --cert beside it'],
  [{ user: 'root' }, '--user root needs --password-file beside it'],
  [{ passwordFile: 'x' }, '--password-file needs --user beside it'],
  [{ cacert: '/no/such/file' }, '--cacert /no/such/file: there is no such file'],
  [{ cacert: tmpdir() }, `--cacert ${tmpdir()}: is a folder`],
])('%j is refused: %s', async (flags, message) => {
  await expect(readCredentials(flags)).rejects.toThrow(message);
});

test('a password on the command line is refused and not repeated', async () => {
  const attempt = readCredentials({ user: 'root:hunter2' });
  await expect(attempt).rejects.toThrow('--user: a name alone');
  await expect(attempt).rejects.not.toThrow('hunter2');
});

test.each([
  ['', 'is empty'],
  ['one\ntwo\n', 'has more than one line'],
])('a password file of %j is refused: it %s', async (text, message) => {
  const passwordFile = await file('bad-password', text);
  await expect(readCredentials({ user: 'root', passwordFile })).rejects.toThrow(message);
});

test('a file that is no certificate is named', async () => {
  const cacert = await file('ca.txt', 'hello');
  await expect(readCredentials({ cacert })).rejects.toThrow(
    `--cacert ${cacert}: is no certificate in PEM`,
  );
});

test('a key of another certificate is told before anything is dialled', async () => {
  const flags = { cert: pki.admin.certPath, key: pki.door.keyPath };
  await expect(readCredentials(flags)).rejects.toThrow('does not belong to --cert');
});

test('a file that is no key is named, and none of it is shown', async () => {
  const key = await file('key.txt', 'hunter2');
  const attempt = readCredentials({ cert: pki.admin.certPath, key });
  await expect(attempt).rejects.toThrow(`--key ${key}: is no private key in PEM`);
  await expect(attempt).rejects.not.toThrow('hunter2');
});

test('a client certificate must be valid now', async () => {
  const flags = { cert: pki.admin.certPath, key: pki.admin.keyPath };
  const day = 24 * 3600 * 1000;
  const late = readCredentials(flags, Date.now() + 400 * day);
  await expect(late).rejects.toThrow(`--cert ${flags.cert}: expired on `);
  const early = readCredentials(flags, Date.now() - 400 * day);
  await expect(early).rejects.toThrow(`--cert ${flags.cert}: is not valid before `);
});
