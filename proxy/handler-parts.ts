import type { RequestObserver, RequestRecord } from './observe/request-record.ts';
import type { AttemptParts } from './upstream/attempts.ts';
import type { KeptBodyMemory } from './upstream/upload.ts';
import type { WatchHome } from './watch/carried-watch.ts';

/** What every request needs; made once by the server. */
export interface HandlerParts extends AttemptParts {
  readonly observer: RequestObserver;
  readonly keptBodies: KeptBodyMemory;
  readonly open: Set<OpenExchange>;
  /** Header names besides X-Remote-* that no client may send. */
  readonly alsoStrip: readonly string[];
  /** Home of the watches that are carried. */
  readonly watches: WatchHome;
  readonly maxKeptBodyBytes: number;
  /** From the entry of a short request to the first byte of its answer. */
  readonly answerTimeoutMs: number;
  /** Between two pieces of a request body. */
  readonly uploadIdleMs: number;
  readonly nowMs: () => number;
}

/** An exchange, to those who keep time for it. */
export interface OpenExchange {
  readonly record: RequestRecord;
  /** To be called about once a second: ends what has waited too long. */
  checkDeadlines(nowMs: number): void;
  /** The door ends: a watch ends as the apiserver would end it, and comes back elsewhere. */
  endForShutdown(): void;
}
