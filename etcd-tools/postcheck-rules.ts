// Is the upgrade, or the way back, complete? Pure.
import { type Finding, failed, note, passed, type Rule, unknown } from './check-item.ts';
import { CLUSTER_RULES } from './cluster-rules.ts';
import { nameOf } from './cluster-view.ts';
import { clusterMinor, runningMembers, type UpgradeFacts } from './upgrade-facts.ts';
import { formatVersion, isBefore, minorOf, parseVersion } from './version.ts';

export interface PostcheckFacts extends UpgradeFacts {
  /** The largest of all members. */
  readonly revision: bigint;
  /** Undefined when nobody could be asked. */
  readonly keys: bigint | undefined;
  /** What `preflight` had found, where it is given. */
  readonly before: { readonly revision: bigint | undefined; readonly keys: bigint | undefined };
}

export const POSTCHECK_RULES: readonly Rule<PostcheckFacts>[] = [
  { id: 'all-on-target', title: 'every member runs the target', check: allOnTarget },
  { id: 'cluster-on-target', title: 'the cluster as a whole does', check: clusterOnTarget },
  {
    id: 'storage-on-target',
    title: 'data is written as the target has it',
    check: storageOnTarget,
  },
  { id: 'no-downgrade', title: 'no downgrade is under way', check: noDowngrade },
  ...CLUSTER_RULES,
  { id: 'revision', title: 'the revision has not gone back', check: revisionKept },
  { id: 'keys', title: 'as many keys as before', check: keysKept },
];

function allOnTarget({ view, target }: PostcheckFacts): Finding {
  const running = runningMembers(view);
  const others = running.filter(({ status }) => status.version !== formatVersion(target));
  if (running.length === 0) return unknown('no member told its version');
  if (others.length === 0) return passed(`${running.length} run ${formatVersion(target)}`);
  const parts = others.map(
    ({ member, status }) => `${nameOf(view, member)} runs ${status.version}`,
  );
  return failed(parts.join(', '));
}

function clusterOnTarget({ clusterVersion, target }: PostcheckFacts): Finding {
  if (clusterVersion === undefined)
    return unknown('no member told it', ['curl CLIENT-URL/version']);
  if (clusterMinor(clusterVersion) === minorOf(target)) return passed(clusterVersion);
  return failed(`it is at ${clusterVersion}; it follows some seconds after the last member`);
}

function storageOnTarget({ view, target }: PostcheckFacts): Finding | undefined {
  // Told from 3.6 on.
  if (isBefore(target, '3.6.0')) return undefined;
  const late = runningMembers(view).filter(({ status }) => {
    const stored = parseVersion(status.storageVersion);
    return stored === undefined || minorOf(stored) !== minorOf(target);
  });
  if (late.length === 0) return passed(minorOf(target));
  const parts = late.map(
    ({ member, status }) => `${nameOf(view, member)} at ${status.storageVersion || 'none'}`,
  );
  return failed(`${parts.join(', ')}; it follows some seconds after the cluster`);
}

function noDowngrade({ view }: PostcheckFacts): Finding {
  const announced = runningMembers(view).find(({ status }) => status.downgrade?.enabled);
  if (announced === undefined) return passed('none');
  return failed(`to ${announced.status.downgrade?.targetVersion}`, ['etcdctl downgrade cancel']);
}

function revisionKept({ revision, before }: PostcheckFacts): Finding | undefined {
  if (before.revision === undefined) return undefined;
  if (revision >= before.revision) return passed(`${before.revision} before, ${revision} now`);
  return failed(`${before.revision} before, ${revision} now: writes are lost`);
}

/** Clients may have deleted some: a reason to look, and no proof. */
function keysKept({ keys, before }: PostcheckFacts): Finding | undefined {
  if (before.keys === undefined) return undefined;
  if (keys === undefined) return unknown('they could not be counted');
  const text = `${before.keys} before, ${keys} now`;
  return keys >= before.keys ? passed(text) : note(`${text}: deleted by clients, or expired?`);
}
