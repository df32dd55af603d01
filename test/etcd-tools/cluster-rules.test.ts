import { expect, test } from 'vitest';
import { applyRules, exitOfItems } from '../../etcd-tools/check-item.ts';
import { CLUSTER_RULES } from '../../etcd-tools/cluster-rules.ts';
import type { HashResult } from '../../etcd-tools/hash.ts';
import type { UpgradeFacts } from '../../etcd-tools/upgrade-facts.ts';
import { fakeId, fakeListed, lagOf, makeFacts } from './upgrade-facts-builder.ts';

const NOBODY = { down: true } as const;
const GIB = 1024n ** 3n;

function itemsOf(facts: UpgradeFacts) {
  const items = applyRules(CLUSTER_RULES, facts);
  return { items, of: (id: string) => items.find((item) => item.id === id) };
}

test('of a healthy cluster every item passes', () => {
  const { items } = itemsOf(makeFacts());
  expect(items.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  expect(items).toHaveLength(CLUSTER_RULES.length - 1); // Keys were not compared.
  expect(exitOfItems(items)).toBe(0);
});

const other = fakeListed(1, { peerUrls: ['http://moved:2380'] });

test.each<[string, string, Parameters<typeof makeFacts>[0], RegExp]>([
  ['a member is down', 'members-answer', { members: [{}, {}, NOBODY] }, /nobody listens there/],
  [
    'a member of the list is not asked',
    'members-answer',
    { unasked: [fakeListed(3)] },
    /m4 http:\/\/10\.0\.0\.4:2379; add them.*20967/,
  ],
  [
    'a member has another list',
    'lists-agree',
    { members: [{}, { ownList: [fakeListed(0), other, fakeListed(2)] }, {}] },
    /m1 and m3 against m2/,
  ],
  [
    'a member was added and never started',
    'members-started',
    { unasked: [fakeListed(3, { name: '', clientUrls: [] })] },
    /4444 at http:\/\/10\.0\.0\.4:2380: added and never started/,
  ],
  [
    'a member is a learner',
    'no-learner',
    { members: [{}, {}, { listed: { isLearner: true }, status: { isLearner: true } }] },
    /m3: promote it, or remove it/,
  ],
  [
    'a member knows no leader',
    'one-leader',
    { members: [{}, {}, { status: { leaderId: 0n } }] },
    /m3: no leader/,
  ],
  [
    'two members are followed',
    'one-leader',
    { members: [{}, {}, { status: { leaderId: fakeId(2), raftTerm: 5n } }] },
    /m3 follows 3333 of term 5/,
  ],
  [
    'the leader changed while it was watched',
    'leader-stable',
    {
      observed: {
        forMs: 30_000,
        wantedMs: 30_000,
        leaders: [
          { term: 4n, leaderId: fakeId(0) },
          { term: 5n, leaderId: fakeId(1) },
        ],
      },
    },
    /within 30 s: 1111 of term 4, then 2222 of term 5/,
  ],
  [
    'a read does not get through',
    'reads',
    { members: [{}, { readFails: true }, {}] },
    /10\.0\.0\.2/,
  ],
  [
    'the NOSPACE alarm is raised',
    'no-alarm',
    { members: [{}, { status: { errors: ['memberID:8738 alarm:NOSPACE '] } }, {}] },
    /NOSPACE is raised/,
  ],
  [
    'the CORRUPT alarm is raised, in the words of 3.7',
    'no-alarm',
    { members: [{}, { status: { errors: ['memberID:8738  alarm: CORRUPT'] } }, {}] },
    /CORRUPT is raised/,
  ],
  ['a member is slow', 'lag', { lag: lagOf(makeFacts().view, { m2: 'SLOW' }) }, /SLOW: m2 as SLOW/],
  [
    'a member is stuck',
    'lag',
    { lag: lagOf(makeFacts().view, { m3: 'STUCK' }) },
    /STUCK: m3 as STUCK/,
  ],
  [
    'a member has diverged',
    'lag',
    { lag: lagOf(makeFacts().view, { m3: 'DIVERGED_BEHIND' }) },
    /m3 as .*repair it first/,
  ],
  [
    'the database is near its quota',
    'quota',
    { members: [{}, {}, { status: { dbSizeBytes: 19n * GIB, dbSizeQuotaBytes: 20n * GIB } }] },
    /19\.0 GiB of 20\.0 GiB, 95 %/,
  ],
])('when %s, %s fails and says why', (_when, id, options, reason) => {
  const { items, of } = itemsOf(makeFacts(options));
  expect(of(id)).toMatchObject({ outcome: 'failed', detail: expect.stringMatching(reason) });
  expect(exitOfItems(items)).not.toBe(0);
});

test('a member that does not give its list leaves it open, and a learner never gives one', () => {
  const plain = itemsOf(makeFacts({ members: [{}, {}, { listFails: true }] }));
  expect(plain.of('lists-agree')?.outcome).toBe('unknown');
  const learner = { listFails: true, status: { isLearner: true } };
  const other = itemsOf(makeFacts({ members: [{}, {}, {}, learner] }));
  expect(other.of('lists-agree')?.outcome).toBe('passed');
});

test('alarms come with the commands against their cause', () => {
  const errors = ['memberID:1 alarm:NOSPACE ', 'memberID:1 alarm:CORRUPT '];
  const { of } = itemsOf(makeFacts({ members: [{ status: { errors } }, {}, {}] }));
  expect(of('no-alarm')?.commands.join('\n')).toMatch(
    /compact[\s\S]*defrag[\s\S]*disarm[\s\S]*repair/,
  );
});

test.each(['DIVERGED_BEHIND', 'DIVERGED_AHEAD', 'REV_REGRESSION'])('%s ends with 2', (state) => {
  const facts = makeFacts({ lag: lagOf(makeFacts().view, { m2: state }) });
  expect(exitOfItems(itemsOf(facts).items)).toBe(2);
});

test('when nobody answers nothing is passed, and the exit code is unknown', () => {
  const { items } = itemsOf(
    makeFacts({
      members: [NOBODY, NOBODY, NOBODY],
      lag: { rounds: 3, verdicts: [] },
      observed: { forMs: 0, wantedMs: 30_000, leaders: [] },
    }),
  );
  expect(items.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(exitOfItems(items)).toBe(3);
});

test.each([
  [1, 'note', /every restart is an outage/],
  [2, 'note', /every restart is an outage/],
  [3, 'passed', /3 voters/],
  [4, 'note', /no more losses than 3/],
  [5, 'passed', /5 voters/],
])('%i voters', (count, outcome, detail) => {
  const members = Array.from({ length: count }, () => ({}));
  expect(itemsOf(makeFacts({ members })).of('voters')).toMatchObject({
    outcome,
    detail: expect.stringMatching(detail),
  });
});

test.each([
  [79n, 100n, undefined, 'passed'],
  [80n, 100n, undefined, 'note'],
  [90n, 100n, undefined, 'failed'],
  // Not reported before 3.6: by the flag, or against etcd's default of 2 GiB.
  [90n, 0n, 100n, 'failed'],
  [1n, 0n, undefined, 'passed'],
  [2n, 0n, undefined, 'unknown'],
])('%i GiB of %i, with --quota %s: %s', (size, quota, given, outcome) => {
  const status = { dbSizeBytes: size * GIB, dbSizeQuotaBytes: quota * GIB };
  const facts = makeFacts({
    members: [{ status }, {}, {}],
    quotaBytes: given === undefined ? undefined : given * GIB,
  });
  expect(itemsOf(facts).of('quota')?.outcome).toBe(outcome);
});

const HASHED = { memberId: 1n, name: 'm1', hash: 1, compactRevision: 1n, hashRevision: 0n };

test.each<[string, HashResult['verdict'], string[], string, number]>([
  ['that are equal', { kind: 'equal' }, [], 'passed', 0],
  ['of all but one', { kind: 'equal' }, ['m3 was not asked'], 'unknown', 3],
  ['of which one differs', { kind: 'diverged', odd: [HASHED] }, [], 'failed', 2],
  ['without a majority', { kind: 'ambiguous' }, [], 'failed', 2],
  ['of different compactions', { kind: 'not comparable', detail: 'x' }, [], 'unknown', 3],
  ['that nobody may ask for', undefined, ['no permission'], 'unknown', 3],
])('keys %s', (_what, verdict, problems, outcome, exit) => {
  const hash = { revision: 9n, answers: [HASHED], verdict, problems };
  const { items, of } = itemsOf(makeFacts({ hash }));
  expect(of('hash')?.outcome).toBe(outcome);
  expect(exitOfItems(items)).toBe(exit);
});
