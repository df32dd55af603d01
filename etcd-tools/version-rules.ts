// What has to hold of the versions: which step it is, and what that step asks for. Pure.
import { advisoriesFor, fixInSameMinor } from './advisories.ts';
import type { Advisory } from './advisory.ts';
import { type Finding, failed, note, onHost, passed, type Rule, unknown } from './check-item.ts';
import { nameOf } from './cluster-view.ts';
import { permissionsLost } from './permissions.ts';
import { clusterMinor, runningMembers, stepOf, type UpgradeFacts } from './upgrade-facts.ts';
import { crossesAuthFormat, floorProblem, landingProblem, newestOf } from './upgrade-step.ts';
import { compareVersions, formatVersion, minorOf, parseVersion, type Version } from './version.ts';

export const VERSION_RULES: readonly Rule<UpgradeFacts>[] = [
  { id: 'path', title: 'the step is one that etcd supports', check: path },
  { id: 'floor', title: 'every member may leave its release', check: floor },
  { id: 'landing', title: 'the target is a release to be on', check: landing },
  { id: 'advisories', title: 'what is known against the target', check: advisories },
  { id: 'auth', title: 'auth does not stand in the way', check: auth },
  { id: 'permissions', title: 'these checks may still be made afterwards', check: permissions },
  { id: 'downgrade', title: 'no other downgrade is under way', check: downgrade },
  { id: 'storage', title: 'the data can be read by the target', check: storage },
  { id: 'cluster-version', title: 'the cluster runs at its oldest member', check: clusterRunsAt },
];

function path({ view, step, target }: UpgradeFacts): Finding {
  const versions = countVersions(runningMembers(view).map(({ version }) => version));
  if (versions === '') return unknown('no member told its version');
  if ('refused' in step) return failed(`${versions} to ${formatVersion(target)}: ${step.refused}`);
  return passed(`${step.kind}: ${versions} to ${formatVersion(target)}`);
}

function countVersions(versions: readonly Version[]): string {
  return [...Map.groupBy(versions, formatVersion)]
    .map(([text, of]) => `${of.length} x ${text}`)
    .join(', ');
}

function floor(facts: UpgradeFacts): Finding | undefined {
  const step = stepOf(facts);
  if (step?.kind !== 'upgrade') return undefined;
  const problems = runningMembers(facts.view).flatMap(({ member, version }) => {
    const problem = floorProblem(version, step);
    return problem === undefined ? [] : [`${nameOf(facts.view, member)}: ${problem}`];
  });
  if (problems.length === 0) return passed(`from ${step.from}`);
  const newest = newestOf(step.from) ?? step.from;
  return failed(`${problems.join('; ')}; go to ${newest} first, on all members`);
}

function landing(facts: UpgradeFacts): Finding | undefined {
  const step = stepOf(facts);
  if (step === undefined) return undefined;
  const problem = landingProblem(facts.target, step);
  if (problem !== undefined) return failed(problem);
  return passed(formatVersion(facts.target));
}

/** What makes members differ or lose data shuts the gate where a release without it is at hand. */
function advisories({ target }: UpgradeFacts): Finding {
  const known = advisoriesFor(target).filter(({ reportedOnly }) => !reportedOnly);
  if (known.length === 0) return passed(`nothing against ${formatVersion(target)}`);
  const ids = known.map(({ id }) => id).join(', ');
  const grave = known.filter(
    (advisory) => isGrave(advisory) && fixInSameMinor(advisory, target) !== undefined,
  );
  if (grave.length === 0)
    return note(`${ids}; see \`evenkeel-etcd advise --to ${formatVersion(target)}\``);
  const parts = grave.map(
    (advisory) => `${advisory.id}, fixed in ${fixInSameMinor(advisory, target)}`,
  );
  const newest = newestOf(minorOf(target));
  return failed(`members may diverge: ${parts.join('; ')}${newest ? `; go to ${newest}` : ''}`);
}

function isGrave({ harm }: Advisory): boolean {
  return harm === 'divergence' || harm === 'loss';
}

function auth(facts: UpgradeFacts): Finding | undefined {
  const step = stepOf(facts);
  if (step === undefined || !crossesAuthFormat(step)) return undefined;
  if (facts.authOn === undefined) {
    return unknown('members did not tell whether auth is on', ['etcdctl auth status']);
  }
  if (!facts.authOn) return passed('it is off');
  return failed(
    'it is on, and members of 3.4 and 3.5 do not understand each other about it: turn it off for ' +
      'the upgrade, or stop all members at once',
    ['etcdctl auth disable'],
  );
}

function permissions({ view, target, authOn }: UpgradeFacts): Finding | undefined {
  if (authOn !== true) return undefined;
  const lost = [
    ...new Set(runningMembers(view).flatMap(({ version }) => permissionsLost(version, target))),
  ];
  if (lost.length === 0) return passed('the target asks for no more than now');
  return note(`the target gives calls to fewer: ${lost.join('; ')}`);
}

function downgrade(facts: UpgradeFacts): Finding {
  const { view, target } = facts;
  const step = stepOf(facts);
  const announced = new Set(
    runningMembers(view).flatMap(({ status }) =>
      status.downgrade?.enabled === true ? [status.downgrade.targetVersion] : [],
    ),
  );
  const back = step?.kind === 'downgrade' || step?.kind === 'rollback';
  for (const text of announced) {
    // Members say `3.5.0` or `3.5`.
    const [, minor] = /^v?(\d+\.\d+)/.exec(text) ?? [];
    if (back && minor === minorOf(target)) continue;
    return failed(`a downgrade to ${text} is under way; end it, or finish it first`, [
      'etcdctl downgrade cancel',
    ]);
  }
  if (step?.kind === 'downgrade' && announced.size === 0) return notAnnounced(facts, step.from);
  if (announced.size > 0) return passed(`to ${minorOf(target)}, as announced`);
  return passed('none');
}

/** Etcd has members write what the older release can read only when it is told of the downgrade. */
function notAnnounced({ view, target }: UpgradeFacts, from: string): Finding {
  const to = minorOf(target);
  if (from === '3.5') {
    return onHost('3.5 has no downgrade: each member of 3.4 needs a flag', [
      'etcd --next-cluster-version-compatible ...  # 3.4.32 or later, on every member',
    ]);
  }
  const endpoint = view.members[0]?.endpoint ?? '';
  return failed(`the cluster has not been told of the downgrade to ${to}`, [
    `etcdctl --endpoints=${endpoint} downgrade validate ${to}`,
    `etcdctl --endpoints=${endpoint} downgrade enable ${to}`,
  ]);
}

/** From 3.6 on members tell which release can read what they have written. */
function storage(facts: UpgradeFacts): Finding | undefined {
  const { view, target } = facts;
  const step = stepOf(facts);
  const back = step?.kind === 'downgrade' || step?.kind === 'rollback';
  const reporting = runningMembers(view).flatMap(({ member, status, version }) => {
    const stored = parseVersion(status.storageVersion);
    return stored === undefined
      ? []
      : [{ member, version, stored, announced: status.downgrade?.enabled === true }];
  });
  if (reporting.length === 0) return undefined;
  const tooNew = reporting.filter(({ stored }) => minorOrder(stored, target) > 0);
  if (back && tooNew.length > 0) {
    const parts = tooNew.map(
      ({ member, stored }) => `${nameOf(view, member)} has written as ${minorOf(stored)}`,
    );
    return failed(`${parts.join(', ')}; wait until each shows storage ${minorOf(target)}.0`);
  }
  // An announced downgrade makes it older on purpose, and is refused by the item before.
  const late = reporting.filter(
    ({ stored, version, announced }) => !announced && minorOrder(stored, version) < 0,
  );
  const mixed = new Set(runningMembers(view).map(({ version }) => minorOf(version))).size > 1;
  if (step?.kind === 'upgrade' && !mixed && late.length > 0) {
    const names = late.map(({ member }) => nameOf(view, member)).join(', ');
    return failed(`${names}: the last upgrade is not finished, storage is still older; wait`);
  }
  return passed(reporting.map(({ stored }) => minorOf(stored)).join(', '));
}

function minorOrder(a: Version, b: Version): number {
  return compareVersions({ ...a, patch: 0, prerelease: '' }, { ...b, patch: 0, prerelease: '' });
}

/** Etcd's cluster version is the lowest minor of all members, a few seconds after it has changed. */
function clusterRunsAt({ view, clusterVersion, step }: UpgradeFacts): Finding {
  const lowest = runningMembers(view)
    .map(({ version }) => version)
    .sort(compareVersions)[0];
  if (clusterVersion === undefined || lowest === undefined) {
    return unknown('no member told it', ['curl CLIENT-URL/version']);
  }
  const expected = minorOf(lowest);
  if (clusterMinor(clusterVersion) === expected) return passed(clusterVersion);
  // After `downgrade enable` the cluster goes ahead of its members.
  if (!('refused' in step) && step.kind === 'downgrade') return passed(clusterVersion);
  return failed(`the cluster is at ${clusterVersion}, its oldest member at ${expected}; wait`);
}
