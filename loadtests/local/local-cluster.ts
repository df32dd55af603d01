// A control plane of real components on this machine, made for load: etcd with several members,
// kube-apiservers, and the front door before them where it is asked for.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import { type DoorProcess, startDoor } from '../../tools/door.ts';
import { type EtcdCluster, startEtcdCluster } from '../../tools/etcd-cluster.ts';
import { etcdBinary } from '../../tools/etcd-member.ts';
import { causeFault } from './faults.ts';
import { processFlags } from './process-flags.ts';
import type { FaultName, ScrapeTarget, Site, SiteDescription } from './site.ts';
import type { LocalVersions } from './versions.ts';

export interface LocalClusterOptions extends LocalVersions {
  readonly replicas: number;
  readonly etcdMembers: number;
  readonly door: boolean;
  /** Aborting it ends what is being started. */
  readonly signal: AbortSignal;
  /** Told what is being started. */
  readonly log: (line: string) => void;
}

interface Parts {
  readonly directory: string;
  readonly etcd: EtcdCluster;
  readonly plane: ControlPlane;
  readonly door: DoorProcess | undefined;
  readonly kubeconfig: string;
}

/** Runs until `stop`. Whoever started it must stop it. */
export class LocalCluster implements Site {
  /** Everything that it writes is in here. */
  readonly directory: string;
  /** Of its administrator, through the door where there is one. */
  readonly kubeconfig: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.directory = parts.directory;
    this.kubeconfig = parts.kubeconfig;
  }

  async describe(): Promise<SiteDescription> {
    const { plane, etcd, door } = this.#parts;
    const processes: [string, number | undefined][] = [
      ['kube-apiserver', plane.replicas[0]?.pid],
      ['etcd', etcd.members[0]?.pid],
    ];
    return {
      targets: this.#targets(),
      flags: {
        ...Object.fromEntries(
          processes.map(([name, pid]) => [name, pid === undefined ? '' : processFlags(pid)]),
        ),
        // What it is told stands in a file, and is all defaults.
        ...(door === undefined ? {} : { evenkeel: `${plane.replicas.length} endpoints` }),
      },
      etcdUrls: etcd.endpoints,
    };
  }

  fault(name: FaultName): Promise<string> {
    return causeFault(name, this.#parts);
  }

  /** For people: what runs, and where. */
  addresses(): string {
    const { plane, etcd, door } = this.#parts;
    const lines: [string, string][] = [
      ...(door === undefined ? [] : ([['evenkeel', door.url]] as [string, string][])),
      ...plane.replicas.map(({ name, url }): [string, string] => [name, url]),
      ...etcd.members.map(({ name, clientUrl }): [string, string] => [`etcd ${name}`, clientUrl]),
      ['kubeconfig', this.kubeconfig],
    ];
    return lines.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join('');
  }

  /** Kills every process and removes the folder. May be called twice. */
  async stop(): Promise<void> {
    await this.#parts.plane.stop();
    await this.#parts.etcd.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  #targets(): ScrapeTarget[] {
    const { plane, etcd, door } = this.#parts;
    return [
      ...plane.replicas.map(({ name, url }): ScrapeTarget => {
        return { component: 'kube-apiserver', instance: name, url: `${url}/metrics` };
      }),
      ...etcd.members.map(({ name, metricsUrl }): ScrapeTarget => {
        return { component: 'etcd', instance: name, url: `${metricsUrl}/metrics` };
      }),
      ...(door === undefined
        ? []
        : [
            {
              component: 'evenkeel',
              instance: 'evenkeel',
              url: `${door.adminUrl}/metrics`,
            } as const,
          ]),
    ];
  }
}

/** Resolves when every part serves. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { replicas, etcdMembers, etcdVersion, apiserver, signal, log } = options;
  const missing = missingBinaries([
    apiserver ?? 'kube-apiserver',
    etcdVersion === undefined ? 'etcd' : etcdBinary(etcdVersion),
  ]);
  if (missing.length > 0) {
    throw new CommandError(`not built in .tools/bin: ${missing.join(', ')}: run \`npm run tools\``);
  }
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-load-'));
  const ends: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    log(`starting ${etcdMembers} etcd members${etcdVersion ? ` of ${etcdVersion}` : ''}`);
    const etcd = await startEtcdCluster({
      directory: join(directory, 'etcd'),
      size: etcdMembers,
      ...(etcdVersion === undefined ? {} : { version: etcdVersion }),
    });
    ends.push(() => etcd.stop());
    signal.throwIfAborted();
    const plane = await startControlPlane({
      directory: join(directory, 'plane'),
      replicas,
      etcdUrls: etcd.endpoints,
      signal,
      log,
      ...(apiserver === undefined ? {} : { apiserver }),
    });
    ends.push(() => plane.stop());
    const door = options.door ? await openDoor(plane, directory, log) : undefined;
    signal.throwIfAborted();
    const [first] = plane.replicas;
    const kubeconfig = await plane.kubeconfig(door?.url ?? first?.url ?? '', {
      token: plane.tokens.admin,
    });
    return new LocalCluster({ directory, etcd, plane, door, kubeconfig });
  } catch (error) {
    for (const end of ends.reverse()) await end();
    // What the signal broke fails in ways of its own.
    signal.throwIfAborted();
    throw error;
  }
}

async function openDoor(
  plane: ControlPlane,
  directory: string,
  log: (line: string) => void,
): Promise<DoorProcess> {
  log('starting evenkeel');
  return await startDoor({
    directory,
    pki: plane.pki,
    children: plane.children,
    endpoints: plane.replicas,
  });
}
