import type { Connection } from '../http2/connection.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { MoveReason, MoveResult } from './watch-origin.ts';
import type { WatchSearch } from './watch-search.ts';

/** A carried watch, to those who find places for it. */
export interface HomedWatch {
  /** Where it is served; undefined while it has no endpoint. */
  readonly endpoint: Endpoint | undefined;
  readonly connection: Connection | undefined;
  /** When the client last got an event or bookmark, or the watch began. */
  readonly lastEventAtMs: number;
  /** What it has brought, on the average of its life, for the choice of which one to move. */
  bytesPerSecond(nowMs: number): number;
  readonly isOver: boolean;
  /** It could go on elsewhere, and is not about to. */
  readonly movable: boolean;
  readonly search: WatchSearch;
  /** Opens it at another endpoint; the present stream is kept until that has answered. */
  moveTo(endpoint: Endpoint, reason: MoveReason): void;
  /** Goes on at an endpoint after the present one was lost. */
  continueAt(endpoint: Endpoint): void;
  /** Nobody can go on with it: the client watches again by itself. */
  giveUp(detail: string): void;
  endForShutdown(): void;
  /** A bug of ours ends this watch and no other. */
  fail(error: unknown): void;
}

/** Keeps all carried watches, and finds places for those that need one. */
export interface WatchHome {
  attached(watch: HomedWatch, endpoint: Endpoint): void;
  detached(watch: HomedWatch, endpoint: Endpoint): void;
  /** An endpoint is asked for a watch that it is to go on with. */
  opening(endpoint: Endpoint): void;
  /** It has answered, or was given up. */
  settled(endpoint: Endpoint): void;
  /** The watch has no endpoint, and is to be given one. */
  wait(watch: HomedWatch): void;
  left(watch: HomedWatch): void;
  outcome(reason: MoveReason, result: MoveResult): void;
  gap(gapMs: number): void;
  bug(error: unknown): void;
}
