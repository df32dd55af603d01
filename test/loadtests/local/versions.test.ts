import { expect, test } from 'vitest';
import { comparableFlags } from '../../../loadtests/local/process-flags.ts';
import { parseVersion } from '../../../loadtests/local/versions.ts';

test.each([
  ['etcd-9.9.9', 'there is no etcd-9.9.9 in .tools/bin'],
  ['9.9.9', 'there is no kube-apiserver-9.9.9 in .tools/bin'],
  ['kube-apiserver-unbuilt', 'there is no kube-apiserver-unbuilt in .tools/bin'],
  ['3.5', 'expected such as etcd-3.5.33 or 1.34.4'],
  ['../../bin/sh', 'expected such as'],
])('version %s is refused, with what to do', (text, message) => {
  expect(() => parseVersion(text)).toThrow(message);
});

test('flags are shown without what differs between two runs of the same', () => {
  const args = [
    '/opt/kube-apiserver',
    '--etcd-servers=http://127.0.0.1:1',
    '--tls-cert-file=/etc/cert',
    '--secure-port=6443',
    '--advertise-address=127.0.0.1',
    '--goaway-chance=0.02',
    '--anonymous-auth',
  ];
  expect(comparableFlags(args)).toBe('--goaway-chance=0.02 --anonymous-auth');
});
