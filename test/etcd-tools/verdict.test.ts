// What a verdict makes of a difference that was not there in the rounds before.
import { expect, test } from 'vitest';
import { judgeRound, NO_HISTORY } from '../../etcd-tools/verdict.ts';
import { RaftModel } from './raft-model.ts';

const NEVER = new AbortController().signal;

/** An idle cluster whose members have so many revisions more than their log makes. */
function idleModel(offsets: readonly number[]): RaftModel {
  const nothing = { freeze: 0, restart: 0, snapshot: 0, elect: 0, lose: 0 };
  return new RaftModel({
    seed: 1,
    size: 3,
    learners: 0,
    putShare: 1,
    patience: 2000,
    offsets,
    weights: { call: 40, write: 0, learn: 60, apply: 60, hear: 5, ...nothing },
  });
}

test.each([
  { comes: 'comes', before: [0, 0, 0], after: [22, 22, 0], lacks: 22n },
  { comes: 'grows', before: [5, 5, 0], after: [22, 22, 0], lacks: 22n },
  { comes: 'shrinks', before: [5, 5, 0], after: [30, 30, 28], lacks: 2n },
])('a difference that $comes while members are watched is told exactly', async (change) => {
  let history = NO_HISTORY;
  let number = 0;
  const rounds = [
    ...Array.from({ length: 4 }, () => change.before),
    ...Array.from({ length: 2 }, () => change.after),
  ];
  for (const offsets of rounds) {
    const model = idleModel(offsets);
    number += 1;
    const round = await model.run(model.survey.round(NEVER));
    const judged = judgeRound(history, { ...round, number }, 3);
    history = judged.history;
    if (offsets !== change.after) continue;
    const held = judged.verdict.members.map(({ blame, suspicion }) => blame ?? suspicion);
    expect(held).toMatchObject([
      undefined,
      undefined,
      { direction: 'behind', atLeast: change.lacks, atMost: change.lacks },
    ]);
  }
  expect(history.evidence.get(1n, 3n)?.confirmed).toBe(true);
});
