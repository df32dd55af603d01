import { expect, test } from 'vitest';
import { applyRules, exitOfItems } from '../../etcd-tools/check-item.ts';
import { POSTCHECK_RULES, type PostcheckFacts } from '../../etcd-tools/postcheck-rules.ts';
import { type FactsOptions, type FakeMember, makeFacts } from './upgrade-facts-builder.ts';

const DONE: FakeMember = { version: '3.6.14', status: { storageVersion: '3.6.0' } };

function check(options: FactsOptions, more: Partial<PostcheckFacts> = {}) {
  const items = applyRules(POSTCHECK_RULES, {
    ...makeFacts(options),
    revision: 100n,
    keys: 10n,
    before: { revision: 90n, keys: 10n },
    ...more,
  });
  return { exit: exitOfItems(items), of: (id: string) => items.find((item) => item.id === id) };
}

test('an upgrade that is complete passes', () => {
  expect(check({ members: [DONE, DONE, DONE] }).exit).toBe(0);
});

test.each<[string, string, FactsOptions, Partial<PostcheckFacts>]>([
  ['a member runs the old version', 'all-on-target', { members: [DONE, DONE, {}] }, {}],
  [
    'the cluster version has not followed',
    'cluster-on-target',
    { members: [DONE, DONE, DONE], clusterVersion: '3.5.0' },
    {},
  ],
  [
    'storage has not followed',
    'storage-on-target',
    { members: [DONE, DONE, { version: '3.6.14', status: { storageVersion: '3.5.0' } }] },
    {},
  ],
  [
    'a downgrade is under way',
    'no-downgrade',
    {
      members: [
        DONE,
        DONE,
        {
          ...DONE,
          status: { ...DONE.status, downgrade: { enabled: true, targetVersion: '3.5.0' } },
        },
      ],
    },
    {},
  ],
  ['the revision went back', 'revision', { members: [DONE, DONE, DONE] }, { revision: 89n }],
])('when %s it does not', (_when, id, options, more) => {
  const { exit, of } = check(options, more);
  expect(of(id)?.outcome).toBe('failed');
  expect(exit).toBe(1);
});

test('fewer keys are a reason to look, since clients delete some', () => {
  const { exit, of } = check({ members: [DONE, DONE, DONE] }, { keys: 9n });
  expect(of('keys')).toMatchObject({
    outcome: 'note',
    detail: expect.stringContaining('10 before, 9 now'),
  });
  expect(exit).toBe(0);
});

test('what is not told before 3.6 is not asked for', () => {
  const old: FakeMember = { version: '3.5.33' };
  const { exit, of } = check({ members: [old, old, old], to: '3.5.33' });
  expect(of('storage-on-target')).toBeUndefined();
  expect(exit).toBe(0);
});
