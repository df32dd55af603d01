// Real kubectl as its users run it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { binaryPath } from '../../../tools/binaries.ts';
import type { Identity } from '../../../tools/kubeconfig.ts';
import type { Cluster } from './cluster.ts';

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlRun {
  readonly stdin?: string | Buffer;
  /** `NAME=value`, set by env(1) for kubectl alone. */
  readonly environment?: readonly string[];
}

/** Runs kubectl with one kubeconfig to its end, whatever its exit code. */
export type Kubectl = (args: readonly string[], run?: KubectlRun) => Promise<KubectlResult>;

/** The running kubectl, for those that end only when told. */
export type StartedKubectl = ReturnType<typeof startKubectl>;

/** Kubectl as one identity, direct and through the door. */
export async function bothWays(
  { kubeconfig, direct, door }: Cluster,
  identity: Identity,
): Promise<{ direct: Kubectl; proxied: Kubectl }> {
  return {
    direct: kubectlWith(await kubeconfig(direct.url, identity)),
    proxied: kubectlWith(await kubeconfig(door.url, identity)),
  };
}

export function kubectlWith(kubeconfig: string): Kubectl {
  return async (args, { stdin = '', environment = [] } = {}) => {
    const child = startKubectl(kubeconfig, args, environment);
    // A kubectl that fails early does not read its input.
    child.stdin.on('error', () => undefined).end(stdin);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { code, stdout, stderr };
  };
}

export function startKubectl(
  kubeconfig: string,
  args: readonly string[],
  environment: readonly string[] = [],
) {
  const command = [
    ...environment,
    binaryPath('kubectl'),
    `--kubeconfig=${kubeconfig}`,
    // Beside the kubeconfig, so that it goes with it and is shared with nobody.
    `--cache-dir=${kubeconfig}.cache`,
    ...args,
  ];
  return spawn('env', command, { stdio: ['pipe', 'pipe', 'pipe'] });
}

/** The output of a run that has to succeed. */
export async function succeed(run: Promise<KubectlResult>): Promise<string> {
  const { code, stdout, stderr } = await run;
  if (code !== 0) throw new Error(`kubectl ended with ${code}: ${stderr}`);
  return stdout;
}
