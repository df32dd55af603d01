import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpositionError } from '../../../proxy/observe/replica-exposition.ts';
import {
  formatSample,
  labelBytes,
  labelOf,
  parseSample,
  withReplicaLabel,
} from '../../../proxy/observe/replica-sample.ts';

const CP1 = labelBytes('replica', 'cp-1');

function labelled(lines: string, label = CP1): string {
  return withReplicaLabel(Buffer.from(lines), label).toString();
}

test('a sample is read with its labels, value and timestamp', () => {
  const line = 'a:b_total{ x = "1", y="a\\\\b\\"c\\nd{,}=" , } -1.5e+06 1700000000000';
  expect(parseSample(line)).toEqual({
    name: 'a:b_total',
    labels: [
      ['x', '1'],
      ['y', 'a\\b"c\nd{,}='],
    ],
    value: -1_500_000,
    rest: ' 1700000000000',
  });
  expect(parseSample('up 1')).toEqual({ name: 'up', labels: [], value: 1, rest: '' });
  expect(parseSample('up{} 1').labels).toEqual([]);
});

test.each([
  ['+Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN],
  ['.5', 0.5],
  ['5.', 5],
  ['1.79561043376e+09', 1_795_610_433.76],
])('the value %s is read as Go does', (text, value) => {
  expect(parseSample(`a ${text}`).value).toBe(value);
});

test.each(['up', 'up{x="1"', 'up{x="1} 1', 'up{x=1} 1', 'up{x="1"y="2"} 1', 'up 0x10', 'up 1 x'])(
  'a line that cannot be read is refused: %s',
  (line) => {
    expect(() => parseSample(line)).toThrow(ExpositionError);
  },
);

test('labels beyond measure are refused', () => {
  const many = Array.from({ length: 65 }, (_, i) => `l${i}="x"`).join(',');
  expect(() => parseSample(`a{${many}} 1`)).toThrow('more than 64 labels');
  expect(() => parseSample(`a{x="${'y'.repeat(4097)}"} 1`)).toThrow('a label is too long');
  expect(() => parseSample(`a{${'x'.repeat(257)}="y"} 1`)).toThrow('a label is too long');
});

const value = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '\\', '"', '\n', '{', '}', ',') });
const labels = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z_][a-z0-9_]{0,5}$/), value), {
  selector: ([name]) => name,
  maxLength: 5,
});
const sample = fc.record({
  name: fc.stringMatching(/^[a-z_:][a-z0-9_:]{0,8}$/),
  labels,
  value: fc.oneof(fc.double(), fc.integer()),
  rest: fc.constantFrom('', ' 1700000000000', ' -5'),
});

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(sample, (one) => {
      const read = parseSample(formatSample(one).slice(0, -1));
      // JSON-like equality takes -0 for another number than 0; Prometheus does not.
      expect(read).toEqual({ ...one, value: one.value + 0 });
    }),
    { numRuns: 300 },
  );
});

test('the label comes first and nothing else changes', () => {
  expect(labelled('up 1\nup{} 2\nup{x="{"} 3 17\nup\t4\n')).toBe(
    [
      'up{replica="cp-1"} 1',
      'up{replica="cp-1"} 2',
      'up{replica="cp-1",x="{"} 3 17',
      'up{replica="cp-1"}\t4',
      '',
    ].join('\n'),
  );
  const odd = labelBytes('replica', 'a"\\ü\n');
  expect(labelled('up 1\n', odd)).toBe('up{replica="a\\"\\\\ü\\n"} 1\n');
});

test('a label replica that is there already is exported_replica', () => {
  expect(labelled('a{x="1",replica="r"} 1\nb{y="replica="} 2\n')).toBe(
    'a{replica="cp-1",x="1",exported_replica="r"} 1\nb{replica="cp-1",y="replica="} 2\n',
  );
  expect(labelled('a{replica="r",exported_replica="s"} 1\n')).toBe(
    'a{replica="cp-1",exported_exported_replica="r",exported_replica="s"} 1\n',
  );
});

test('any sample gets the label, keeps its own, and the bytes behind are the same', () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 4 }), value, (samples, replica) => {
      const lines = samples.map(formatSample).join('');
      const out = labelled(lines, labelBytes('replica', replica)).split('\n').slice(0, -1);
      expect(out).toHaveLength(samples.length);
      for (const [i, line] of out.entries()) {
        const read = parseSample(line);
        expect(labelOf(read, 'replica')).toBe(replica);
        const own = read.labels.slice(1);
        expect(formatSample({ ...read, labels: own })).toBe(formatSample(samples[i] ?? read));
      }
    }),
    { numRuns: 300 },
  );
});
