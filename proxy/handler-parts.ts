import type { CallerNames } from './identity/caller-name.ts';
import type { RequestObserver } from './observe/request-record.ts';
import type { OpenExchanges } from './open-exchanges.ts';
import type { AttemptParts } from './upstream/attempts.ts';
import type { KeptBodyMemory } from './upstream/upload.ts';
import type { WatchHome } from './watch/watch-home.ts';

/** What every request needs; made once by the server. */
export interface HandlerParts extends AttemptParts {
  readonly observer: RequestObserver;
  readonly callerNames: CallerNames;
  readonly keptBodies: KeptBodyMemory;
  readonly open: OpenExchanges;
  /** Header names besides X-Remote-* that no client may send. */
  readonly alsoStrip: readonly string[];
  /** Home of the watches that are carried. */
  readonly watches: WatchHome;
  readonly maxKeptBodyBytes: number;
  /** From the entry of a short request to the first byte of its answer. */
  readonly answerTimeoutMs: number;
  /** Between two pieces of a request body. */
  readonly uploadIdleMs: number;
}
