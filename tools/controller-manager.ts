// kube-controller-manager beside a control plane: for what needs namespaces to be emptied, service
// accounts to be made, deployments to roll out or silent nodes to be marked.
import { join } from 'node:path';
import { binaryPath, requireBinaries } from './binaries.ts';
import type { Child } from './child.ts';
import type { ControlPlane } from './control-plane.ts';
import { findFreePorts, waitUntilHealthy } from './loopback.ts';

const READY_LIMIT_MS = 60_000;

/**
 * Starts one and resolves when it is healthy. It ends with the control plane, or by `kill`.
 * `program` is its name in .tools/bin, where that is one with patches.
 */
export async function startControllerManager(
  controlPlane: ControlPlane,
  {
    url,
    flags = [],
    program = 'kube-controller-manager',
  }: { url: string; flags?: readonly string[]; program?: string },
): Promise<Child> {
  requireBinaries([program]);
  const { children, directory, pki } = controlPlane;
  const [port = 0] = await findFreePorts(1);
  const kubeconfig = await controlPlane.kubeconfig(url, { certificate: pki.admin });
  const child = children.start({
    name: 'kube-controller-manager',
    command: binaryPath(program),
    logPath: join(directory, 'log', `controller-manager-${port}.log`),
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${pki.apiserver.certPath}`,
      `--tls-private-key-file=${pki.apiserver.keyPath}`,
      `--root-ca-file=${pki.clusterCa.certPath}`,
      `--service-account-private-key-file=${pki.serviceAccount.privateKeyPath}`,
      // There is one, and a test that waits for a lease to run out waits 15 s for nothing.
      '--leader-elect=false',
      ...flags,
    ],
  });
  const healthUrl = `https://127.0.0.1:${port}/healthz`;
  await child.untilReady((signal) =>
    waitUntilHealthy(healthUrl, { ca: pki.clusterCa.cert, limitMs: READY_LIMIT_MS, signal }),
  );
  return child;
}
