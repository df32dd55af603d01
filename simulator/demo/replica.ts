// A kube-apiserver of the demo, simulated or real: what is done to it and what it says of itself.

/** What a replica counts. `requests` only grows, except over a restart of a real one. */
export interface ReplicaCounts {
  /** Requests for the demo's kind of object, watches excepted. */
  readonly requests: number;
  /** Open watches of it. */
  readonly watches: number;
}

export interface DemoReplica {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** SIGKILL, or what comes nearest. */
  kill(): Promise<void>;
  /** Resolves when it is ready again. */
  restart(): Promise<void>;
  /** Undefined while it is down. */
  counts(): Promise<ReplicaCounts | undefined>;
}

export interface DemoReplicas {
  /** As in "3 simulated kube-apiservers". */
  readonly kind: 'simulated' | 'real';
  readonly replicas: readonly DemoReplica[];
  readonly countIntervalMs: number;
  stop(): Promise<void>;
}

/** What clients read, watch and write. */
export const RESOURCE = 'configmaps';
