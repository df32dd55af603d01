import { expect, test } from 'vitest';
import {
  compareVersions,
  describeRange,
  inRange,
  minorsBetween,
  parseVersion,
  version,
} from '../../etcd-tools/version.ts';

test.each([
  ['3.5.33', { major: 3, minor: 5, patch: 33, prerelease: '' }],
  ['v3.6.0-rc.1', { major: 3, minor: 6, patch: 0, prerelease: 'rc.1' }],
  ['3.6.0+build', { major: 3, minor: 6, patch: 0, prerelease: '' }],
])('%s is read', (text, parsed) => {
  expect(parseVersion(text)).toEqual(parsed);
});

test.each(['', '3', '3.6', '3.6.x', '3.6.14.1', ' 3.6.14', '3.6.99999'])(
  '%j is refused',
  (text) => {
    expect(parseVersion(text)).toBeUndefined();
  },
);

test('versions are ordered by number, and candidates come before their release', () => {
  const ordered = [
    '3.4.45',
    '3.5.9',
    '3.5.10',
    '3.6.0-alpha.1',
    '3.6.0-rc.2',
    '3.6.0-rc.10',
    '3.6.0',
    '4.0.0',
  ];
  const shuffled = [...ordered].reverse().map(version).sort(compareVersions);
  expect(shuffled).toEqual(ordered.map(version));
});

test('a range begins with its first release and ends before the fix', () => {
  const range = { from: '3.5.0', before: '3.5.3' };
  const inside = ['3.4.99', '3.5.0', '3.5.2', '3.5.3', '3.6.0'].filter((v) =>
    inRange(version(v), range),
  );
  expect(inside).toEqual(['3.5.0', '3.5.2']);
  expect(describeRange(range)).toBe('3.5.0 to before 3.5.3');
});

test('a range without a fix is of its minor release alone', () => {
  const inside = ['3.5.33', '3.6.0-rc.1', '3.6.0', '3.6.99', '3.7.0'].filter((v) =>
    inRange(version(v), { from: '3.6.0' }),
  );
  expect(inside).toEqual(['3.6.0', '3.6.99']);
  expect(describeRange({ from: '3.6.0' })).toBe('every 3.6');
});

test('minor releases are counted within one major release', () => {
  expect(minorsBetween(version('3.4.1'), version('3.6.0'))).toBe(2);
  expect(minorsBetween(version('3.6.0'), version('3.5.9'))).toBe(-1);
  expect(minorsBetween(version('3.6.0'), version('4.0.0'))).toBeUndefined();
});
