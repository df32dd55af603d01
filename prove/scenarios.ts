import type { Scenario } from './scenario.ts';
import { etcd } from './scenarios/etcd.ts';
import { frontDoor } from './scenarios/front-door.ts';
import { gate } from './scenarios/gate.ts';
import { loadtests } from './scenarios/loadtests.ts';
import { metrics } from './scenarios/metrics.ts';
import { patches } from './scenarios/patches.ts';
import { watches } from './scenarios/watches.ts';
import { watchesPeers } from './scenarios/watches-peers.ts';
import { wire } from './scenarios/wire.ts';

/** All of prove/scenarios, in the order in which they are listed. */
export const SCENARIOS: readonly Scenario[] = [
  etcd,
  frontDoor,
  gate,
  loadtests,
  metrics,
  patches,
  watches,
  watchesPeers,
  wire,
];
