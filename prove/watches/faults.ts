// What is done to the replicas, or to the door, while everybody watches.
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane, Replica } from '../../tools/control-plane.ts';
import { storm } from './anonymous-storm.ts';
import type { DoorUnderTest } from './door-under-test.ts';
import type { NumberedWriter } from './numbered-writer.ts';

export interface Site {
  readonly controlPlane: ControlPlane;
  readonly writer: NumberedWriter;
  readonly url: string;
  readonly signal: AbortSignal;
}

export interface Fault {
  readonly name: string;
  run(site: Site): Promise<void>;
}

const DOWN_MS = 5000;
const BETWEEN_RESTARTS_MS = 10_000;
const FROZEN_MS = 30_000;
const STORM_MS = 20_000;
const STORM_PER_SECOND = 1000;

export const kill: Fault = {
  name: 'kill -9, back after 5 s',
  async run(site) {
    const victim = await choose(site, 0);
    await victim.kill();
    await pause(site, DOWN_MS);
    await victim.restart();
  },
};

export function rollingRestart(rounds: number): Fault {
  return {
    name: `rolling restart, ${rounds === 1 ? 'once' : 'twice'}`,
    async run(site) {
      for (let turn = 0; turn < rounds * site.controlPlane.replicas.length; turn += 1) {
        const replica = await choose(site, turn % site.controlPlane.replicas.length);
        await replica.terminate();
        await replica.restart();
        await pause(site, BETWEEN_RESTARTS_MS);
      }
    },
  };
}

export const freeze: Fault = {
  name: 'SIGSTOP for 30 s',
  async run(site) {
    const victim = await choose(site, 1);
    await victim.freeze();
    try {
      await pause(site, FROZEN_MS);
    } finally {
      victim.thaw();
    }
  },
};

/** The replica lives; only the door cannot reach it. */
export function networkCut(door: DoorUnderTest): Fault {
  return {
    name: 'network cut for 30 s',
    async run(site) {
      door.relay.cut();
      try {
        await pause(site, FROZEN_MS);
      } finally {
        door.relay.mend();
      }
    },
  };
}

/** The fresh one's history is short: quiet watches of the next one to die must not go there. */
export const killBesideFresh: Fault = {
  name: 'kill -9 beside a fresh replica',
  async run(site) {
    const fresh = await choose(site, 0);
    await fresh.kill();
    await fresh.restart();
    const victim = await choose(site, 1);
    await victim.kill();
    await pause(site, DOWN_MS);
    await victim.restart();
  },
};

export const anonymousStorm: Fault = {
  name: `${STORM_PER_SECOND} refused requests a second for 20 s`,
  async run({ url, controlPlane }) {
    const { cert } = controlPlane.pki.clusterCa;
    const answers = await storm(url, cert, STORM_PER_SECOND, STORM_MS);
    const refused = (answers.get(401) ?? 0) + (answers.get(403) ?? 0);
    if (refused === 0) throw new Error(`the storm was not refused: ${[...answers]}`);
  },
};

export function doorRestart(door: DoorUnderTest): Fault {
  return { name: 'the door itself is restarted', run: () => door.restart() };
}

/** The replica at `index`, to which nothing is written any more. */
async function choose({ controlPlane, writer }: Site, index: number): Promise<Replica> {
  const replica = controlPlane.replicas[index];
  if (replica === undefined) throw new Error(`no replica ${index}`);
  await writer.avoid(replica);
  return replica;
}

async function pause({ signal }: Site, durationMs: number): Promise<void> {
  await delay(durationMs, undefined, { signal });
}
