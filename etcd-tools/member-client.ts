// What the commands ask of one member. `member.ts` answers it with real connections; tests of the
// verdicts hand in members of their own.
import type { Header, KeyHash, ListedMember, MemberStatus, ReadAnswer } from './member-report.ts';

/** Every call has the client's deadline, is sent once, and rejects with a `MemberError`. */
export interface MemberClient {
  /** The URL as the user or the member list gave it. */
  readonly endpoint: string;
  status(): Promise<MemberStatus>;
  /** Through the leader: the member has applied all that was committed before the call. */
  linearizableRead(): Promise<ReadAnswer>;
  /** Out of the member's own store, without asking anybody. */
  serializableRead(): Promise<ReadAnswer>;
  /** As this member sees it; never a raft entry. */
  memberList(): Promise<{ readonly header: Header; readonly members: readonly ListedMember[] }>;
  /** A scan of the whole store: one member at a time. */
  hashKeys(revision: bigint): Promise<KeyHash>;
  /** Number of keys, linearizable; reads no key. */
  countKeys(): Promise<{ readonly count: bigint; readonly header: Header }>;
  /** Streamed with back-pressure; `signal` ends it early. */
  snapshot(signal: AbortSignal): AsyncIterable<SnapshotPart>;
  close(): void;
}

/** One piece of a snapshot. The last 32 bytes of all are the SHA-256 of what came before. */
export interface SnapshotPart {
  readonly bytes: Uint8Array;
  /** Still to come after this piece, as the member says. */
  readonly remainingBytes: bigint;
  /** Of the member, from 3.6; empty means not reported. */
  readonly storageVersion: string;
}
