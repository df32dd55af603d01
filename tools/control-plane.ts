// A real control plane without nodes: one etcd and some kube-apiservers on loopback, for tests,
// acceptance scenarios, benchmarks and the demo. About 260 MB and 4 s for each apiserver.
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryPath, requireBinaries } from './binaries.ts';
import { type Child, ChildGroup } from './child.ts';
import { type Identity, writeKubeconfig } from './kubeconfig.ts';
import { findFreePorts, waitUntilHealthy } from './loopback.ts';
import { createPki, type Pki } from './pki.ts';

export interface ControlPlaneOptions {
  /** Everything is made in here; it is created when it does not exist. */
  readonly directory: string;
  /** How many kube-apiservers. */
  readonly replicas: number;
  /** Share of requests that are answered with a GOAWAY, 0 to 0.02; none by default. */
  readonly goawayChance?: number;
  /** How long a replica serves on after SIGTERM with a failing /readyz; 0 by default. */
  readonly shutdownDelayMs?: number;
  /** Its name in .tools/bin; `kube-apiserver` by default. */
  readonly apiserver?: string;
  /** Client URLs of an etcd that runs already; one of a single member is started by default. */
  readonly etcdUrls?: readonly string[];
  /** Aborting it ends what is being started, and the start fails. */
  readonly signal?: AbortSignal;
  /** Added to the flags of every kube-apiserver; the last of two equal flags counts. */
  readonly apiserverFlags?: readonly string[];
  /** Told what is being started. */
  readonly log?: (line: string) => void;
}

/** Bearer tokens that every replica accepts. */
export const TOKENS = {
  /** User admin-token, group system:masters. */
  admin: 'token-admin',
  /** User alice, groups dev and ops, without any right of her own. */
  alice: 'token-alice',
} as const;

/** One kube-apiserver. It keeps its port over restarts. */
export interface Replica {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly logPath: string;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  readonly running: boolean;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when the process is gone, which takes as long as its requests last. */
  terminate(): Promise<void>;
  /** SIGSTOP: from when it resolves, sockets stay open and nothing is answered. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Kills the process where one runs, starts a new one and resolves when it is ready. */
  restart(): Promise<void>;
}

export interface ControlPlane {
  readonly directory: string;
  /** Several are separated by commas, as kube-apiserver takes them. */
  readonly etcdUrl: string;
  readonly replicas: readonly Replica[];
  readonly pki: Pki;
  readonly tokens: typeof TOKENS;
  /** For further processes that are to end with the control plane. */
  readonly children: ChildGroup;
  /** Writes a kubeconfig that trusts the cluster's authority, and returns its path. */
  kubeconfig(url: string, identity: Identity): Promise<string>;
  /** Kills every process, and removes what was made in `directory`. May be called twice. */
  stop(): Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const FOLDERS = ['pki', 'etcd', 'log', 'kubeconfig'] as const;

/** Starts everything and resolves when every replica answers /readyz with 200. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { directory, apiserver = 'kube-apiserver', signal, log = () => undefined } = options;
  requireBinaries(options.etcdUrls === undefined ? ['etcd', apiserver] : [apiserver]);
  const created = await mkdir(directory, { recursive: true });
  for (const folder of FOLDERS) await mkdir(join(directory, folder), { recursive: true });
  const children = new ChildGroup();
  const stop = async (): Promise<void> => {
    await children.stop();
    for (const folder of FOLDERS) {
      await rm(join(directory, folder), { recursive: true, force: true });
    }
    // Only a folder of our own, and only when nobody has put anything else there.
    if (created !== undefined) await rmdir(directory).catch(() => undefined);
  };
  const giveUp = (): void => void children.stop();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const pki = await createPki(join(directory, 'pki'));
    const tokenFile = join(directory, 'pki', 'tokens.csv');
    await writeFile(tokenFile, tokenTable(), { mode: 0o600 });
    const [clientPort = 0, peerPort = 0, ...ports] = await findFreePorts(2 + options.replicas);
    signal?.throwIfAborted();
    if (options.etcdUrls === undefined) log(`starting etcd on port ${clientPort}`);
    const etcdUrl =
      options.etcdUrls?.join(',') ?? (await startEtcd(children, directory, clientPort, peerPort));
    signal?.throwIfAborted();
    log(`starting ${options.replicas} kube-apiservers on ports ${ports.join(', ')}`);
    const replicas = await Promise.all(
      ports.map((port, index) =>
        startReplica(children, {
          name: `apiserver-${index + 1}`,
          program: apiserver,
          port,
          ca: pki.clusterCa.cert,
          logPath: join(directory, 'log', `apiserver-${index + 1}.log`),
          flags: apiserverFlags(options, { pki, etcdUrl, port, tokenFile }),
        }),
      ),
    );
    const kubeconfig = kubeconfigWriter(join(directory, 'kubeconfig'), pki);
    return { directory, etcdUrl, replicas, pki, tokens: TOKENS, children, kubeconfig, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Columns: token, user, uid, groups (k8s.io/apiserver pkg/authentication/token/tokenfile). */
function tokenTable(): string {
  return [
    `${TOKENS.admin},admin-token,uid-admin,system:masters`,
    `${TOKENS.alice},alice,uid-alice,"dev,ops"`,
    '',
  ].join('\n');
}

async function startEtcd(
  children: ChildGroup,
  directory: string,
  clientPort: number,
  peerPort: number,
): Promise<string> {
  const url = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = children.start({
    name: 'etcd',
    command: binaryPath('etcd'),
    logPath: join(directory, 'log', 'etcd.log'),
    args: [
      `--data-dir=${join(directory, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      // The data is thrown away, and a shared disk must not decide how long a test takes.
      '--unsafe-no-fsync',
    ],
  });
  await etcd.untilReady((signal) =>
    waitUntilHealthy(`${url}/health`, { limitMs: READY_LIMIT_MS, signal }),
  );
  return url;
}

function apiserverFlags(
  { goawayChance = 0, shutdownDelayMs = 0, apiserverFlags = [] }: ControlPlaneOptions,
  at: { pki: Pki; etcdUrl: string; port: number; tokenFile: string },
): string[] {
  const { pki } = at;
  return [
    `--etcd-servers=${at.etcdUrl}`,
    `--secure-port=${at.port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    // The default reconciler would write 127.0.0.1 into an Endpoints object, which is refused.
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.0.0.0/24',
    `--tls-cert-file=${pki.apiserver.certPath}`,
    `--tls-private-key-file=${pki.apiserver.keyPath}`,
    `--client-ca-file=${pki.clusterCa.certPath}`,
    `--token-auth-file=${at.tokenFile}`,
    '--anonymous-auth=true',
    '--authorization-mode=RBAC',
    `--requestheader-client-ca-file=${pki.frontProxyCa.certPath}`,
    '--requestheader-allowed-names=front-proxy',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-uid-headers=X-Remote-Uid',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki.serviceAccount.publicKeyPath}`,
    `--service-account-signing-key-file=${pki.serviceAccount.privateKeyPath}`,
    // Kubelets, fake ones too, are reached at the address that their Node object names.
    '--kubelet-preferred-address-types=InternalIP',
    `--kubelet-certificate-authority=${pki.clusterCa.certPath}`,
    `--kubelet-client-certificate=${pki.kubeletClient.certPath}`,
    `--kubelet-client-key=${pki.kubeletClient.keyPath}`,
    `--goaway-chance=${goawayChance}`,
    `--shutdown-delay-duration=${shutdownDelayMs}ms`,
    ...apiserverFlags,
  ];
}

async function startReplica(
  children: ChildGroup,
  {
    name,
    program,
    port,
    ca,
    logPath,
    flags,
  }: Pick<Replica, 'name' | 'port' | 'logPath'> & {
    readonly program: string;
    readonly ca: string;
    readonly flags: readonly string[];
  },
): Promise<Replica> {
  const url = `https://127.0.0.1:${port}`;
  const start = (): Child =>
    children.start({ name, command: binaryPath(program), args: flags, logPath });
  const untilReady = (child: Child): Promise<void> =>
    child.untilReady((signal) =>
      waitUntilHealthy(`${url}/readyz`, { ca, limitMs: READY_LIMIT_MS, signal }),
    );
  let child = start();
  await untilReady(child);
  return {
    name,
    url,
    port,
    logPath,
    get pid() {
      return child.pid;
    },
    get running() {
      return child.running;
    },
    kill: () => child.kill(),
    terminate: () => child.terminate(),
    freeze: () => child.freeze(),
    thaw: () => child.thaw(),
    async restart() {
      await child.kill();
      child = start();
      await untilReady(child);
    },
  };
}

function kubeconfigWriter(directory: string, pki: Pki): ControlPlane['kubeconfig'] {
  let written = 0;
  return async (url, identity) => {
    written += 1;
    const path = join(directory, `${written}.yaml`);
    await writeKubeconfig(path, { url, caPath: pki.clusterCa.certPath, identity });
    return path;
  };
}
