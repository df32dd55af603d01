// The door that is attacked: a process of its own before simulated apiservers, with short deadlines.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ChildGroup } from '../../tools/child.ts';
import { type DoorProcess, startDoor } from '../../tools/door.ts';
import { createPki } from '../../tools/pki.ts';
import type { ApiserverEndpoints, ApiserversData } from './apiservers-thread.ts';

export const TOKEN = 'token-admin';
export const SMALL_PATH = '/api/v1/namespaces/default/configmaps/small';
const OBJECTS = { small: 10, large: 900_000 };

/** So that those who wait for a deadline need not be waited for themselves. */
const LIMITS = { handshakeTimeout: '1s', headerTimeout: '1s', stalledResponse: '1s' };

export interface Victim {
  readonly door: DoorProcess;
  readonly ca: string;
  /** Objects `small` and `large` are there. */
  stop(): Promise<void>;
}

export async function startVictim(directory: string, limits: object = LIMITS): Promise<Victim> {
  const pki = await createPki(directory);
  const children = new ChildGroup();
  // Two, so that a read can be sent to the other: Node counts streams that were reset until it has
  // destroyed them, and refuses the next one of a connection of which a hundred were.
  const { issueClient: _, ...plain } = pki;
  const workerData: ApiserversData = { pki: plain, replicas: 2, objects: OBJECTS };
  const apiservers = new Worker(new URL('./apiservers-thread.ts', import.meta.url), { workerData });
  const stop = async (): Promise<void> => {
    await children.stop();
    await apiservers.terminate();
  };
  try {
    const [endpoints] = (await once(apiservers, 'message')) as [ApiserverEndpoints];
    // Attacker, honest clients and apiservers share the machine: that it is busy must not look like
    // an apiserver that is out.
    const health = { unhealthyAfter: 100 };
    const config = { limits, health, log: { level: 'warn' } };
    const door = await startDoor({ directory, pki, children, endpoints, config });
    return { door, ca: pki.clusterCa.cert, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resident memory of the door, in MiB. */
export function residentMib({ door }: Victim): number {
  const status = readFileSync(`/proc/${door.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

export interface Open {
  readonly connections: number;
  readonly requests: number;
}

/** Client connections and requests that are open, by the door's own metrics. */
export async function openAt({ door }: Victim): Promise<Open> {
  const response = await fetch(`${door.adminUrl}/metrics`);
  const lines = (await response.text()).split('\n');
  const sum = (name: string): number =>
    lines
      .filter((line) => line.startsWith(`${name}{`))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  return {
    connections: sum('evenkeel_client_connections'),
    requests: sum('evenkeel_requests_in_flight'),
  };
}

const POLL_MS = 50;

/** What is open when no more than `connections` are, or when the time is over. */
export async function settle(victim: Victim, connections: number, limitMs: number): Promise<Open> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const open = await openAt(victim);
    // Requests of honest clients come and go.
    if (open.connections <= connections || performance.now() > endMs) return open;
    await delay(POLL_MS);
  }
}
