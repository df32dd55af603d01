// Starts the fake kubelet of test/cluster/programs beside a control plane, so that exec, attach,
// cp, port-forward and logs have an end to reach.
import { request } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { binaryPath, requireBinaries } from './binaries.ts';
import type { Child } from './child.ts';
import type { ControlPlane } from './control-plane.ts';
import { JsonLines } from './json-lines.ts';

/** What the fake kubelet holds open. The fields are described in its sessions.go. */
export interface KubeletCounters {
  readonly exec: number;
  readonly attach: number;
  readonly portForward: number;
  readonly logs: number;
  readonly open: number;
  readonly processes: number;
  readonly dials: number;
  readonly connections: number;
  readonly resizes: number;
}

export interface FakeKubelet {
  readonly child: Child;
  readonly port: number;
  readonly node: string;
  readonly namespace: string;
  /** Names of the running pods. Each has one container, `main`. */
  readonly pods: readonly string[];
  counters(): Promise<KubeletCounters>;
}

export interface FakeKubeletOptions {
  /** The apiserver, or front door, that node and pods are registered through. */
  readonly url: string;
  /** Working directory of executed commands. */
  readonly directory: string;
  readonly nodeName?: string;
  readonly pods?: number;
}

const READY_LIMIT_MS = 30_000;
const COUNTERS_TIMEOUT_MS = 5000;

/** Resolves when the pods are Running. It ends with the control plane, or by `child.kill`. */
export async function startFakeKubelet(
  controlPlane: ControlPlane,
  { url, directory, nodeName = 'fake-node', pods = 1 }: FakeKubeletOptions,
): Promise<FakeKubelet> {
  requireBinaries(['fake-kubelet']);
  const { pki } = controlPlane;
  const kubeconfig = await controlPlane.kubeconfig(url, { certificate: pki.admin });
  const child = controlPlane.children.start({
    name: 'fake-kubelet',
    command: binaryPath('fake-kubelet'),
    logPath: join(controlPlane.directory, 'log', `fake-kubelet-${nodeName}.log`),
    interactive: true,
    args: [
      `--cert=${pki.kubelet.certPath}`,
      `--key=${pki.kubelet.keyPath}`,
      `--client-ca=${pki.clusterCa.certPath}`,
      `--kubeconfig=${kubeconfig}`,
      `--node-name=${nodeName}`,
      `--pods=${pods}`,
      `--directory=${directory}`,
    ],
  });
  const lines = new JsonLines(child.name, child.requireStdout());
  const limit = AbortSignal.timeout(READY_LIMIT_MS);
  const ready = await child.untilReady((ended) =>
    lines.next((line) => 'port' in line, AbortSignal.any([ended, limit])),
  );
  const port = Number(ready.port);
  return {
    child,
    port,
    node: String(ready.node),
    namespace: String(ready.namespace),
    pods: ready.pods as string[],
    counters: () => readCounters(port, pki.clusterCa.cert),
  };
}

function readCounters(port: number, ca: string): Promise<KubeletCounters> {
  const options = { ca, agent: false, signal: AbortSignal.timeout(COUNTERS_TIMEOUT_MS) };
  return new Promise((resolve, reject) => {
    request(`https://127.0.0.1:${port}/debug/connections`, options, (response) => {
      json(response).then((counters) => resolve(counters as KubeletCounters), reject);
    })
      .on('error', reject)
      .end();
  });
}
