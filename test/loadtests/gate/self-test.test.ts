import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRecording, sameArms, slowerArms } from '../../../loadtests/gate/recorded-arms.ts';
import { powerFigure, runRecordedTrials } from '../../../loadtests/gate/self-test.ts';

test('the power curve in docs/load-gate.md is of the gate as it is', () => {
  const document = readFileSync(new URL('../../../docs/load-gate.md', import.meta.url), 'utf8');
  const rows = document.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const head = rows.find(([, first]) => first === 'spread of runs') ?? [];
  const row = rows.find(([, spread, pairs]) => spread === '3 %' && pairs === '8') ?? [];
  // The one cell in which most of what the gate does can be seen: neither never nor always.
  expect(row[head.indexOf('+15 %')]).toBe(
    powerFigure(100, { spread: 0.03, pairs: 8, factor: 1.15 }),
  );
});

test('over runs that were real it alarms falsely once of twenty at most, and finds the slow verb', () => {
  const recording = readRecording();
  const same = runRecordedTrials(20, (seed) => sameArms(recording, seed));
  expect(same.outcomes).toMatchObject({ objectiveFailed: 0, invalid: 0 });
  expect(same.outcomes.regression).toBeLessThanOrEqual(1);
  const slower = runRecordedTrials(20, (seed) => slowerArms(recording, seed));
  expect(slower.found).toBeGreaterThanOrEqual(18);
});
