import { expect, test } from 'vitest';
import { CountingReplica } from './support/counting-replica.ts';
import { merge, TestReplica } from './support/replica-texts.ts';

const LEGACY = '/api/v1/watch/pods';
const PLAIN = '/api/v1/pods?watch=1';
const DURATION = 'apiserver_request_duration_seconds';

/** Value of the one sample with this suffix and these parts of its labels. */
function value(text: string, name: string, ...parts: readonly string[]): number | undefined {
  const found = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && parts.every((part) => line.includes(part)));
  expect(found.length, `${name} ${parts.join(' ')}`).toBeLessThanOrEqual(1);
  return found[0] === undefined ? undefined : Number(found[0].split(' ').at(-1));
}

function histogram(text: string, verb: string): (number | undefined)[] {
  const labels = [`verb="${verb}"`, 'resource="pods"', 'scope="cluster"'];
  const le = ['1', '5', '60', '+Inf'].map((bound) => `le="${bound}"`);
  return [
    ...le.map((bound) => value(text, `${DURATION}_bucket`, bound, ...labels)),
    value(text, `${DURATION}_count`, ...labels),
  ];
}

/** The merged text after two readings, and what was told of it. */
async function corrected(door: TestReplica, replica: CountingReplica, atSeconds = 1000) {
  await door.read(replica.text, atSeconds);
  const { correction } = await door.read(replica.text, atSeconds + 1);
  const text = await merge({ 'cp-1': { text: replica.text, correction } });
  return { text, correction };
}

test('watches are moved in count, sum, buckets and requests, and all else keeps its bytes', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  for (const seconds of [0.02, 0.5, 3]) replica.count('LIST', 'pods', 'cluster', '200', seconds);
  replica.count('LIST', 'nodes', 'cluster', '200', 0.1);
  door.ledger.add([replica.watch(LEGACY, 10, 14), replica.watch(LEGACY, 10, 400)]);
  door.ledger.add([replica.watch(PLAIN, 10, 100)]);
  const before = await merge({ 'cp-1': { text: replica.text } });
  const { text, correction } = await corrected(door, replica);
  // Lists alone are left, and all watches are together.
  expect(histogram(text, 'LIST')).toEqual([2, 3, 3, 3, 3]);
  expect(histogram(text, 'WATCH')).toEqual([0, 1, 1, 3, 3]);
  const pods = ['resource="pods"', 'scope="cluster"'];
  expect(value(text, `${DURATION}_sum`, 'verb="LIST"', ...pods)).toBeCloseTo(3.52);
  expect(value(text, `${DURATION}_sum`, 'verb="WATCH"', ...pods)).toBeCloseTo(484);
  const total = 'apiserver_request_total';
  expect(value(text, total, 'verb="LIST"', 'code="0"', ...pods)).toBe(0);
  expect(value(text, total, 'verb="LIST"', 'code="200"', ...pods)).toBe(3);
  expect(value(text, total, 'verb="WATCH"', 'code="0"', ...pods)).toBe(3);
  for (const family of [DURATION, total]) {
    const note = '# evenkeel: replica "cp-1": 2 of 2 watches of pods that were filed as LIST moved';
    expect(text).toContain(
      `# TYPE ${family} ${family === total ? 'counter' : 'histogram'}\n${note}`,
    );
  }
  const untouched = before.split('\n').filter((line) => !line.includes('resource="pods"'));
  const lines = text.split('\n').filter((line) => !line.includes('resource="pods"'));
  expect(lines.filter((line) => !line.startsWith('# evenkeel:'))).toEqual(untouched);
  expect(correction.misfiled).toEqual([
    { verb: 'GET', metric: DURATION, watches: 0 },
    { verb: 'LIST', metric: DURATION, watches: 2 },
    { verb: 'GET', metric: total, watches: 0 },
    { verb: 'LIST', metric: total, watches: 2 },
  ]);
});

test('a WATCH series that is not there yet is made, whole, beside the others', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'], offset: 0.002 });
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 14.25), replica.watch(LEGACY, 10, 400)]);
  const { text } = await corrected(door, replica);
  expect(histogram(text, 'LIST')).toEqual([0, 0, 0, 0, 0]);
  expect(histogram(text, 'WATCH')).toEqual([0, 1, 1, 2, 2]);
  // All of the series is of watches, so its sum is the replica's own.
  expect(value(text, `${DURATION}_sum`, 'verb="WATCH"')).toBeCloseTo(394.246, 6);
  expect(value(text, `${DURATION}_sum`, 'verb="LIST"')).toBe(0);
  const last = text.split('\n').findLastIndex((line) => line.startsWith(`${DURATION}_count`));
  const next = text
    .split('\n')
    .indexOf('# HELP apiserver_request_total [STABLE] Counter of apiserver requests.');
  expect(last).toBe(next - 1);
});

test('of a series that is all watches nothing is left, whatever the clocks say', async () => {
  // The replica hears of the end later than the door, which has asked for it.
  const replica = new CountingReplica({ mistakes: ['legacy'], offset: -0.003 });
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 14.25), replica.watch(LEGACY, 10, 400)]);
  const { text } = await corrected(door, replica);
  expect(value(text, `${DURATION}_sum`, 'verb="WATCH"')).toBeCloseTo(394.256, 6);
  expect(value(text, `${DURATION}_sum`, 'verb="LIST"')).toBe(0);
});

test('a watch that ended about a bound is looked for beside it, and not further', async () => {
  const beside = new CountingReplica({ mistakes: ['legacy'], offset: 0.002 });
  const door = new TestReplica();
  // 5.001 s to the door and 4.999 s to the replica.
  door.ledger.add([beside.watch(LEGACY, 10, 15.001)]);
  beside.count('LIST', 'pods', 'cluster', '200', 0.02);
  const { text } = await corrected(door, beside);
  expect(histogram(text, 'WATCH')).toEqual([0, 1, 1, 1, 1]);
  expect(histogram(text, 'LIST')).toEqual([1, 1, 1, 1, 1]);

  const further = new CountingReplica({ mistakes: ['legacy'], offset: 8 });
  const other = new TestReplica();
  other.ledger.add([further.watch(LEGACY, 10, 20.001)]);
  const left = await corrected(other, further);
  expect(histogram(left.text, 'WATCH')).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(left.text).toContain(
    'filed as LIST are still there: its numbers do not show which they are',
  );
  expect(left.correction.misfiled[1]?.watches).toBe(1);
});

test('watches that are looked for in vain are left where they are, and later ones are moved', async () => {
  const frozen = new CountingReplica({ mistakes: ['legacy'], offset: -30 });
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  // It stood still for half a minute after the door had given it up: no clock says the same.
  const lost = frozen.watch(LEGACY, 10, 14);
  replica.count('LIST', 'pods', 'cluster', '0', 34);
  door.ledger.add([lost]);
  await corrected(door, replica);
  const after: string[] = [];
  for (let reading = 0; reading < 4; reading++) {
    door.ledger.add([replica.watch(LEGACY, 1100 + reading, 1108 + reading)]);
    const { text } = await corrected(door, replica, 1200 + reading * 100);
    after.push(histogram(text, 'LIST').join(' '));
  }
  // The one is still there, and every watch that came after it was moved, some of them late.
  expect(after.at(-1)).toBe('0 0 1 1 1');
  const { text } = await corrected(door, replica, 2000);
  expect(text).toContain('4 of 5 watches of pods that were filed as LIST moved');
  expect(histogram(text, 'WATCH')).toEqual([0, 0, 4, 4, 4]);
});

test('no corrected counter ever goes back while the replica lives', async () => {
  const replica = new CountingReplica({ mistakes: ['legacy'] });
  const door = new TestReplica();
  // As long as the watches, so that nothing but their number tells them apart.
  for (let i = 0; i < 4; i++) replica.count('LIST', 'pods', 'cluster', '200', 10);
  door.ledger.add([replica.watch(LEGACY, 10, 20)]);
  const first = await corrected(door, replica);
  expect(histogram(first.text, 'LIST').at(-1)).toBe(4);
  // The door has seen the end of three more, and the replica, which stood still, of none.
  const before = replica.text;
  door.ledger.add([1, 2, 3].map(() => replica.watch(LEGACY, 1010, 1020)));
  const { correction } = await door.read(before, 1100);
  const late = await merge({ 'cp-1': { text: before, correction } });
  expect(histogram(late, 'LIST').at(-1)).toBe(4);
  expect(histogram(late, 'WATCH').at(-1)).toBe(1);
  const after = await corrected(door, replica, 1200);
  expect(histogram(after.text, 'LIST').at(-1)).toBe(4);
  expect(histogram(after.text, 'WATCH').at(-1)).toBe(4);
});

const GAUGES = `# TYPE apiserver_longrunning_requests gauge
apiserver_longrunning_requests{component="apiserver",group="",resource="nodes",scope="resource",subresource="",verb="GET",version="v1"} 3
apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 2
apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="WATCH",version="v1"} 5
apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="resource",subresource="log",verb="GET",version="v1"} 4
apiserver_longrunning_requests{component="apiserver",group="",resource="",scope="",subresource="/debug/pprof/",verb="GET",version=""} 1
`;

test('the gauge of long-running requests is corrected from the first reading on', async () => {
  const { correction } = await new TestReplica().read(GAUGES, 100);
  const text = await merge({ 'cp-1': { text: GAUGES, correction } });
  const open = 'apiserver_longrunning_requests';
  expect(value(text, open, 'resource="pods"', 'verb="WATCH"')).toBe(7);
  expect(value(text, open, 'resource="pods"', 'verb="LIST"')).toBe(0);
  expect(value(text, open, 'resource="nodes"', 'verb="WATCH"')).toBe(3);
  expect(value(text, open, 'resource="nodes"', 'verb="GET"')).toBe(0);
  expect(value(text, open, 'subresource="log"')).toBe(4);
  expect(value(text, open, 'subresource="/debug/pprof/"')).toBe(1);
  expect(text).toContain(': 3 open watches filed as GET moved\n');
  expect(correction.misfiled.slice(0, 2)).toEqual([
    { verb: 'GET', metric: open, watches: 3 },
    { verb: 'LIST', metric: open, watches: 2 },
  ]);
});

test('a text without a mistake is given on without a remark', async () => {
  const replica = new CountingReplica();
  const door = new TestReplica();
  door.ledger.add([replica.watch(LEGACY, 10, 20), replica.watch(PLAIN, 10, 20)]);
  const { text, correction } = await corrected(door, replica);
  expect(text).toBe(await merge({ 'cp-1': { text: replica.text } }));
  expect(correction.misfiled.every(({ watches }) => watches === 0)).toBe(true);
});
