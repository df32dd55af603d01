// What is done to a local control plane on purpose, and undone.
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane, Replica } from '../../tools/control-plane.ts';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import type { FaultName } from './site.ts';

export interface Faulted {
  readonly plane: Pick<ControlPlane, 'replicas'>;
  readonly etcd: EtcdCluster;
}

// As long as a kubelet leaves a static pod down that has crashed once (the first back-off,
// pkg/kubelet/kubelet.go, MaxCrashLoopBackOff and backOffPeriod: 10 s), and shorter runs have time.
const DOWN_MS = 5000;
// Longer than clients and front doors need to call a silent connection dead.
const FROZEN_MS = 10_000;

const FAULTS: Readonly<Record<FaultName, (at: Faulted) => Promise<string>>> = {
  'replica-kill': async ({ plane }) => {
    const replica = firstOf(plane);
    await replica.kill();
    await delay(DOWN_MS);
    await replica.restart();
    return replica.name;
  },
  'replica-freeze': async ({ plane }) => {
    const replica = firstOf(plane);
    await replica.freeze();
    await delay(FROZEN_MS);
    replica.thaw();
    return replica.name;
  },
  'rolling-restart': async ({ plane }) => {
    for (const replica of plane.replicas) {
      await replica.terminate();
      await replica.restart();
    }
    return plane.replicas.map(({ name }) => name).join(', ');
  },
  // The leader: of the three it is the one whose loss stops every write until another is elected.
  'etcd-member-kill': async ({ etcd }) => {
    if (etcd.members.length < 3) {
      throw new Error(`etcd has ${etcd.members.length} member: no quorum would be left of it`);
    }
    const leader = await etcd.leader();
    await leader.kill();
    await delay(DOWN_MS);
    await etcd.start(leader);
    return `${leader.name}, the leader`;
  },
};

/** Resolves with what it was done to, when all is whole again. */
export function causeFault(name: FaultName, at: Faulted): Promise<string> {
  return FAULTS[name](at);
}

function firstOf({ replicas }: Pick<ControlPlane, 'replicas'>): Replica {
  const [replica] = replicas;
  if (replica === undefined) throw new Error('the control plane has no kube-apiserver');
  return replica;
}
