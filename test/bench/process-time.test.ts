import { expect, test } from 'vitest';
import {
  parseProcessSeconds,
  readProcessSeconds,
  readTreeSeconds,
} from '../../bench/process-time.ts';

test('user and system time are added, whatever the command is called', () => {
  const rest = 'S 1 1 1 0 -1 4194560 100 0 0 0 250 50 7 7 20 0 1 0 100 0 0';
  expect(parseProcessSeconds(`42 (node) ${rest}`)).toBe(3);
  expect(parseProcessSeconds(`42 (a) R 9 (b) ${rest}`)).toBe(3);
});

test.runIf(process.platform === 'linux')('our own time is near what Node says', () => {
  const { user, system } = process.cpuUsage();
  expect(readProcessSeconds(process.pid)).toBeCloseTo((user + system) / 1e6, 0);
});

test.runIf(process.platform === 'linux')('a tree of processes has at least our own time', () => {
  expect(readTreeSeconds(process.pid)).toBeGreaterThanOrEqual(
    readProcessSeconds(process.pid) - 0.1,
  );
});
