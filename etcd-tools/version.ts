// Versions of etcd: reading, ordering, ranges. Pure.

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Such as `rc.1`; empty for a release. */
  readonly prerelease: string;
}

/** From `from` on, and before `before`; without `before` up to the end of the minor release. */
export interface VersionRange {
  readonly from: string;
  readonly before?: string;
}

const VERSION = /^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Undefined for what is no version with three numbers, such as `3.6`. */
export function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, prerelease = ''] = VERSION.exec(text) ?? [];
  if (major === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), prerelease };
}

/** For constants; throws for what is no version. */
export function version(text: string): Version {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`not a version: ${text}`);
  return parsed;
}

/** Below 0 when `a` comes before `b`. */
export function compareVersions(a: Version, b: Version): number {
  return (
    a.major - b.major ||
    a.minor - b.minor ||
    a.patch - b.patch ||
    comparePrereleases(a.prerelease, b.prerelease)
  );
}

/** Semantic Versioning 2.0.0, section 11: a release comes after its own candidates. */
function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  const [left, right] = [a.split('.'), b.split('.')];
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return -1;
}

function compareParts(a: string, b: string): number {
  const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numericA && numericB) return Number(a) - Number(b);
  if (numericA !== numericB) return numericA ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}

export function isBefore(a: Version, b: string): boolean {
  return compareVersions(a, version(b)) < 0;
}

/** A range without an end is one of its minor release alone: 3.7 is not in `{ from: '3.6.0' }`. */
export function inRange(candidate: Version, { from, before }: VersionRange): boolean {
  const start = version(from);
  if (compareVersions(candidate, start) < 0) return false;
  if (before !== undefined) return isBefore(candidate, before);
  return minorOf(candidate) === minorOf(start);
}

/** `3.6`, as etcd's cluster version and its users have it. */
export function minorOf({ major, minor }: Version): string {
  return `${major}.${minor}`;
}

/** How many minor releases it is from `a` up to `b`; undefined when the majors differ. */
export function minorsBetween(a: Version, b: Version): number | undefined {
  return a.major === b.major ? b.minor - a.minor : undefined;
}

export function formatVersion({ major, minor, patch, prerelease }: Version): string {
  return `${major}.${minor}.${patch}${prerelease === '' ? '' : `-${prerelease}`}`;
}

/** As a person reads it: `3.5.0 to before 3.5.3`, `every 3.6`. */
export function describeRange({ from, before }: VersionRange): string {
  const start = version(from);
  if (before !== undefined) return `${from} to before ${before}`;
  return start.patch === 0 ? `every ${minorOf(start)}` : `${minorOf(start)} from ${from}`;
}
