import { expect, test } from 'vitest';
import { selfTimes } from '../../bench/profile/self-time.ts';

const frame = (functionName: string, url = '', lineNumber = -1) => ({
  functionName,
  url,
  lineNumber,
});

test('samples of a stretch are summed by function and by module, without idle time', () => {
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('read', 'file:///repo/proxy/a.ts', 9) },
      { id: 3, callFrame: frame('', 'file:///repo/proxy/a.ts', 19) },
      { id: 4, callFrame: frame('(program)') },
      // The same function in another place of the tree.
      { id: 5, callFrame: frame('read', 'file:///repo/proxy/a.ts', 9) },
    ],
    samples: [3, 1, 2, 3, 4, 5, 3],
    timeDeltas: [1000, 9000, 4000, 1000, 3000, 2000, 1000],
    startTime: 100_000,
  };
  expect(selfTimes(profile, '/repo/', { fromMicros: 102_000, untilMicros: 120_000 })).toEqual({
    functions: [
      { name: 'read  proxy/a.ts:10', ms: 6, percent: 60 },
      { name: '(program)  (native)', ms: 3, percent: 30 },
      { name: '(anonymous)  proxy/a.ts:20', ms: 1, percent: 10 },
    ],
    modules: [
      { name: 'proxy/a.ts', ms: 7, percent: 70 },
      { name: '(native)', ms: 3, percent: 30 },
    ],
  });
});
