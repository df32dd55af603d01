// What the rules of an upgrade are held against: what members said within one observation. The rules
// themselves do no I/O, so that each wrong move can be tried in a table.
import { answering, type ClusterView, type MemberView, type Outcome } from './cluster-view.ts';
import type { HashResult } from './hash.ts';
import type { LagReport } from './lag-report.ts';
import type { MemberStatus, ReadAnswer } from './member-report.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import type { Step, StepOrRefusal } from './upgrade-step.ts';
import { minorOf, parseVersion, type Version } from './version.ts';

export interface UpgradeFacts {
  readonly view: ClusterView;
  readonly target: Version;
  readonly step: StepOrRefusal;
  /** Undefined when it could not be found out. */
  readonly authOn: boolean | undefined;
  /** What the cluster runs at, such as `3.5.0`, by `/version`; undefined when nobody told. */
  readonly clusterVersion: string | undefined;
  /** Through the leader, at each member. */
  readonly reads: ReadonlyMap<MemberView, Outcome<ReadAnswer>>;
  /** Leaders and terms that were seen from the first look to the last. */
  readonly observed: Observation;
  readonly lag: LagReport;
  /** Undefined when it was not asked for. */
  readonly hash: HashResult | undefined;
  /** As given by a flag, for releases that do not report it. */
  readonly quotaBytes: bigint | undefined;
  /** Undefined when none was named. */
  readonly snapshot: SnapshotFile | undefined;
}

/** Of one stretch of time. */
export interface Observation {
  readonly forMs: number;
  /** As was asked for. */
  readonly wantedMs: number;
  /** Every pair of term and leader that a member told, without repeats. */
  readonly leaders: readonly { readonly term: bigint; readonly leaderId: bigint }[];
}

/** A member that answered, with what it runs. */
export interface RunningMember {
  readonly member: MemberView;
  readonly status: MemberStatus;
  readonly version: Version;
}

export function runningMembers(view: ClusterView): RunningMember[] {
  return answering(view).flatMap(({ member, status }) => {
    const version = parseVersion(status.version);
    return version === undefined ? [] : [{ member, status, version }];
  });
}

/** The step, where there is one. */
export function stepOf({ step }: UpgradeFacts): Step | undefined {
  return 'refused' in step ? undefined : step;
}

/** `3.5` of `3.5.0`. */
export function clusterMinor(clusterVersion: string | undefined): string | undefined {
  const parsed = parseVersion(clusterVersion ?? '');
  return parsed === undefined ? undefined : minorOf(parsed);
}
