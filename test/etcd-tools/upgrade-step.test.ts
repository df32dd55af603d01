import { expect, test } from 'vitest';
import {
  floorProblem,
  landingProblem,
  MINORS,
  pathBetween,
  type Step,
  stepBetween,
} from '../../etcd-tools/upgrade-step.ts';
import { compareVersions, formatVersion, version } from '../../etcd-tools/version.ts';

const versions = (text: string) => text.split(' ').map(version);

test.each([
  ['3.5.33', '3.5.34', '3.5', { kind: 'patch', from: '3.5', to: '3.5' }],
  ['3.5.33', '3.5.20', '3.5', { kind: 'patch', from: '3.5', to: '3.5' }],
  ['3.4.23', '3.5.33', '3.4', { kind: 'upgrade', from: '3.4', to: '3.5' }],
  ['3.5.33 3.6.14', '3.6.14', '3.5', { kind: 'upgrade', from: '3.5', to: '3.6' }],
  ['3.6.14', '3.5.33', '3.6', { kind: 'downgrade', from: '3.6', to: '3.5' }],
  // Some are upgraded, and the cluster still runs at the older minor: the binary is put back.
  ['3.5.33 3.6.14', '3.5.33', '3.5', { kind: 'rollback', from: '3.6', to: '3.5' }],
  // It is at the newer one already, or nobody knows: only etcd's own way back will do.
  ['3.5.33 3.6.14', '3.5.33', '3.6', { kind: 'downgrade', from: '3.6', to: '3.5' }],
  ['3.5.33 3.6.14', '3.5.33', undefined, { kind: 'downgrade', from: '3.6', to: '3.5' }],
])('from %s to %s in a cluster at %s', (running, to, minor, step) => {
  expect(stepBetween(versions(running), version(to), minor)).toEqual(step);
});

test.each([
  ['3.4.23', '3.6.14', /3\.4 to 3\.6 skips 3\.5; one minor release at a time/],
  ['3.4.23', '3.7.3', /skips 3\.5 and 3\.6/],
  ['3.7.3', '3.5.33', /3\.7 to 3\.5 skips 3\.6; one minor release at a time, also back/],
  ['3.4.23 3.6.14', '3.6.14', /members run 3\.4 to 3\.6/],
  ['3.7.3', '3.8.0', /3\.8 is not known here/],
  ['3.6.14', '4.0.0', /4\.0 is not known here/],
])('from %s to %s is refused', (running, to, reason) => {
  const step = stepBetween(versions(running), version(to), undefined);
  expect(step).toEqual({ refused: expect.stringMatching(reason) });
});

test('without a version of any member there is no step', () => {
  expect(stepBetween([], version('3.6.14'), '3.5')).toHaveProperty('refused');
});

const upgrade = (from: string, to: string): Step => ({ kind: 'upgrade', from, to });

test.each([
  ['3.5.31', upgrade('3.5', '3.6'), /below 3\.5\.32: removed members come back.*20967/],
  ['3.5.32', upgrade('3.5', '3.6'), undefined],
  ['3.6.10', upgrade('3.6', '3.7'), /below 3\.6\.11/],
  ['3.6.11', upgrade('3.6', '3.7'), undefined],
  ['3.4.1', upgrade('3.4', '3.5'), undefined],
  // One that has arrived is not held against the floor of the minor that it has left.
  ['3.6.0', upgrade('3.5', '3.6'), undefined],
  ['3.5.2', { kind: 'patch', from: '3.5', to: '3.5' } as const, undefined],
])('the floor below %s', (running, step, reason) => {
  const problem = floorProblem(version(running), step);
  if (reason === undefined) expect(problem).toBeUndefined();
  else expect(problem).toMatch(reason);
});

test.each([
  ['3.5.5', upgrade('3.4', '3.5'), /3\.5\.0 to 3\.5\.5 make members diverge.*go to 3\.5\.33/],
  ['3.5.6', upgrade('3.4', '3.5'), undefined],
  ['3.6.4', upgrade('3.5', '3.6'), /20271/],
  ['3.7.0', upgrade('3.6', '3.7'), /GHSA/],
  ['3.7.1', upgrade('3.6', '3.7'), undefined],
  ['3.4.31', { kind: 'downgrade', from: '3.5', to: '3.4' } as const, /13514/],
  ['3.4.32', { kind: 'downgrade', from: '3.5', to: '3.4' } as const, undefined],
  ['3.4.23', { kind: 'patch', from: '3.4', to: '3.4' } as const, undefined],
])('landing on %s', (target, step, reason) => {
  const problem = landingProblem(version(target), step);
  if (reason === undefined) expect(problem).toBeUndefined();
  else expect(problem).toMatch(reason);
});

test.each([
  ['3.4.23', '3.7.3', '3.5.33 3.6.14 3.7.3'],
  ['3.5.20', '3.6.14', '3.5.33 3.6.14'],
  ['3.5.33', '3.6.14', '3.6.14'],
  ['3.6.5', '3.7.3', '3.6.14 3.7.3'],
  ['3.5.20', '3.5.33', '3.5.33'],
  ['3.7.3', '3.5.33', '3.6.14 3.5.33'],
  ['3.5.33 3.6.14', '3.7.3', '3.6.14 3.7.3'],
])('the way from %s to %s', (running, to, stops) => {
  const path = pathBetween(versions(running), version(to));
  expect('refused' in path ? path : path.map(formatVersion).join(' ')).toBe(stops);
});

test('another major release is no way', () => {
  expect(pathBetween(versions('3.6.14'), version('4.0.0'))).toHaveProperty('refused');
});

test('the newest known release of each minor is good to land on and to leave from', () => {
  for (const { minor, newest, landOn, leaveFrom } of MINORS) {
    for (const floor of [landOn.floor, leaveFrom?.floor ?? newest]) {
      expect(compareVersions(version(newest), version(floor)), minor).toBeGreaterThanOrEqual(0);
    }
  }
});
