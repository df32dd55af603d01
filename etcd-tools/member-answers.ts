// The messages of etcd's API, as the libraries hand them over, made into what member-report.ts says.

import type { SnapshotPart } from './member-client.ts';
import type { Header, KeyHash, ListedMember, MemberStatus } from './member-report.ts';

/** Numbers of 64 bits are decimal text. */
export interface RawHeader {
  readonly cluster_id: string;
  readonly member_id: string;
  readonly revision: string;
  readonly raft_term: string;
}

/** `StatusResponse` of member.proto. */
export interface RawStatus {
  readonly header: RawHeader;
  readonly version: string;
  readonly dbSize: string;
  readonly leader: string;
  readonly raftIndex: string;
  readonly raftTerm: string;
  readonly raftAppliedIndex: string;
  readonly errors: readonly string[];
  readonly dbSizeInUse: string;
  readonly isLearner: boolean;
  readonly storageVersion: string;
  readonly dbSizeQuota: string;
  readonly downgradeInfo: { readonly enabled: boolean; readonly targetVersion: string } | null;
}

/** `HashKVResponse` of member.proto. */
export interface RawKeyHash {
  readonly header: RawHeader;
  readonly hash: number;
  readonly compact_revision: string;
  readonly hash_revision: string;
}

/** `SnapshotResponse` of member.proto. */
export interface RawSnapshotPart {
  readonly remaining_bytes: string;
  readonly blob: Uint8Array;
  readonly version: string;
}

/** `Member` of etcd's API. */
export interface RawMember {
  readonly ID: string;
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
  readonly isLearner: boolean;
}

/** `MemberListResponse` of etcd's API. */
export interface RawMemberList {
  readonly header: RawHeader;
  readonly members: readonly RawMember[];
}

/** `RangeResponse`, as far as it is used. */
export interface RawRange {
  readonly header: RawHeader;
  readonly count: string;
}

/** When the call was sent and answered. */
export interface Times {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

export function toHeader(header: RawHeader): Header {
  return {
    clusterId: BigInt(header.cluster_id),
    memberId: BigInt(header.member_id),
    revision: BigInt(header.revision),
    raftTerm: BigInt(header.raft_term),
  };
}

export function toStatus(raw: RawStatus, times: Times): MemberStatus {
  return {
    ...times,
    header: toHeader(raw.header),
    version: raw.version,
    dbSizeBytes: BigInt(raw.dbSize),
    dbSizeInUseBytes: BigInt(raw.dbSizeInUse),
    leaderId: BigInt(raw.leader),
    raftIndex: BigInt(raw.raftIndex),
    raftAppliedIndex: BigInt(raw.raftAppliedIndex),
    raftTerm: BigInt(raw.raftTerm),
    errors: raw.errors,
    isLearner: raw.isLearner,
    storageVersion: raw.storageVersion,
    dbSizeQuotaBytes: BigInt(raw.dbSizeQuota),
    ...(raw.downgradeInfo === null ? {} : { downgrade: raw.downgradeInfo }),
  };
}

export function toKeyHash(raw: RawKeyHash, times: Times): KeyHash {
  return {
    ...times,
    header: toHeader(raw.header),
    hash: raw.hash,
    compactRevision: BigInt(raw.compact_revision),
    hashRevision: BigInt(raw.hash_revision),
  };
}

export function toListedMember(raw: RawMember): ListedMember {
  return {
    id: BigInt(raw.ID),
    name: raw.name,
    peerUrls: raw.peerURLs,
    clientUrls: raw.clientURLs,
    isLearner: raw.isLearner,
  };
}

export function toSnapshotPart(raw: RawSnapshotPart): SnapshotPart {
  return {
    bytes: raw.blob,
    remainingBytes: BigInt(raw.remaining_bytes),
    storageVersion: raw.version,
  };
}
