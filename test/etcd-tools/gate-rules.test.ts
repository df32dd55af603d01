import { expect, test } from 'vitest';
import { applyRules, exitOfItems } from '../../etcd-tools/check-item.ts';
import { BACK_RULES, type GateFacts, gateMode, STOP_RULES } from '../../etcd-tools/gate-rules.ts';
import { type FactsOptions, fakeListed, lagOf, makeFacts } from './upgrade-facts-builder.ts';

const OLD = { version: '3.5.33' } as const;
const NEW = { version: '3.6.14' } as const;
const DOWN = { down: true } as const;

/** m1 leads. */
function gate(member: number, options: FactsOptions) {
  const facts = makeFacts(options);
  const subject = facts.view.members[member - 1];
  if (subject === undefined) throw new Error(`no member ${member}`);
  const gateFacts: GateFacts = { ...facts, subject };
  const mode = gateMode(gateFacts);
  const items = applyRules(mode === 'stop' ? STOP_RULES : BACK_RULES, gateFacts);
  return {
    mode,
    items,
    exit: exitOfItems(items),
    of: (id: string) => items.find((i) => i.id === id),
  };
}

test('a member on the old version is to be stopped, one on the target or down is to be back', () => {
  expect(gate(2, { members: [OLD, OLD, OLD] }).mode).toBe('stop');
  expect(gate(2, { members: [OLD, NEW, OLD] }).mode).toBe('back');
  expect(gate(2, { members: [OLD, DOWN, OLD] }).mode).toBe('back');
  // On the way back the target is the older one.
  expect(gate(2, { members: [OLD, NEW, OLD], to: '3.5.33' }).mode).toBe('stop');
});

test('a follower of a healthy cluster may be stopped', () => {
  const { exit, of } = gate(2, { members: [OLD, OLD, OLD] });
  expect(exit).toBe(0);
  expect(of('majority')?.detail).toBe('2 of 3 voters would be left, 2 are needed');
});

test('the last follower may be stopped while versions are mixed', () => {
  expect(gate(3, { members: [OLD, NEW, OLD] }).exit).toBe(0);
});

test('the leader is refused while another member is not on the target', () => {
  const { exit, of } = gate(1, { members: [OLD, NEW, OLD] });
  expect(exit).toBe(1);
  expect(of('leader-last')).toMatchObject({
    outcome: 'failed',
    detail: 'm1 leads; first m3, which is not on 3.6.14 yet',
  });
});

test('the leader is refused also as the last, with the command that moves leadership', () => {
  const { exit, of } = gate(1, { members: [OLD, NEW, NEW] });
  expect(exit).toBe(1);
  expect(of('leader-last')).toMatchObject({
    outcome: 'failed',
    commands: ['etcdctl --endpoints=http://10.0.0.1:2379 move-leader 2222'],
  });
});

test('a second member is refused while one is down', () => {
  const { exit, of } = gate(3, { members: [OLD, DOWN, OLD] });
  expect(exit).toBe(1);
  expect(of('one-at-a-time')).toMatchObject({
    outcome: 'failed',
    detail: 'two members at once: m2 does not answer; bring it back before the next one',
  });
  expect(of('majority')).toMatchObject({
    outcome: 'failed',
    detail: '1 of 3 voters would be left, 2 are needed: writes would stop',
  });
});

test.each(['CATCHING_UP', 'SLOW', 'STUCK', 'NEEDS_SNAPSHOT', 'APPLY_OVERLOAD', 'UNKNOWN'])(
  'a second member is refused while the first is %s',
  (state) => {
    const members = [OLD, NEW, OLD];
    const lag = lagOf(makeFacts({ members }).view, { m2: state });
    const { exit, of } = gate(3, { members, lag });
    expect(exit).toBe(1);
    expect(of('one-at-a-time')?.detail).toContain(`m2 is ${state}`);
  },
);

test('with five members one may be down and still no second is stopped', () => {
  const { exit, of } = gate(3, { members: [OLD, DOWN, OLD, OLD, OLD] });
  expect(of('majority')?.outcome).toBe('passed');
  expect(of('one-at-a-time')?.outcome).toBe('failed');
  expect(exit).toBe(1);
});

test('a member that reads do not get through to is not counted', () => {
  const { of } = gate(3, { members: [OLD, { ...OLD, readFails: true }, OLD] });
  expect(of('majority')?.outcome).toBe('failed');
});

test('a diverged member shuts every gate, with 2', () => {
  const members = [OLD, OLD, OLD];
  const lag = lagOf(makeFacts({ members }).view, { m2: 'DIVERGED_BEHIND' });
  expect(gate(2, { members, lag }).exit).toBe(2);
  expect(gate(3, { members, lag }).exit).toBe(2);
});

test.each<[string, string, FactsOptions]>([
  [
    'NOSPACE is raised',
    'no-alarm',
    { members: [OLD, OLD, { ...OLD, status: { errors: ['alarm:NOSPACE'] } }] },
  ],
  [
    'a learner is there',
    'no-learner',
    { members: [OLD, OLD, OLD], unasked: [fakeListed(3, { isLearner: true })] },
  ],
  [
    'a minor is skipped',
    'path',
    { members: [{ version: '3.4.45' }, { version: '3.4.45' }, { version: '3.4.45' }] },
  ],
  ['a floor is ignored', 'floor', { members: [OLD, OLD, { version: '3.5.20' }] }],
  [
    'auth is on from 3.4 to 3.5',
    'auth',
    {
      members: [{ version: '3.4.45' }, { version: '3.4.45' }, { version: '3.4.45' }],
      to: '3.5.33',
      authOn: true,
    },
  ],
  [
    'the leader has just changed',
    'leader-stable',
    {
      observed: {
        forMs: 5000,
        wantedMs: 5000,
        leaders: [
          { term: 4n, leaderId: 1n },
          { term: 5n, leaderId: 1n },
        ],
      },
    },
  ],
])('while %s nobody is stopped', (_when, id, options) => {
  const { exit, of } = gate(2, options);
  expect(of(id)?.outcome).toBe('failed');
  expect(exit).toBe(1);
});

test('one or two members can only be upgraded with an outage, which is said', () => {
  expect(gate(1, { members: [OLD] })).toMatchObject({ exit: 0 });
  expect(gate(1, { members: [OLD] }).of('majority')?.detail).toContain('outage');
  const two = gate(2, { members: [OLD, OLD] });
  expect(two.exit).toBe(0);
  expect(two.of('majority')).toMatchObject({ outcome: 'note' });
});

test('a member that is back well opens the gate', () => {
  const { mode, exit, of } = gate(2, { members: [OLD, NEW, OLD] });
  expect({ mode, exit }).toEqual({ mode: 'back', exit: 0 });
  expect(of('back')?.detail).toBe('m2 2222 runs 3.6.14');
});

test('a member that does not answer yet is not back', () => {
  const { mode, exit, of } = gate(2, { members: [OLD, DOWN, OLD] });
  expect({ mode, exit }).toEqual({ mode: 'back', exit: 1 });
  expect(of('back')?.detail).toContain('nobody listens there');
});

test('a member with another id than the list has was started on other data', () => {
  const stranger = {
    ...NEW,
    status: { header: { clusterId: 7n, memberId: 99n, revision: 1n, raftTerm: 4n } },
  };
  const { exit, of } = gate(2, { members: [OLD, stranger, OLD] });
  expect(of('back')).toMatchObject({
    outcome: 'failed',
    detail: expect.stringContaining('63 is not in the list of members'),
  });
  expect(exit).toBe(1);
});

test('a member that is back and has not caught up keeps the gate shut', () => {
  const members = [OLD, NEW, OLD];
  const lag = lagOf(makeFacts({ members }).view, { m2: 'CATCHING_UP' });
  expect(gate(2, { members, lag }).exit).toBe(1);
});

test('the gate of the last member opens when the cluster version has followed', () => {
  const members = [NEW, NEW, NEW];
  expect(gate(1, { members, clusterVersion: '3.5.0' }).exit).toBe(1);
  expect(gate(1, { members, clusterVersion: '3.6.0' }).exit).toBe(0);
});
