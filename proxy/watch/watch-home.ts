import type { Endpoint } from '../upstream/endpoint.ts';
import type { CarriedWatch } from './carried-watch.ts';
import type { MoveReason, MoveResult } from './watch-origin.ts';

/** Keeps all carried watches, and finds places for those that need one. */
export interface WatchHome {
  attached(watch: CarriedWatch, endpoint: Endpoint): void;
  detached(watch: CarriedWatch, endpoint: Endpoint): void;
  /** The watch has no endpoint, and is to be given one. */
  wait(watch: CarriedWatch): void;
  left(watch: CarriedWatch): void;
  outcome(reason: MoveReason, result: MoveResult): void;
  gap(gapMs: number): void;
}
