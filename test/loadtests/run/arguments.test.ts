import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readKubeconfig } from '../../../loadtests/kubeconfig.ts';
import { requireOwnCluster } from '../../../loadtests/run/cluster.ts';
import { parseRun } from '../../../loadtests/run/run-arguments.ts';
import { suiteScript } from '../../../loadtests/run/suite.ts';

function kubeconfig(user: object): string {
  const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'ca.pem'), 'authority');
  const file = join(directory, 'config');
  const cluster = { server: 'https://10.0.0.1:6443/', 'certificate-authority': 'ca.pem' };
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

test('a kubeconfig gives server, authority and inline credentials', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const user = { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') };
  expect(readKubeconfig(kubeconfig(user))).toEqual({
    server: 'https://10.0.0.1:6443',
    caPem: 'authority',
    certificate: { certPem: 'cert', keyPem: 'key' },
  });
});

test('a credential plugin is refused, with what to do instead', () => {
  expect(() => readKubeconfig(kubeconfig({ exec: { command: 'x' } }))).toThrow('--token-file');
});

test.each([
  [['s'], 'which cluster?'],
  [['s', '--server', 'http://127.0.0.1:1'], 'expected https://host:port'],
  [['s', '--server', 'https://127.0.0.1:1', '--nodes', '0'], '--nodes'],
  [['s', '--server', 'https://127.0.0.1:1', '--profile', 'x'], 'smoke, average, stress, soak'],
  [['--server', 'https://127.0.0.1:1'], 'one SUITE'],
  [['s', '--local', '--fault', 'replica-kill@20s'], 'not within the 20 s'],
  [['s', '--local', '--fault', 'replica-kill'], 'got "replica-kill"'],
  [['s', '--local', '--fault', 'earthquake@1s'], 'rolling-restart, etcd-member-kill'],
  [['s', '--local', '--fault-command', 'true@'], 'got "true@"'],
  [['s', '--server', 'https://127.0.0.1:1', '--fault', 'replica-kill@1s'], '--fault-command'],
  [['s', '--server', 'https://127.0.0.1:1', '--door'], '--door: only with --local'],
  [['s', '--server', 'https://127.0.0.1:1', '--local'], 'leave out --kubeconfig'],
  [['s', '--server', 'https://127.0.0.1:1', '--scrape', 'x=http://y:1'], 'one of kube-apiserver'],
])('run %j is refused', (argv, message) => {
  expect(() => parseRun(argv)).toThrow(message);
});

test('what is done to a cluster is given with when, a command as it stands', () => {
  const argv = [
    's',
    '--local',
    '--fault',
    'replica-freeze@5s',
    '--fault-command',
    'ssh a@b true@1500ms',
  ];
  const parsed = parseRun(argv);
  expect(parsed === 'help' ? [] : parsed.plan.faults).toEqual([
    { afterMs: 5000, does: { name: 'replica-freeze' } },
    { afterMs: 1500, does: { command: 'ssh a@b true' } },
  ]);
});

test('a cluster elsewhere is loaded only when its owner says so', () => {
  const remote = { server: 'https://127.0.0.1.example.com' };
  expect(() => requireOwnCluster(remote, false)).toThrow('--i-own-this-cluster');
  expect(() => requireOwnCluster(remote, true)).not.toThrow();
  for (const host of ['127.0.0.1:6443', '[::1]:6443', 'localhost']) {
    expect(() => requireOwnCluster({ server: `https://${host}` }, false)).not.toThrow();
  }
});

test('an unknown suite is answered with those that exist', () => {
  expect(() => suiteScript('../main')).toThrow('kubelet-heartbeat');
});
