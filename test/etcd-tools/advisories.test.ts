import { expect, test } from 'vitest';
import { ADVISORIES, advisoriesFor, fixInSameMinor } from '../../etcd-tools/advisories.ts';
import { permissionOf, permissionsLost } from '../../etcd-tools/permissions.ts';
import { compareVersions, inRange, version } from '../../etcd-tools/version.ts';

const idsFor = (text: string): string[] => advisoriesFor(version(text)).map(({ id }) => id);

test('no release that has the fix is among those affected', () => {
  const wrong = ADVISORIES.flatMap(({ id, affected, fixedIn }) =>
    fixedIn
      .filter((fixed) => affected.some((range) => inRange(version(fixed), range)))
      .map((fixed) => `${id}: ${fixed}`),
  );
  expect(wrong).toEqual([]);
});

test('every range ends after it begins, and every row has a source of its own', () => {
  for (const { id, affected, source } of ADVISORIES) {
    expect(affected.length, id).toBeGreaterThan(0);
    for (const { from, before } of affected) {
      if (before !== undefined) {
        expect(compareVersions(version(from), version(before)), id).toBeLessThan(0);
      }
    }
    expect(URL.canParse(source), id).toBe(true);
  }
  expect(new Set(ADVISORIES.map(({ id }) => id)).size).toBe(ADVISORIES.length);
});

test('a row that ends in a minor release names the fix of that minor', () => {
  const silent = ADVISORIES.filter(({ reportedOnly }) => !reportedOnly).flatMap(
    ({ id, affected, fixedIn }) =>
      affected.flatMap(({ before }) =>
        before === undefined || fixedIn.includes(before) || before.endsWith('.0')
          ? []
          : [`${id}: ${before}`],
      ),
  );
  expect(silent).toEqual([]);
});

test.each([
  ['3.5.2', '#13766', true],
  ['3.5.3', '#13766', false],
  ['3.4.19', '#14571', false],
  ['3.4.20', '#14571', true],
  ['3.5.5', '#14571', true],
  ['3.5.6', '#14571', false],
  ['3.5.5', '#14685', true],
  ['3.4.45', '#18667', true],
  ['3.5.33', '#18667', true],
  ['3.6.14', '#18667', true],
  ['3.7.0', '#18667', false],
  ['3.6.4', '#20271', true],
  ['3.6.5', '#20271', false],
  ['3.7.0', 'GHSA-xg4h-6gfc-h4m8', true],
  ['3.7.1', 'GHSA-xg4h-6gfc-h4m8', false],
  ['3.4.45', '3.4-end-of-life', true],
  ['3.5.33', '#20870', true],
  ['3.6.14', '#20870', false],
])('%s and %s: concerned is %s', (running, id, concerned) => {
  expect(idsFor(running).includes(id)).toBe(concerned);
});

test('the fix that is offered is a later release of the same minor', () => {
  const [advisory] = ADVISORIES.filter(({ id }) => id === '#20271');
  if (advisory === undefined) throw new Error('no #20271');
  expect(fixInSameMinor(advisory, version('3.5.9'))).toBe('3.5.23');
  expect(fixInSameMinor(advisory, version('3.6.0'))).toBe('3.6.5');
  expect(fixInSameMinor(advisory, version('3.6.5'))).toBeUndefined();
});

test.each([
  ['Status', '3.4.41', 'everybody'],
  ['Status', '3.4.42', 'root'],
  ['Status', '3.5.27', 'everybody'],
  ['Status', '3.5.28', 'root'],
  ['Status', '3.5.31', 'root'],
  ['Status', '3.5.32', 'every user'],
  ['Status', '3.6.11', 'root'],
  ['Status', '3.6.12', 'every user'],
  ['Status', '3.7.3', 'every user'],
  ['MemberList', '3.5.28', 'root'],
  ['MemberList', '3.5.29', 'every user'],
  ['MemberList', '3.6.8', 'everybody'],
  ['MemberList', '3.6.9', 'root'],
  ['HashKV', '3.4.0', 'root'],
  ['Snapshot', '3.7.3', 'root'],
] as const)('%s of %s is for %s', (call, running, permission) => {
  expect(permissionOf(call, version(running))).toBe(permission);
});

test('an upgrade that locks a plain user out of Status is told', () => {
  expect(permissionsLost(version('3.5.27'), version('3.5.28'))).toContain(
    'Status: from everybody to root',
  );
  expect(permissionsLost(version('3.5.28'), version('3.6.14'))).toEqual([]);
});
