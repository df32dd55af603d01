import { expect, test } from 'vitest';
import { applyRules, exitOfItems } from '../../etcd-tools/check-item.ts';
import { HOST_RULES } from '../../etcd-tools/host-rules.ts';
import { VERSION_RULES } from '../../etcd-tools/version-rules.ts';
import { type FactsOptions, type FakeMember, makeFacts } from './upgrade-facts-builder.ts';

const all = (version: string, status: FakeMember['status'] = {}): FakeMember[] =>
  Array.from({ length: 3 }, () => ({ version, status }));

function check(options: FactsOptions) {
  const items = applyRules(VERSION_RULES, makeFacts(options));
  return { items, of: (id: string) => items.find((item) => item.id === id) };
}

test.each<[string, FactsOptions]>([
  ['3.4.23 to 3.5.33', { members: all('3.4.23'), to: '3.5.33' }],
  ['3.5.33 to 3.6.14', { members: all('3.5.33'), to: '3.6.14' }],
  ['3.6.14 to 3.7.3', { members: all('3.6.14', { storageVersion: '3.6.0' }), to: '3.7.3' }],
  ['3.5.20 to 3.5.33', { members: all('3.5.20'), to: '3.5.33' }],
  [
    'one of three upgraded',
    { members: [{ version: '3.6.14' }, ...all('3.5.33').slice(1)], to: '3.6.14' },
  ],
  [
    'the announced way back',
    {
      members: all('3.6.14', {
        storageVersion: '3.5.0',
        downgrade: { enabled: true, targetVersion: '3.5.0' },
      }),
      to: '3.5.33',
      clusterVersion: '3.5.0',
    },
  ],
  [
    'the binary put back while the cluster is mixed',
    {
      members: [
        { version: '3.6.14', status: { storageVersion: '3.5.0' } },
        ...all('3.5.33').slice(1),
      ],
      to: '3.5.33',
    },
  ],
])('%s may go on', (_step, options) => {
  const { items } = check(options);
  const open = items.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown');
  expect(open).toEqual([]);
});

test.each<[string, string, FactsOptions, RegExp]>([
  ['a minor is skipped', 'path', { members: all('3.4.23'), to: '3.6.14' }, /skips 3\.5/],
  ['two minors back', 'path', { members: all('3.7.3'), to: '3.5.33' }, /also back/],
  [
    'members of three minors run',
    'path',
    {
      members: [{ version: '3.4.45' }, { version: '3.5.33' }, { version: '3.6.14' }],
      to: '3.6.14',
    },
    /only two neighbouring/,
  ],
  [
    'the floor is ignored by one member',
    'floor',
    { members: [{}, { version: '3.5.31' }, {}], to: '3.6.14' },
    /m2: 3\.5\.31 is below 3\.5\.32.*go to 3\.5\.33 first, on all members/,
  ],
  [
    'the floor of 3.7 is ignored',
    'floor',
    { members: all('3.6.10', { storageVersion: '3.6.0' }), to: '3.7.3' },
    /below 3\.6\.11/,
  ],
  ['3.5.5 is the target', 'landing', { members: all('3.4.23'), to: '3.5.5' }, /go to 3\.5\.33/],
  [
    'the target has a bug that a later patch does not',
    'advisories',
    { members: all('3.4.23'), to: '3.5.16' },
    /#18799, fixed in 3\.5\.17/,
  ],
  [
    'auth is on from 3.4 to 3.5',
    'auth',
    { members: all('3.4.23'), to: '3.5.33', authOn: true },
    /turn it off for the upgrade/,
  ],
  [
    'auth is on from 3.5 back to 3.4',
    'auth',
    { members: all('3.5.33'), to: '3.4.45', authOn: true },
    /3\.4 and 3\.5/,
  ],
  [
    'a downgrade is under way',
    'downgrade',
    {
      members: all('3.6.14', { downgrade: { enabled: true, targetVersion: '3.5.0' } }),
      to: '3.7.3',
    },
    /a downgrade to 3\.5\.0 is under way/,
  ],
  [
    'the way back was not announced',
    'downgrade',
    { members: all('3.6.14', { storageVersion: '3.6.0' }), to: '3.5.33' },
    /not been told of the downgrade to 3\.5/,
  ],
  [
    'another way back was announced',
    'downgrade',
    {
      members: all('3.7.3', { downgrade: { enabled: true, targetVersion: '3.5' } }),
      to: '3.6.14',
    },
    /a downgrade to 3\.5 is under way/,
  ],
  [
    'a member still writes as the newer release',
    'storage',
    {
      members: all('3.6.14', {
        storageVersion: '3.6.0',
        downgrade: { enabled: true, targetVersion: '3.5.0' },
      }),
      to: '3.5.33',
      clusterVersion: '3.5.0',
    },
    /m1 has written as 3\.6.*wait until each shows storage 3\.5\.0/,
  ],
  [
    'the last upgrade is not finished',
    'storage',
    { members: all('3.6.14', { storageVersion: '3.5.0' }), to: '3.7.3' },
    /storage is still older/,
  ],
  [
    'the cluster version has not followed yet',
    'cluster-version',
    { members: all('3.6.14'), to: '3.6.14', clusterVersion: '3.5.0' },
    /at 3\.5\.0, its oldest member at 3\.6; wait/,
  ],
  ['3.5 goes back to an early 3.4', 'landing', { members: all('3.5.33'), to: '3.4.23' }, /13514/],
])('when %s, %s fails and says why', (_when, id, options, reason) => {
  const { items, of } = check(options);
  expect(of(id)).toMatchObject({ outcome: 'failed', detail: expect.stringMatching(reason) });
  expect(exitOfItems(items)).toBe(1);
});

test('storage that a downgrade has made older is not taken for an unfinished upgrade', () => {
  const { of } = check({
    members: all('3.6.14', {
      storageVersion: '3.5.0',
      downgrade: { enabled: true, targetVersion: '3.5.0' },
    }),
    to: '3.7.3',
    clusterVersion: '3.5.0',
  });
  expect(of('storage')?.outcome).toBe('passed');
  expect(of('downgrade')?.outcome).toBe('failed');
});

test('an unknown state of auth stops 3.4 to 3.5, and no other step', () => {
  const crossing = check({ members: all('3.4.23'), to: '3.5.33', authOn: undefined });
  expect(crossing.of('auth')).toMatchObject({
    outcome: 'unknown',
    commands: ['etcdctl auth status'],
  });
  expect(check({ authOn: undefined }).of('auth')).toBeUndefined();
});

test('what a plain user loses is noted where auth is on', () => {
  const { of } = check({ members: all('3.5.27'), to: '3.5.28', authOn: true });
  expect(of('permissions')).toMatchObject({
    outcome: 'note',
    detail: expect.stringContaining('Status: from everybody to root'),
  });
  expect(check({ members: all('3.5.27'), to: '3.5.28' }).of('permissions')).toBeUndefined();
});

test('a bug that no release of the minor is free of is noted, and shuts no gate', () => {
  expect(check({ to: '3.6.14' }).of('advisories')).toMatchObject({
    outcome: 'note',
    detail: expect.stringContaining('#18667'),
  });
});

test('the way back is announced by two commands, and 3.4 has a flag for it', () => {
  const announced = check({ members: all('3.6.14'), to: '3.5.33' }).of('downgrade');
  expect(announced?.commands).toEqual([
    'etcdctl --endpoints=http://10.0.0.1:2379 downgrade validate 3.5',
    'etcdctl --endpoints=http://10.0.0.1:2379 downgrade enable 3.5',
  ]);
  const flag = check({ members: all('3.5.33'), to: '3.4.45' }).of('downgrade');
  expect(flag).toMatchObject({ outcome: 'host' });
  expect(flag?.commands.join()).toContain('--next-cluster-version-compatible');
});

test('what cannot be seen from here comes with its command, and shuts no gate', () => {
  for (const [from, to, ids] of [
    ['3.4.23', '3.5.33', ['snapshot', 'disk', 'latency', 'v2-store', 'flags']],
    ['3.5.33', '3.6.14', ['snapshot', 'disk', 'latency', 'v2-store', 'flags']],
    ['3.6.14', '3.7.3', ['snapshot', 'disk', 'latency', 'flags']],
    ['3.5.20', '3.5.33', ['snapshot', 'disk', 'latency']],
  ] as const) {
    const items = applyRules(HOST_RULES, makeFacts({ members: all(from), to }));
    expect(items.map(({ id }) => id)).toEqual(ids);
    for (const item of items) {
      expect(item, item.id).toMatchObject({ outcome: 'host' });
      expect(item.commands.length, item.id).toBeGreaterThan(0);
    }
    expect(exitOfItems(items)).toBe(0);
  }
});

test.each([
  ['3.4.23', '3.5.33', '--log-output'],
  ['3.5.33', '3.6.14', '--enable-v2'],
  ['3.6.14', '3.7.3', '--experimental-'],
])('from %s to %s, %s is gone', (from, to, gone) => {
  const items = applyRules(HOST_RULES, makeFacts({ members: all(from), to }));
  expect(items.find(({ id }) => id === 'flags')?.detail).toContain(gone);
});

test('a snapshot that was named is judged', () => {
  const item = (more: { ageMs?: number; problem?: string }) =>
    applyRules(
      HOST_RULES,
      makeFacts({ snapshot: { path: 'a.db', sizeBytes: 1n, ageMs: 0, ...more } }),
    ).find(({ id }) => id === 'snapshot');
  expect(item({})?.outcome).toBe('passed');
  expect(item({ ageMs: 2 * 60 * 60_000 })).toMatchObject({
    outcome: 'note',
    detail: expect.stringContaining('120 minutes old'),
  });
  expect(item({ problem: 'a.db: is broken' })).toMatchObject({
    outcome: 'failed',
    detail: 'a.db: is broken',
  });
});
