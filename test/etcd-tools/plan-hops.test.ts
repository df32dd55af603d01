import { expect, test } from 'vitest';
import { type PlannedMember, planHops } from '../../etcd-tools/plan-hops.ts';
import { formatVersion, version } from '../../etcd-tools/version.ts';

const member = (
  name: string,
  running: string,
  more: Partial<PlannedMember> = {},
): PlannedMember => ({
  name,
  id: `id-${name}`,
  endpoint: `http://${name}:2379`,
  version: version(running),
  leads: false,
  dbSizeBytes: 0n,
  ...more,
});

function plan(members: readonly PlannedMember[], to: string, authOn = false) {
  const hops = planHops(members, version(to), authOn);
  if ('refused' in hops) return hops.refused;
  return hops.map((hop) => ({
    to: `${hop.kind} ${formatVersion(hop.to)}`,
    hosts: hop.steps
      .filter(({ where }) => where !== 'here' && where !== 'every host')
      .map(({ where }) => where),
    commands: hop.steps.flatMap(({ command }) => command ?? []),
  }));
}

const three = (running: string) => [
  member('a', running, { leads: true }),
  member('b', running),
  member('c', running),
];

test('followers come first, leadership is moved, and the leader comes last', () => {
  const [hop] = plan(three('3.5.33'), '3.6.14') as Exclude<ReturnType<typeof plan>, string>;
  expect(hop?.hosts).toEqual(['b', 'c', 'a']);
  const order = hop?.commands.map((command) =>
    command.replace(/evenkeel-etcd | --endpoints \S+| --to 3\.6\.14/g, ''),
  );
  expect(order).toEqual([
    'snapshot --out before-3.6.14.db',
    'preflight --snapshot before-3.6.14.db',
    expect.stringMatching(/^etcdutl check v2store/),
    expect.stringMatching(/--snapshot-count=/),
    'gate --member b',
    'gate --member b --wait 1m',
    'gate --member c',
    'gate --member c --wait 1m',
    'etcdctl move-leader id-b',
    'gate --member a',
    'gate --member a --wait 1m',
    'postcheck --hash --min-revision N --min-keys N --wait 1m',
  ]);
});

test('over three minors there are three hops, and each begins with the leader that the last one left', () => {
  const hops = plan(three('3.4.23'), '3.7.3') as Exclude<ReturnType<typeof plan>, string>;
  expect(hops.map(({ to, hosts }) => [to, hosts.join('')])).toEqual([
    ['upgrade 3.5.33', 'bca'],
    ['upgrade 3.6.14', 'acb'],
    ['upgrade 3.7.3', 'bca'],
  ]);
  const moves = hops.map(({ commands }) => commands.find((command) => command.includes('move')));
  expect(moves).toEqual([
    'etcdctl --endpoints http://a:2379 move-leader id-b',
    'etcdctl --endpoints http://b:2379 move-leader id-a',
    'etcdctl --endpoints http://a:2379 move-leader id-b',
  ]);
});

test('below a floor the newest patch of the minor comes first, on all members', () => {
  const hops = plan(three('3.5.20'), '3.6.14') as Exclude<ReturnType<typeof plan>, string>;
  expect(hops.map(({ to, hosts }) => [to, hosts.length])).toEqual([
    ['patch 3.5.33', 3],
    ['upgrade 3.6.14', 3],
  ]);
});

test('an upgrade that was begun is finished, without touching who is done', () => {
  const members = [
    member('a', '3.5.33', { leads: true }),
    member('b', '3.6.14'),
    member('c', '3.5.33'),
  ];
  const [hop] = plan(members, '3.6.14') as Exclude<ReturnType<typeof plan>, string>;
  expect(hop?.hosts).toEqual(['c', 'a']);
});

test('the way back is announced first', () => {
  const [hop] = plan(three('3.6.14'), '3.5.33') as Exclude<ReturnType<typeof plan>, string>;
  expect(hop?.to).toBe('downgrade 3.5.33');
  expect(hop?.commands.slice(2, 4)).toEqual([
    'etcdctl --endpoints $ENDPOINTS downgrade validate 3.5',
    'etcdctl --endpoints $ENDPOINTS downgrade enable 3.5',
  ]);
});

test('a larger database gets more time to come back', () => {
  const members = three('3.5.33').map((one) => ({ ...one, dbSizeBytes: 600_000_000n }));
  const [hop] = plan(members, '3.6.14') as Exclude<ReturnType<typeof plan>, string>;
  expect(hop?.commands.join('\n')).toContain('--wait 3m');
});

test('a single member has nobody to hand over to', () => {
  const [hop] = plan([member('a', '3.5.33', { leads: true })], '3.6.14') as Exclude<
    ReturnType<typeof plan>,
    string
  >;
  expect(hop?.commands.some((command) => command.includes('move-leader'))).toBe(false);
});

test('when all are there already, there is nothing to do', () => {
  expect(plan(three('3.6.14'), '3.6.14')).toEqual([]);
});

test.each([
  ['auth is on from 3.4', three('3.4.23'), '3.5.33', true, /auth is on/],
  ['the target is bad to be on', three('3.4.23'), '3.5.5', false, /below 3\.5\.6/],
  ['the target is of another major', three('3.6.14'), '4.0.0', false, /major/],
  ['3.5 is to go back to an early 3.4', three('3.5.33'), '3.4.23', false, /13514/],
])('there is no plan when %s', (_when, members, to, authOn, reason) => {
  expect(plan(members, to, authOn)).toMatch(reason);
});
