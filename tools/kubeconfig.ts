// Kubeconfig files for kubectl, client-go and kube-controller-manager.
import { writeFile } from 'node:fs/promises';
import type { Credential } from './pki.ts';

/** Who a client is. Without either field it is anonymous. */
export interface Identity {
  readonly token?: string;
  readonly certificate?: Pick<Credential, 'certPath' | 'keyPath'>;
}

/** Writes a kubeconfig of one cluster and one user. JSON, which is YAML too. */
export async function writeKubeconfig(
  path: string,
  { url, caPath, identity }: { url: string; caPath: string; identity: Identity },
): Promise<void> {
  const { token, certificate } = identity;
  const user = {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined
      ? {}
      : { 'client-certificate': certificate.certPath, 'client-key': certificate.keyPath }),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'it',
    clusters: [{ name: 'it', cluster: { server: url, 'certificate-authority': caPath } }],
    users: [{ name: 'it', user }],
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
  };
  await writeFile(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
}
