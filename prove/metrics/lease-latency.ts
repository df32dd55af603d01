// From the renewal of a Lease to its watcher: what the door reads out of the events, beside what their
// client reads out of the same ones.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../../tools/control-plane.ts';
import { poll } from '../../tools/poll.ts';
import { requestDirectly } from '../apiserver-client.ts';
import { sumSamples } from '../apiserver-metrics.ts';
import { holds, notRun, type Row } from '../row.ts';
import { readDoor } from './door-metrics.ts';
import { watchLines } from './watch-lines.ts';

/** Below what the door looks at in a second. */
const RENEWALS_PER_SECOND = 20;
const RENEWALS = 200;
const LAG_RESOLUTION_MS = 10;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const NAME = 'evenkeel_watch_write_to_delivery_seconds';
const RESULTS = 'evenkeel_watch_write_times_total';

/** The clocks' milliseconds, and the way from the door's socket into the client's code. */
const MAX_DIFFERENCE_MS = 5;
/** Of the client's code; more says that the machine has not enough for all of them. */
const MAX_NOISE_MS = 2;

interface LeaseLatency {
  readonly renewals: number;
  /** That the door has timed. */
  readonly timed: number;
  /** Means, in milliseconds. */
  readonly clientMs: number;
  readonly doorMs: number;
  /** That the door has seen before they were written, by the one clock that there is. */
  readonly ahead: number;
  /** How late the client's own code was, which is in its figure and nobody's doing. */
  readonly noiseMs: number;
}

export async function leaseRow(
  controlPlane: ControlPlane,
  doorUrl: string,
  adminUrl: string,
): Promise<Row> {
  const latency = await measure(controlPlane, doorUrl, adminUrl);
  const { renewals, timed, clientMs, doorMs, ahead, noiseMs } = latency;
  const what = "from a lease's renewal to its watcher: the door's mean, and the client's own";
  const floor = `within ${MAX_DIFFERENCE_MS} ms, nine of ten timed, none ahead of its write`;
  const figure = `${doorMs.toFixed(1)} ms and ${clientMs.toFixed(1)} ms, ${timed} of ${renewals}, ${ahead} ahead`;
  const close = Math.abs(clientMs - doorMs) <= MAX_DIFFERENCE_MS;
  if (!close && noiseMs > MAX_NOISE_MS) {
    const busy = `too busy a machine: the client itself is late by ${noiseMs.toFixed(1)} ms`;
    return notRun(what, floor, `${busy} (${figure})`);
  }
  return holds(what, floor, figure, close && timed >= 0.9 * renewals && ahead === 0);
}

async function measure(
  controlPlane: ControlPlane,
  doorUrl: string,
  adminUrl: string,
): Promise<LeaseLatency> {
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  const metadata = { name: 'renewed' };
  await requestDirectly(controlPlane, replica, {
    method: 'POST',
    path: LEASES,
    body: { metadata, spec: { holderIdentity: 'prove', renewTime: microTime() } },
  });
  const before = await readDoor(adminUrl);
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  const delaysMs: number[] = [];
  let opened = false;
  const path = `${LEASES}?watch=1&resourceVersion=0`;
  const session = watchLines(controlPlane, doorUrl, path, (line) => {
    opened = true;
    const atMs = Date.now();
    const { type, object } = JSON.parse(line);
    if (type === 'MODIFIED') delaysMs.push(atMs - Date.parse(object.spec.renewTime));
  });
  try {
    await poll('the watch of leases', async () => opened || undefined);
    lag.enable();
    for (let i = 0; i < RENEWALS; i += 1) {
      await Promise.all([
        delay(1000 / RENEWALS_PER_SECOND),
        requestDirectly(controlPlane, replica, {
          method: 'PATCH',
          path: `${LEASES}/${metadata.name}`,
          contentType: 'application/merge-patch+json',
          body: { spec: { renewTime: microTime() } },
        }),
      ]);
    }
    await poll('the last renewal', async () => delaysMs.length >= RENEWALS || undefined);
  } finally {
    lag.disable();
    session.destroy();
  }
  const after = await readDoor(adminUrl);
  const grown = (name: string, labels: Readonly<Record<string, string>>): number =>
    sumSamples(after, name, labels) - sumSamples(before, name, labels);
  const ours = { resource: 'leases', source: 'renew_time' };
  const timed = grown(`${NAME}_count`, ours);
  return {
    renewals: delaysMs.length,
    timed,
    clientMs: delaysMs.reduce((sum, ms) => sum + ms, 0) / delaysMs.length,
    doorMs: (1000 * grown(`${NAME}_sum`, ours)) / timed,
    ahead: grown(RESULTS, { result: 'ahead' }),
    noiseMs: lag.mean / 1e6 - LAG_RESOLUTION_MS,
  };
}

/** As metav1.MicroTime is written; the clock tells milliseconds. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
