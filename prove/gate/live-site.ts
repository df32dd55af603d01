// One real control plane behind the door, and a relay before it for each arm: what differs between
// the arms is what the relays do, and nothing else.
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startControlPlane } from '../../tools/control-plane.ts';
import { startDoor } from '../../tools/door.ts';
import type { ScenarioContext } from '../scenario.ts';
import { SlowRelay } from './slow-relay.ts';

// The gate takes latencies that are apart by 5 ms for one: a fifth more must be more than that, and
// must stand out of what a busy machine adds to a request.
const DISTANCE_MS = 150;

export interface LiveArm {
  readonly relay: SlowRelay;
  readonly kubeconfig: string;
  /** By method, what is added to the distance. May be changed between runs. */
  readonly extraMs: Map<string, number>;
}

export interface LiveSite {
  readonly baseline: LiveArm;
  readonly candidate: LiveArm;
}

/** Ends with the scenario. */
export async function startLiveSite(context: ScenarioContext): Promise<LiveSite> {
  const { directory, signal, say } = context;
  say('starting etcd, one kube-apiserver, the door and two relays');
  const plane = await startControlPlane({
    directory: join(directory, 'plane'),
    replicas: 1,
    signal,
  });
  await context.onEnd(() => plane.stop());
  const door = await startDoor({
    directory,
    pki: plane.pki,
    children: plane.children,
    endpoints: plane.replicas,
  });
  const startArm = async (name: string): Promise<LiveArm> => {
    const extraMs = new Map<string, number>();
    const delayMs = (method: string): number => DISTANCE_MS + (extraMs.get(method) ?? 0);
    const relay = new SlowRelay({ target: door.url, pki: plane.pki, delayMs });
    await relay.listen();
    await context.onEnd(() => relay.close());
    const written = await plane.kubeconfig(relay.url, { token: plane.tokens.admin });
    // The gate calls an arm by the name of its file.
    const kubeconfig = join(dirname(written), name);
    await rename(written, kubeconfig);
    return { relay, kubeconfig, extraMs };
  };
  return { baseline: await startArm('baseline'), candidate: await startArm('candidate') };
}
