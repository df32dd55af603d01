// What one etcd member tells about itself. Everything of 64 bits is a bigint: ids and revisions are
// larger than a JavaScript number holds, and tools that forget it print the last digits as zeros.

/** Which cluster and member answered, and how far its store was when it did. */
export interface Header {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

/** When a call was sent and its answer taken, of one monotonic clock, in milliseconds. */
export interface CallTimes {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

/** The answer of Maintenance.Status, which the member gives by itself, without asking others. */
export interface MemberStatus extends CallTimes {
  readonly header: Header;
  /** Of the binary, such as `3.5.33`. */
  readonly version: string;
  readonly dbSizeBytes: bigint;
  readonly dbSizeInUseBytes: bigint;
  /** 0 when the member knows no leader. */
  readonly leaderId: bigint;
  /** The member's committed index, not its last one. */
  readonly raftIndex: bigint;
  readonly raftAppliedIndex: bigint;
  readonly raftTerm: bigint;
  /** Alarms and `etcdserver: no leader`, as the member words them. */
  readonly errors: readonly string[];
  readonly isLearner: boolean;
  /** From 3.6; empty means not reported. */
  readonly storageVersion: string;
  /** From 3.6; 0 means not reported. */
  readonly dbSizeQuotaBytes: bigint;
  /** From 3.6; undefined means not reported, which is not the same as no downgrade. */
  readonly downgrade?: { readonly enabled: boolean; readonly targetVersion: string };
}

/** One row of Cluster.MemberList as one member sees it. */
export interface ListedMember {
  readonly id: bigint;
  /** Empty until the member has started once. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** The answer of a Range of at most one key. */
export interface ReadAnswer extends CallTimes {
  /** The store's revision when the read was made. */
  readonly revision: bigint;
  /** The member refused the key after it had passed the barrier: `revision` is then of a Status. */
  readonly permissionDenied: boolean;
}

/** The answer of Maintenance.HashKV. */
export interface KeyHash extends CallTimes {
  readonly header: Header;
  /** CRC-32C over the keys' history, 32 bits unsigned. */
  readonly hash: number;
  readonly compactRevision: bigint;
  /** From 3.6; 0 means not reported. */
  readonly hashRevision: bigint;
}

/** Why a member gave no answer; each has a line in `member-error.ts` that says what to do. */
export type MemberErrorCode =
  | 'unreachable'
  | 'deadline'
  | 'certificate'
  | 'unauthenticated'
  | 'permission-denied'
  | 'no-leader'
  | 'learner'
  | 'compacted'
  | 'future-revision'
  | 'unsupported'
  | 'other';
