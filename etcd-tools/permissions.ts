// Who may make which call when auth is on. It changed with patch releases (authorization in etcd's
// server/etcdserver/api/v3rpc/maintenance.go and member.go of each tag), so that an upgrade may lock
// out a checker that has worked for years. Pure.
import { compareVersions, type Version, version } from './version.ts';

export type Permission = 'everybody' | 'every user' | 'root';

/** Calls that these tools make, and the one that the operator makes to move a leader. */
export type GuardedCall = 'Status' | 'MemberList' | 'HashKV' | 'Snapshot' | 'MoveLeader';
export const GUARDED_CALLS: readonly GuardedCall[] = [
  'Status',
  'MemberList',
  'HashKV',
  'Snapshot',
  'MoveLeader',
];

/** Of each minor, oldest first: from this release on the call is for whom. */
type History = readonly (readonly [from: string, permission: Permission])[];

const ROOT: History = [['3.0.0', 'root']];

const HISTORY: Readonly<Record<GuardedCall, History>> = {
  Status: [
    ['3.0.0', 'everybody'],
    ['3.4.42', 'root'],
    ['3.5.0', 'everybody'],
    ['3.5.28', 'root'],
    ['3.5.32', 'every user'],
    ['3.6.0', 'root'],
    ['3.6.12', 'every user'],
  ],
  MemberList: [
    ['3.0.0', 'everybody'],
    ['3.4.42', 'root'],
    ['3.4.43', 'every user'],
    ['3.5.0', 'everybody'],
    ['3.5.28', 'root'],
    ['3.5.29', 'every user'],
    ['3.6.0', 'everybody'],
    ['3.6.9', 'root'],
    ['3.6.10', 'every user'],
  ],
  HashKV: ROOT,
  Snapshot: ROOT,
  MoveLeader: [
    ['3.0.0', 'everybody'],
    ['3.4.42', 'root'],
    ['3.5.0', 'everybody'],
    ['3.5.28', 'root'],
  ],
};

/** Who may make the call at a member of this version. */
export function permissionOf(call: GuardedCall, running: Version): Permission {
  const entry = HISTORY[call].findLast(([from]) => compareVersions(version(from), running) <= 0);
  return entry?.[1] ?? 'everybody';
}

/** Calls that need more at the target than now, such as `Status: from everybody to root`. */
export function permissionsLost(running: Version, target: Version): string[] {
  const order: readonly Permission[] = ['everybody', 'every user', 'root'];
  return GUARDED_CALLS.flatMap((call) => {
    const [now, then] = [permissionOf(call, running), permissionOf(call, target)];
    return order.indexOf(then) > order.indexOf(now) ? [`${call}: from ${now} to ${then}`] : [];
  });
}
