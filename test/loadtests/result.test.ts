import { expect, test } from 'vitest';
import {
  formatResultLine,
  parseResult,
  RESULT_SCHEMA,
  type ResultLine,
  type RunLine,
} from '../../loadtests/result.ts';

const RUN: RunLine = {
  type: 'run',
  schema: RESULT_SCHEMA,
  suite: 'mixed',
  profile: 'smoke',
  nodes: 100,
  seed: 7,
  suiteHash: 'aa',
  target: '1.34.4',
  startedAt: '2026-11-25T16:00:00Z',
  environment: { versions: {}, flags: {}, cores: 2, cpu: 'x', memoryMib: 1, kernel: 'k' },
};

function textOf(lines: readonly object[]): string {
  return lines.map((line) => formatResultLine(line as ResultLine)).join('');
}

test('what was written is read again, by type', () => {
  const phase: ResultLine = { type: 'phase', name: 'measure', atMs: 10 };
  const metric: ResultLine = { type: 'metric', name: 'm', value: 1, unit: 'ms', better: 'lower' };
  const result = parseResult(textOf([RUN, phase, metric]), 'a.ndjson');
  expect(result).toMatchObject({ run: RUN, phases: [phase], metrics: [metric], end: undefined });
});

test('lines of a later version are left out', () => {
  const result = parseResult(textOf([RUN, { type: 'weather' }]), 'a.ndjson');
  expect(result.run).toEqual(RUN);
});

test('a last line that was being written belongs to a run that broke off', () => {
  const whole = textOf([RUN, { type: 'end', tookMs: 1 }]);
  expect(parseResult(whole.slice(0, -3), 'a.ndjson')).toMatchObject({ run: RUN, end: undefined });
  expect(parseResult(whole.trimEnd(), 'a.ndjson').end).toBeDefined();
});

test.each([
  ['', 'a.ndjson: the first line is not of type "run"'],
  [textOf([{ ...RUN, schema: 99 }]), 'a.ndjson: schema 99, expected 1'],
  [`${textOf([RUN])}{\n`, 'a.ndjson, line 2: not JSON'],
  ['{"type":"ru', 'a.ndjson, line 1: not JSON'],
  [`${textOf([RUN])}7\n`, 'a.ndjson, line 2: expected an object with a type'],
])('a file that is no result is refused with its name and line', (text, message) => {
  expect(() => parseResult(text, 'a.ndjson')).toThrow(message);
});
