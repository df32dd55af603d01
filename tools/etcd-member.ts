// One member's process: its flags by version, its ports and data folder, which it keeps over
// restarts, and what can be done to it.
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { binaryPath, missingBinaries, requireBinaries } from './binaries.ts';
import type { Child, ChildGroup } from './child.ts';
import { COMPONENTS } from './components.ts';
import { waitUntilHealthy } from './loopback.ts';
import type { Pki } from './pki.ts';

export interface MemberOptions {
  readonly name: string;
  /** Holds `data/<name>` and `log/<name>.log`. */
  readonly directory: string;
  readonly ports: MemberPorts;
  /** Where other members reach this one: its own peer port, or a relay before it. */
  readonly advertisedPeerUrl: string;
  /** Client connections are TLS and must show a certificate of `clusterCa`. */
  readonly pki?: Pki;
  readonly flags: readonly string[];
}

export interface MemberPorts {
  readonly client: number;
  readonly peer: number;
  readonly metrics: number;
}

/** How a process is started; the cluster's part of the flags is needed until there is data. */
export interface StartOptions {
  readonly version?: string;
  readonly initialCluster: readonly EtcdMember[];
  readonly joins: boolean;
  /** False: resolves when the process runs, such as where there is no quorum to be ready with. */
  readonly untilHealthy?: boolean;
}

const READY_LIMIT_MS = 60_000;
const PORT_ATTEMPTS = 500;

/** The name in `.tools/bin` of a version of the server. Tests ask `missingBinaries` for it. */
export function etcdBinary(version: string): string {
  const plain = COMPONENTS.find(({ name }) => name === 'etcd');
  return plain?.version === `v${version}` ? 'etcd' : `etcd-${version}`;
}

/** Those of `versions` that are not in `.tools/bin`. */
export function missingEtcdVersions(versions: readonly string[]): string[] {
  return versions.filter((version) => missingBinaries([etcdBinary(version)]).length > 0);
}

/** One member. Its name, ports and data stay when its process ends. */
export class EtcdMember {
  readonly name: string;
  readonly clientUrl: string;
  /** As the member list has it. */
  readonly peerUrl: string;
  /** Plain HTTP without client certificates, TLS or not: /metrics and /health. */
  readonly metricsUrl: string;
  readonly peerPort: number;
  readonly logPath: string;
  readonly dataDirectory: string;
  readonly #options: MemberOptions;
  readonly #children: ChildGroup;
  #child: Child | undefined;
  #version: string;

  constructor(options: MemberOptions, children: ChildGroup, version: string) {
    const { name, directory, ports, pki } = options;
    this.name = name;
    this.clientUrl = `${pki === undefined ? 'http' : 'https'}://127.0.0.1:${ports.client}`;
    this.peerUrl = options.advertisedPeerUrl;
    this.peerPort = ports.peer;
    this.metricsUrl = `http://127.0.0.1:${ports.metrics}`;
    this.logPath = join(directory, 'log', `${name}.log`);
    this.dataDirectory = join(directory, 'data', name);
    this.#options = options;
    this.#children = children;
    this.#version = version;
  }

  /** Of the binary that runs now, or ran last. */
  get version(): string {
    return this.#version;
  }

  get running(): boolean {
    return this.#child?.running ?? false;
  }

  /** Of the process that runs now, or ran last; 0 before the first. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts a process; resolves when the member can serve a linearizable read. */
  async start(options: StartOptions): Promise<void> {
    if (this.running) throw new Error(`${this.name}: runs already`);
    this.#version = options.version ?? this.#version;
    requireBinaries([etcdBinary(this.#version)]);
    const child = this.#children.start({
      name: this.name,
      command: binaryPath(etcdBinary(this.#version)),
      args: memberFlags(this.#options, { ...options, version: this.#version, member: this }),
      logPath: this.logPath,
    });
    this.#child = child;
    if (options.untilHealthy === false) return;
    await child.untilReady((signal) => this.untilHealthy(signal));
  }

  /** Alarms do not count: a member with one serves reads. */
  async untilHealthy(signal: AbortSignal, limitMs = READY_LIMIT_MS): Promise<void> {
    const url = `${this.metricsUrl}/health?exclude=NOSPACE&exclude=CORRUPT`;
    await waitUntilHealthy(url, { limitMs, signal });
  }

  /** SIGKILL; resolves when the process is gone. Works on a frozen one too. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** SIGTERM, on which a leader hands over first; resolves when the process is gone. */
  async terminate(): Promise<void> {
    await this.#child?.terminate();
  }

  /** SIGSTOP: sockets stay open and nothing is answered from when it resolves. */
  async freeze(): Promise<void> {
    await this.#child?.freeze();
  }

  thaw(): void {
    this.#child?.thaw();
  }

  /** Removes all that the member has stored. It must not run. */
  async wipe(): Promise<void> {
    if (this.running) throw new Error(`${this.name}: is to be wiped while it runs`);
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  /** All of the log, of every process that it had. */
  readLog(): Promise<string> {
    return readFile(this.logPath, 'utf8');
  }
}

function memberFlags(
  { name, ports, pki, flags }: MemberOptions,
  {
    version,
    member,
    initialCluster,
    joins,
  }: StartOptions & { version: string; member: EtcdMember },
): string[] {
  const peers = initialCluster.map((other) => `${other.name}=${other.peerUrl}`);
  return [
    `--name=${name}`,
    `--data-dir=${member.dataDirectory}`,
    `--listen-client-urls=${member.clientUrl}`,
    `--advertise-client-urls=${member.clientUrl}`,
    `--listen-peer-urls=http://127.0.0.1:${ports.peer}`,
    `--listen-metrics-urls=${member.metricsUrl}`,
    `--initial-advertise-peer-urls=${member.peerUrl}`,
    `--initial-cluster=${peers.join(',')}`,
    `--initial-cluster-state=${joins ? 'existing' : 'new'}`,
    // 3.4 writes in a format of its own by default, and has no flag against fsync.
    version.startsWith('3.4.') ? '--logger=zap' : '--unsafe-no-fsync',
    ...(pki === undefined ? [] : tlsFlags(pki, version)),
    ...flags,
  ];
}

function tlsFlags(pki: Pki, version: string): string[] {
  return [
    '--client-cert-auth',
    `--trusted-ca-file=${pki.clusterCa.certPath}`,
    `--cert-file=${pki.door.certPath}`,
    `--key-file=${pki.door.keyPath}`,
    // The JSON gateway is a client of its own member, and would else show the server's certificate,
    // which is not good for that. Up to 3.5.5 there is no such flag, and the gateway is refused.
    ...(/^3\.(4\.\d+|5\.[0-5])$/.test(version)
      ? []
      : [`--client-cert-file=${pki.admin.certPath}`, `--client-key-file=${pki.admin.keyPath}`]),
  ];
}

/**
 * Loopback ports below those that the system hands out by itself. A member that is down must find
 * its ports free when it comes back, and its peers, which dial it all the time, would now and then
 * be given the very port that they dial and connect to themselves.
 */
export async function findMemberPorts(count: number): Promise<number[]> {
  const lowest = await lowestEphemeralPort();
  const first = Math.min(10_000, Math.floor(lowest / 2));
  const ports: number[] = [];
  for (let attempt = 0; ports.length < count && attempt < PORT_ATTEMPTS; attempt += 1) {
    const port = first + Math.floor(Math.random() * (lowest - first));
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  if (ports.length < count) throw new Error(`no ${count} free ports from ${first} to ${lowest}`);
  return ports;
}

async function lowestEphemeralPort(): Promise<number> {
  const path = '/proc/sys/net/ipv4/ip_local_port_range';
  const text = await readFile(path, 'utf8').catch(() => '');
  // Elsewhere than on Linux: IANA's range (RFC 6335, section 6).
  return Number.parseInt(text, 10) || 49_152;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
