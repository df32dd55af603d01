// What a replica hands to each handler. The parts are made in replica.ts and live as long as one
// life of the replica: a restart makes new ones.
import type { AuthenticationConfig } from './authentication.ts';
import type { Encoder } from './encoder.ts';
import type { Counters } from './metrics.ts';
import type { Store } from './store.ts';
import type { TimerWheel } from './timer-wheel.ts';
import type { View } from './view.ts';

/** Settings that all replicas of a simulator share. */
export interface ServingConfig {
  /** Between two bookmarks of one watch. kube-apiserver: about 60 s. */
  readonly bookmarkIntervalMs: number;
  /** How long a read waits for a revision before "Too large resource version". */
  readonly freshnessTimeoutMs: number;
  /** Between two lines of a followed log. */
  readonly logIntervalMs: number;
  /** Bytes that may wait for one slow watcher before its watch is ended. */
  readonly watchBufferMaxBytes: number;
  readonly maxConcurrentStreams: number;
  /** Events that each replica keeps per resource. */
  readonly historySize: number;
  /** Users of these groups may do everything, all others next to nothing. */
  readonly allowedGroups: readonly string[];
  readonly authentication: AuthenticationConfig;
}

/** Anything that runs until somebody ends it: watches and followed logs. */
export interface LongRunning {
  /** Ends it cleanly, with END_STREAM or the last chunk. */
  end(): void;
}

/** One life of one replica, as its handlers see it. */
export interface Serving {
  readonly name: string;
  readonly store: Store;
  readonly view: View;
  readonly encoder: Encoder;
  readonly wheel: TimerWheel;
  readonly counters: Counters;
  /** In seconds since 1970. */
  readonly startedAtSeconds: number;
  readonly config: ServingConfig;
  /** Open watches and followed logs, for a shutdown to end. */
  readonly longRunning: Set<LongRunning>;
}
