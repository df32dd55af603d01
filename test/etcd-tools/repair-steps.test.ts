import { expect, test } from 'vitest';
import { planRepair, type RepairOptions, type Subject } from '../../etcd-tools/repair-steps.ts';

const subject = (name: string, more: Partial<Subject> = {}): Subject => ({
  name,
  id: `id-${name}`,
  endpoint: `http://${name}:2379`,
  peerUrls: [`http://${name}:2380`],
  leads: false,
  proof: `${name} lacks 5 revisions`,
  ...more,
});

const other = (name: string, leads = false) => ({
  name,
  id: `id-${name}`,
  endpoint: `http://${name}:2379`,
  leads,
});

function plan(options: Partial<RepairOptions>) {
  const repair = planRepair({
    subjects: [subject('c')],
    others: [other('a', true), other('b')],
    voters: 3,
    ...options,
  });
  return { ...repair, commands: repair.steps.flatMap(({ command }) => command ?? []) };
}

test('a good snapshot comes before anything is removed, and proof before and after', () => {
  const { commands, warnings } = plan({});
  expect(commands.map((command) => command.replace(/ --endpoints \S+/, ''))).toEqual([
    'evenkeel-etcd hash',
    'evenkeel-etcd snapshot --member a --out before-repair.db',
    'etcdctl member remove id-c',
    'etcdctl member add c --learner --peer-urls=http://c:2380',
    'etcdctl member promote NEW-ID',
    'evenkeel-etcd hash',
    'etcdctl alarm disarm',
    'evenkeel-etcd advise',
  ]);
  expect(warnings.join('\n')).toMatch(/c lacks 5 revisions[\s\S]*stands the loss of 0/);
});

test('no command but the hand-over is sent to the member that is wrong', () => {
  const { commands } = plan({
    subjects: [subject('c', { leads: true })],
    others: [other('a'), other('b')],
  });
  const sent = commands.filter((command) => command.includes('http://c:2379'));
  expect(sent).toEqual(['etcdctl --endpoints http://c:2379 move-leader id-a']);
  expect(commands.indexOf(sent[0] ?? '')).toBeLessThan(
    commands.findIndex((command) => command.includes('member remove')),
  );
});

test('a member that was only named is not called proven', () => {
  expect(plan({ subjects: [subject('c', { proof: undefined })] }).warnings[0]).toMatch(
    /nothing was proven against c/,
  );
});

test.each<[string, Partial<RepairOptions>]>([
  ['two of three differ', { subjects: [subject('b'), subject('c')], others: [other('a', true)] }],
  ['one of two differs', { voters: 2, others: [other('a', true)] }],
  ['one differs and another is down', { others: [other('a', true)] }],
])(
  'when %s nobody is replaced: a person must choose, and every side is saved',
  (_when, options) => {
    const { heading, commands } = plan(options);
    expect(heading).toMatch(/no majority/);
    expect(commands.join('\n')).not.toContain('member remove');
    const sides = (options.subjects?.length ?? 1) + (options.others?.length ?? 2);
    expect(commands.filter((command) => command.includes('snapshot --endpoints'))).toHaveLength(
      sides,
    );
  },
);

test('without a diverged member there is nothing to do', () => {
  const { heading, steps } = plan({ subjects: [] });
  expect(heading).toMatch(/nothing to repair/);
  expect(steps).toEqual([]);
});
