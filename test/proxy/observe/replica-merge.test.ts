import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPieces } from '../../../proxy/observe/replica-merge.ts';
import { held, LIMITS, merge } from './support/replica-texts.ts';

const FIRST = `# HELP a Some.
# TYPE a counter
a{x="1"} 1
a{x="2"} 2.50
# HELP c Histogram.
# TYPE c histogram
c_bucket{le="1"} 1
c_bucket{le="+Inf"} 2
c_sum 7e-05
c_count 2
`;
const SECOND = `# HELP a Some, in other words.
# TYPE a counter
a{x="1"} 3
# HELP b Only here.
# TYPE b gauge
b 4
# TYPE c histogram
c_bucket{le="+Inf"} 0
`;

const MERGED = `# HELP a Some.
# TYPE a counter
a{replica="cp-1",x="1"} 1
a{replica="cp-1",x="2"} 2.50
a{replica="cp-2",x="1"} 3
# HELP b Only here.
# TYPE b gauge
b{replica="cp-2"} 4
# HELP c Histogram.
# TYPE c histogram
c_bucket{replica="cp-1",le="1"} 1
c_bucket{replica="cp-1",le="+Inf"} 2
c_sum{replica="cp-1"} 7e-05
c_count{replica="cp-1"} 2
c_bucket{replica="cp-2",le="+Inf"} 0
`;

test('families come together, with the comments of the first and all bytes but for the label', async () => {
  expect(await merge({ 'cp-1': { text: FIRST }, 'cp-2': { text: SECOND } })).toBe(MERGED);
});

test('it is the same whether a replica compresses or sorts', async () => {
  const families = SECOND.split(/^(?=# (?:HELP a|HELP b|TYPE c))/m);
  const unsorted = families.toReversed().join('');
  const text = await merge({
    'cp-1': { text: FIRST, compressed: false },
    'cp-2': { text: unsorted, sorted: false },
  });
  expect(text).toBe(MERGED);
});

test('a family that has another type at one replica is left out there, and that is said', async () => {
  const other = FIRST.replace('# TYPE a counter', '# TYPE a gauge');
  const text = await merge({ 'cp-1': { text: FIRST }, 'cp-2': { text: other } });
  expect(text).toContain('# evenkeel: replica "cp-2": left out, because its a is of type gauge\n');
  expect(text.match(/^a\{/gm)).toHaveLength(2);
  expect(text.match(/^c_/gm)).toHaveLength(8);
});

test('one that ends too early, or is none, is not taken for whole', async () => {
  const whole = held(FIRST.repeat(50));
  const read = async (chunks: readonly Buffer[]): Promise<void> => {
    for await (const _ of readPieces({ chunks, compressed: true }, LIMITS));
  };
  await expect(read(whole.chunks.map((chunk) => chunk.subarray(0, -9)))).rejects.toThrow();
  await expect(read([Buffer.from(FIRST)])).rejects.toThrow();
});

test('what is small only while it is compressed is stopped', async () => {
  const text = 'a{x="1"} 1\n'.repeat(500_000);
  const { chunks } = held(text);
  expect(chunks.length).toBeLessThan(50);
  const limits = { ...LIMITS, maxBytes: 1_000_000 };
  let seen = 0;
  const read = async (): Promise<void> => {
    for await (const pieces of readPieces({ chunks, compressed: true }, limits)) {
      for (const { samples } of pieces) seen += samples.length;
    }
  };
  await expect(read()).rejects.toThrow('is longer than 1000000 bytes');
  expect(seen).toBeLessThanOrEqual(1_000_000);
});

const name = fc.stringMatching(/^[a-z]{1,3}$/);
const exposition = fc
  .uniqueArray(fc.tuple(name, fc.array(fc.integer(), { minLength: 1, maxLength: 3 })), {
    selector: ([family]) => family,
    maxLength: 6,
  })
  .map((families) => families.toSorted(([a], [b]) => (a < b ? -1 : 1)));

test('every sample of every replica is there once, and each family in one place', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(exposition, { maxLength: 3 }), async (replicas) => {
      const texts = replicas.map((families, i) => {
        const blocks = families.map(([family, values]) => {
          const samples = values.map((value, at) => `${family}{i="${at}"} ${value}\n`);
          return `# TYPE ${family} gauge\n${samples.join('')}`;
        });
        return [`r${i}`, { text: blocks.join('') }] as const;
      });
      const lines = (await merge(Object.fromEntries(texts))).split('\n').slice(0, -1);
      const expected = replicas.flatMap((families, i) =>
        families.flatMap(([family, values]) =>
          values.map((value, at) => `${family}{replica="r${i}",i="${at}"} ${value}`),
        ),
      );
      const samples = lines.filter((line) => !line.startsWith('#'));
      expect(samples.toSorted()).toEqual(expected.toSorted());
      const types = lines.filter((line) => line.startsWith('#'));
      expect(new Set(types).size).toBe(types.length);
      const order = lines.map((line) =>
        line.startsWith('#') ? line.split(' ')[2] : line.split('{')[0],
      );
      expect(order).toEqual(order.toSorted());
    }),
    { numRuns: 60 },
  );
});
