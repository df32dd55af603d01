import type { Scenario } from './scenario.ts';
import { frontDoor } from './scenarios/front-door.ts';
import { watches } from './scenarios/watches.ts';
import { watchesPeers } from './scenarios/watches-peers.ts';

/** All of prove/scenarios, in the order in which they are listed. */
export const SCENARIOS: readonly Scenario[] = [frontDoor, watches, watchesPeers];
