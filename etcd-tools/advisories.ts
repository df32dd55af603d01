// What is known against a release of etcd, and which of it concerns a version. Pure.
import { ADVISORIES_OF_DATA } from './advisories-data.ts';
import { ADVISORIES_OF_SERVICE } from './advisories-service.ts';
import type { Advisory } from './advisory.ts';
import { compareVersions, inRange, minorOf, type Version, version } from './version.ts';

/** All rows. */
export const ADVISORIES: readonly Advisory[] = [...ADVISORIES_OF_DATA, ...ADVISORIES_OF_SERVICE];

/** Those that concern the version. */
export function advisoriesFor(running: Version): Advisory[] {
  return ADVISORIES.filter(({ affected }) => affected.some((range) => inRange(running, range)));
}

/** The oldest release of the same minor with the fix; undefined when the minor has none. */
export function fixInSameMinor(advisory: Advisory, running: Version): string | undefined {
  return advisory.fixedIn.find((fixed) => {
    const candidate = version(fixed);
    return minorOf(candidate) === minorOf(running) && compareVersions(candidate, running) > 0;
  });
}
