import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isPackageName } from '../../tools/go.ts';
import { startProgress } from '../../tools/progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, output: { isTTY, write: (text: string) => written.push(text) } };
}

test('a log gets a line every 15 seconds and one at the end', () => {
  const { written, output } = recorder(false);
  const progress = startProgress('kubectl v1', output);
  vi.advanceTimersByTime(14_999);
  expect(written).toEqual([]);
  progress.note('12 packages compiled');
  vi.advanceTimersByTime(15_001);
  progress.finish('built');
  expect(written).toEqual([
    'kubectl v1: building, 15 s, 12 packages compiled\n',
    'kubectl v1: building, 30 s, 12 packages compiled\n',
    'kubectl v1: built in 30 s\n',
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a terminal has one line that is redrawn every second', () => {
  const { written, output } = recorder(true);
  const progress = startProgress('kubectl v1', output);
  vi.advanceTimersByTime(2000);
  progress.finish('built');
  expect(written).toHaveLength(4);
  expect(written.slice(0, 3).every((text) => !text.includes('\n'))).toBe(true);
  expect(written[3]).toBe('\r\x1b[Kkubectl v1: built in 2 s\n');
});

test.each([
  ['k8s.io/client-go/tools/cache', true],
  ['fmt', true],
  ['gopkg.in/natefinch/lumberjack.v2', true],
  ['# evenkeel/test/cluster/programs/informers', false],
  ['informers/fleet.go:84:71: undefined: cache.X', false],
  ['go: downloading k8s.io/api v0.34.4', false],
])('in the output of go build, "%s" is a package name: %s', (line, expected) => {
  expect(isPackageName(line)).toBe(expected);
});
