// What the tests of the front door share: a real control plane with a door before it, once for each
// test file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test as plainTest } from 'vitest';
import { missingBinaries } from '../../../tools/binaries.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  type Replica,
  startControlPlane,
} from '../../../tools/control-plane.ts';
import { type DoorOptions, type DoorProcess, startDoor } from '../../../tools/door.ts';

export interface Cluster extends ControlPlane {
  readonly door: DoorProcess;
  /** The first replica: what a client reaches that goes without the door. */
  readonly direct: Replica;
  /** A further door before the same replicas, with a folder of its own. */
  openDoor(name: string, config?: DoorOptions['config']): Promise<DoorProcess>;
}

export interface ClusterUse {
  /** Programs needed besides etcd and kube-apiserver. */
  readonly binaries?: readonly string[];
  readonly replicas?: number;
  readonly controlPlane?: Partial<ControlPlaneOptions>;
  readonly config?: DoorOptions['config'];
  /** Runs after the start, within the same limit. */
  readonly prepare?: (cluster: Cluster) => Promise<void>;
}

export interface ClusterTests {
  /** As vitest's; reported as not run, with the reason, where a program is missing. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** The running cluster; only inside a test. */
  readonly cluster: () => Cluster;
}

const START_LIMIT_MS = 120_000;

/** Starts everything before the first test of a file, and ends it after the last. */
export function useCluster(use: ClusterUse = {}): ClusterTests {
  const missing = missingBinaries(['etcd', 'kube-apiserver', ...(use.binaries ?? [])]);
  const reason = missing.length > 0 ? ` (not run: no ${missing.join(', ')} in .tools/bin)` : '';
  let directory: string | undefined;
  let running: Cluster | undefined;

  beforeAll(async () => {
    if (missing.length > 0) return;
    directory = await mkdtemp(join(tmpdir(), 'evenkeel-cluster-'));
    running = await startCluster(directory, use);
    await use.prepare?.(running);
  }, START_LIMIT_MS);

  afterAll(async () => {
    await running?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  return {
    test: (name, run) => plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run),
    cluster() {
      if (running === undefined) throw new Error('the cluster has not started');
      return running;
    },
  };
}

async function startCluster(directory: string, use: ClusterUse): Promise<Cluster> {
  const controlPlane = await startControlPlane({
    directory: join(directory, 'control-plane'),
    replicas: use.replicas ?? 3,
    ...use.controlPlane,
  });
  const openDoor = async (
    name: string,
    config: DoorOptions['config'] = {},
  ): Promise<DoorProcess> => {
    const folder = await mkdtemp(join(directory, `${name}-`));
    const { pki, children, replicas: endpoints } = controlPlane;
    return startDoor({ directory: folder, pki, children, endpoints, config });
  };
  try {
    const door = await openDoor('door', use.config);
    const [direct] = controlPlane.replicas;
    if (direct === undefined) throw new Error('a cluster needs a replica');
    return { ...controlPlane, door, direct, openDoor };
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}
