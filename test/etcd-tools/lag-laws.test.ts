// The laws of the tests A and B, over clusters in which anything may happen at any moment.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { barrierTest } from '../../etcd-tools/barrier-test.ts';
import { indexAlignedTest } from '../../etcd-tools/index-aligned-test.ts';
import { steadyMembers } from '../../etcd-tools/round.ts';
import { judgeRound, NO_HISTORY, type RoundVerdict } from '../../etcd-tools/verdict.ts';
import type { ModelOptions } from './raft-cluster.ts';
import { RaftModel } from './raft-model.ts';

const NEVER = new AbortController().signal;
const ROUNDS = 6;
const RUNS = 40;

const weight = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

const anyCluster: fc.Arbitrary<ModelOptions> = fc
  .record({
    seed: fc.integer(),
    size: fc.constantFrom(3, 3, 5),
    learners: fc.constantFrom(0, 0, 1),
    putShare: fc.constantFrom(1, 0.9, 0.3),
    patience: fc.constantFrom(200, 2000),
    write: weight(40),
    learn: weight(60),
    apply: weight(60),
    trouble: fc.record({
      freeze: fc.constantFrom(0, 0.5),
      restart: fc.constantFrom(0, 0.3),
      snapshot: fc.constantFrom(0, 2),
      elect: fc.constantFrom(0, 0.3),
      lose: fc.constantFrom(0, 0.3),
    }),
  })
  .map(({ write, learn, apply, trouble, ...rest }) => ({
    ...rest,
    offsets: [],
    weights: { call: 40, write, learn, apply: apply + 1, hear: 5, ...trouble },
  }));

/** The same without what copies one store onto another or stops a comparison. */
const steadyCluster = anyCluster.map((options) => ({
  ...options,
  weights: { ...options.weights, snapshot: 0, restart: 0, elect: 0 },
}));

/** How many rounds could tell a difference, after `check` has seen the verdict of each. */
async function watch(
  options: ModelOptions,
  check: (verdict: RoundVerdict) => void,
): Promise<number> {
  const model = new RaftModel(options);
  let history = NO_HISTORY;
  let compared = 0;
  for (let made = 0; made < ROUNDS; made += 1) {
    const round = await model.run(model.survey.round(NEVER));
    const judged = judgeRound(history, round, options.size);
    history = judged.history;
    if (judged.verdict.resolution !== undefined) compared += 1;
    check(judged.verdict);
  }
  return compared;
}

test('whatever happens, no healthy member is ever suspected', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(anyCluster, async (options) => {
      compared += await watch(options, ({ members }) => {
        for (const { blame, suspicion, state, past } of members) {
          expect([blame, suspicion]).toEqual([undefined, undefined]);
          expect(past?.rounds ?? 0).toBe(0);
          expect(state).not.toMatch(/DIVERGED|REGRESSION/);
        }
      });
    }),
    { numRuns: RUNS },
  );
  // The law would also hold for a tool that never compares anybody.
  expect(compared).toBeGreaterThan(RUNS / 4);
});

test('the true difference always lies within the bounds, of either test', async () => {
  let proven = 0;
  await fc.assert(
    fc.asyncProperty(
      steadyCluster,
      fc.array(fc.constantFrom(0, 0, 0, -1, -2, -7, -700, 1, 3, 90), { minLength: 6 }),
      async (options, offsets) => {
        const model = new RaftModel({ ...options, offsets });
        for (let made = 0; made < ROUNDS; made += 1) {
          const steady = steadyMembers(await model.run(model.survey.round(NEVER)));
          for (const bound of [...barrierTest(steady), ...indexAlignedTest(steady)]) {
            const truth = BigInt(offsetOf(offsets, bound.ahead) - offsetOf(offsets, bound.behind));
            expect(bound.atLeast).toBeLessThanOrEqual(truth);
            if (bound.atLeast > 0n) proven += 1;
          }
        }
      },
    ),
    { numRuns: RUNS },
  );
  expect(proven).toBeGreaterThan(RUNS / 4);
});

const oneOff = fc.constantFrom(-1, -2, -5, -500, 1, 5, 500);

test('on an idle cluster a difference of one is found at once, in the right member', async () => {
  await fc.assert(
    fc.asyncProperty(steadyCluster, fc.nat(), oneOff, async (options, position, offset) => {
      const at = position % (options.size + options.learners);
      const offsets = Array.from({ length: at + 1 }, (_, index) => (index === at ? offset : 0));
      const model = new RaftModel({ ...options, offsets });
      Object.assign(model.weights, { write: 0, freeze: 0, lose: 0 });
      const first = judgeRound(
        NO_HISTORY,
        await model.run(model.survey.round(NEVER)),
        options.size,
      );
      const second = judgeRound(
        first.history,
        await model.run(model.survey.round(NEVER)),
        options.size,
      );
      const amount = BigInt(Math.abs(offset));
      const wanted = { direction: offset < 0 ? 'behind' : 'ahead', ambiguous: false };
      expect(blamed(first.verdict, 'suspicion')).toEqual([
        { position: at, ...wanted, atLeast: amount, atMost: amount },
      ]);
      expect(blamed(first.verdict, 'blame')).toEqual([]);
      expect(blamed(second.verdict, 'blame')).toEqual([
        { position: at, ...wanted, atLeast: amount, atMost: amount },
      ]);
      expect(second.verdict.members.map(({ state }) => state)).toEqual(
        second.verdict.members.map((_, index) =>
          index !== at ? 'OK' : offset < 0 ? 'DIVERGED_BEHIND' : 'DIVERGED_AHEAD',
        ),
      );
    }),
    { numRuns: RUNS / 2 },
  );
});

test('under writes whatever exceeds the resolution is found, and nobody else is blamed', async () => {
  let confirmed = 0;
  let sharp = 0;
  await fc.assert(
    fc.asyncProperty(steadyCluster, fc.nat(), oneOff, async (options, position, offset) => {
      const at = position % options.size;
      const amount = BigInt(Math.abs(offset));
      const offsets = Array.from({ length: at + 1 }, (_, index) => (index === at ? offset : 0));
      await watch({ ...options, offsets }, (verdict) => {
        const blames = blamed(verdict, 'blame');
        const found = [...blamed(verdict, 'suspicion'), ...blames];
        const { resolution } = verdict;
        if (resolution !== undefined && resolution <= amount && answered(verdict, at)) {
          sharp += 1;
          expect(found.map((one) => one.position)).toContain(at);
        }
        confirmed += blames.length;
        for (const one of found.filter(({ ambiguous }) => !ambiguous)) {
          expect(one.position).toBe(at);
          expect(one.atLeast).toBeLessThanOrEqual(amount);
          expect(one.atMost ?? amount).toBeGreaterThanOrEqual(amount);
        }
      });
    }),
    { numRuns: RUNS },
  );
  expect(confirmed).toBeGreaterThan(RUNS / 4);
  expect(sharp).toBeGreaterThan(RUNS / 4);
});

function answered({ members }: RoundVerdict, position: number): boolean {
  return members[position]?.answer.last !== undefined;
}

function offsetOf(offsets: readonly number[], id: bigint): number {
  return offsets[Number(id) - 1] ?? 0;
}

function blamed(verdict: RoundVerdict, kind: 'blame' | 'suspicion') {
  return verdict.members.flatMap(({ [kind]: blame }, position) =>
    blame === undefined
      ? []
      : [
          {
            position,
            direction: blame.direction,
            ambiguous: blame.ambiguous,
            atLeast: blame.atLeast,
            atMost: blame.atMost,
          },
        ],
  );
}
