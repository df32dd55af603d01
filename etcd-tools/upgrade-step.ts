// What kind of step it is from the running versions to a target, and what each step asks for. Pure.
// Stands on etcd.io's guides (docs/v3.5/upgrades/upgrade_3_5, docs/v3.6/upgrades/upgrade_3_6,
// docs/v3.7/upgrades/upgrade_3_7, docs/v3.6/downgrades) and on the issues named beside.
import {
  compareVersions,
  formatVersion,
  isBefore,
  minorOf,
  minorsBetween,
  type Version,
  version,
} from './version.ts';

/**
 * `rollback` puts the older binary back while the cluster still runs at the older minor;
 * `downgrade` is etcd's own way back once it does not.
 */
export type StepKind = 'patch' | 'upgrade' | 'downgrade' | 'rollback';

export interface Step {
  readonly kind: StepKind;
  /** Minor releases, such as `3.5`. */
  readonly from: string;
  readonly to: string;
}

/** A step, or why there is none. */
export type StepOrRefusal = Step | { readonly refused: string };

/** What a minor release is known by. */
interface MinorRelease {
  readonly minor: string;
  /** The newest release known when this was written. */
  readonly newest: string;
  /** Every member must run at least this before the cluster may go to the next minor. */
  readonly leaveFrom?: { readonly floor: string; readonly why: string };
  /** Nobody may go to a release below this. */
  readonly landOn: { readonly floor: string; readonly why: string; readonly onWayBackOnly?: true };
}

export const MINORS: readonly MinorRelease[] = [
  {
    minor: '3.4',
    newest: '3.4.45',
    landOn: {
      floor: '3.4.32',
      why: 'older ones have no --next-cluster-version-compatible, and a data directory of 3.5 makes them diverge (etcd issue 13514)',
      onWayBackOnly: true,
    },
  },
  {
    minor: '3.5',
    newest: '3.5.33',
    leaveFrom: {
      floor: '3.5.32',
      why: 'removed members come back in 3.6 before 3.5.26 (etcd issue 20967), promoted learners are learners again before 3.5.24 (20793), and v2 entries in the log cannot be found before 3.5.32 (20870)',
    },
    landOn: {
      floor: '3.5.6',
      why: '3.5.0 to 3.5.5 make members diverge (etcd issues 13766, 14571, 14685)',
    },
  },
  {
    minor: '3.6',
    newest: '3.6.14',
    leaveFrom: { floor: '3.6.11', why: 'the guide to 3.7 asks for it, of every member' },
    landOn: { floor: '3.6.5', why: 'older ones may corrupt data (etcd issue 20271)' },
  },
  {
    minor: '3.7',
    newest: '3.7.3',
    landOn: { floor: '3.7.1', why: '3.7.0 leaks keys through watches (GHSA-xg4h-6gfc-h4m8)' },
  },
];

function minorRelease(minor: string): MinorRelease | undefined {
  return MINORS.find((known) => known.minor === minor);
}

/** Undefined for a minor release that is not in the table. */
export function newestOf(minor: string): string | undefined {
  return minorRelease(minor)?.newest;
}

/**
 * `clusterMinor` is what the cluster as a whole runs at, of `/version`; undefined when not known.
 */
export function stepBetween(
  running: readonly Version[],
  target: Version,
  clusterMinor: string | undefined,
): StepOrRefusal {
  const sorted = running.toSorted(compareVersions);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lowest === undefined || highest === undefined) {
    return { refused: 'no member told its version' };
  }
  const spread = minorsBetween(lowest, highest);
  if (spread === undefined || spread > 1) {
    const minors = `${minorOf(lowest)} to ${minorOf(highest)}`;
    return { refused: `members run ${minors}; only two neighbouring minor releases work together` };
  }
  if (minorRelease(minorOf(target)) === undefined) {
    const minors = MINORS.map(({ minor }) => minor).join(', ');
    return { refused: `${minorOf(target)} is not known here; known are ${minors}` };
  }
  const up = minorsBetween(lowest, target);
  if (up === undefined) return { refused: `${formatVersion(target)} is of another major release` };
  if (up > 1) return { refused: `${skipText(lowest, target)}; one minor release at a time` };
  if (up === 1) return { kind: 'upgrade', from: minorOf(lowest), to: minorOf(target) };
  return stepBack({ lowest, highest }, target, clusterMinor);
}

function stepBack(
  { lowest, highest }: { lowest: Version; highest: Version },
  target: Version,
  clusterMinor: string | undefined,
): StepOrRefusal {
  const down = minorsBetween(target, highest) ?? 0;
  if (down > 1) {
    return { refused: `${skipText(highest, target)}; one minor release at a time, also back` };
  }
  const to = minorOf(target);
  if (down === 0) return { kind: 'patch', from: minorOf(lowest), to };
  // While a member of the old minor is left, the cluster has not written anything that the old
  // binary could not read. A cluster version equal to the newer minor says that it has.
  const mixed = minorOf(lowest) === to;
  if (mixed && clusterMinor === to) return { kind: 'rollback', from: minorOf(highest), to };
  return { kind: 'downgrade', from: minorOf(highest), to };
}

function skipText(from: Version, to: Version): string {
  const [low, high] = from.minor < to.minor ? [from, to] : [to, from];
  const between = Array.from(
    { length: high.minor - low.minor - 1 },
    (_, index) => `${low.major}.${low.minor + 1 + index}`,
  );
  return `${minorOf(from)} to ${minorOf(to)} skips ${between.join(' and ')}`;
}

/** Why a member may not leave its minor release yet; undefined when it may. */
export function floorProblem(running: Version, { kind, from }: Step): string | undefined {
  const floor = minorRelease(from)?.leaveFrom;
  if (kind !== 'upgrade' || floor === undefined || minorOf(running) !== from) return undefined;
  if (!isBefore(running, floor.floor)) return undefined;
  return `${formatVersion(running)} is below ${floor.floor}: ${floor.why}`;
}

/** Why nobody may take this step's target; undefined when one may. */
export function landingProblem(target: Version, { kind }: Step): string | undefined {
  const release = minorRelease(minorOf(target));
  if (release === undefined || !isBefore(target, release.landOn.floor)) return undefined;
  const { floor, why, onWayBackOnly } = release.landOn;
  if (onWayBackOnly && kind !== 'rollback' && kind !== 'downgrade') return undefined;
  return `${formatVersion(target)} is below ${floor}: ${why}; go to ${release.newest}`;
}

/** The WAL's format for operations on auth changed in 3.5 (etcd pull request 11943). */
export function crossesAuthFormat({ from, to }: Step): boolean {
  return [from, to].sort().join() === '3.4,3.5';
}

/**
 * Every release to stop at, up to the target or down to it: the newest of each minor between, and
 * before a floor the newest of the minor that is to be left. `running` is in order.
 */
export function pathBetween(
  running: readonly Version[],
  target: Version,
): readonly Version[] | { readonly refused: string } {
  const [lowest, highest] = [running[0], running.at(-1)];
  if (lowest === undefined || highest === undefined) {
    return { refused: 'no member told its version' };
  }
  const up = minorsBetween(lowest, target);
  if (up === undefined) return { refused: `${formatVersion(target)} is of another major release` };
  const path: Version[] = [];
  const floor = minorRelease(minorOf(lowest))?.leaveFrom?.floor;
  if (up > 0 && floor !== undefined && isBefore(lowest, floor)) path.push(lowest);
  const from = up > 0 ? lowest : highest;
  const direction = up > 0 ? 1 : -1;
  for (let minor = from.minor + direction; minor * direction < target.minor * direction; ) {
    path.push({ ...from, minor });
    minor += direction;
  }
  const stops = path.flatMap((stop) => {
    const newest = newestOf(minorOf(stop));
    return newest === undefined ? [] : [version(newest)];
  });
  if (stops.length < path.length)
    return { refused: 'a minor release on the way is not known here' };
  return [...stops, target];
}
