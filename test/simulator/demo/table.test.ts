import { expect, test } from 'vitest';
import type { FleetFigures } from '../../../simulator/demo/fleet.ts';
import type { ReplicaLoad } from '../../../simulator/demo/phase-figures.ts';
import type { DemoReport } from '../../../simulator/demo/report.ts';
import {
  renderTable,
  TABLE_COLUMNS,
  TABLE_LINES,
  visibleLength,
} from '../../../simulator/demo/table.ts';
import { PLAIN_STYLE, TERMINAL_STYLE } from '../../../simulator/demo/text-style.ts';
import { doorKept, phaseLine, renderVerdict } from '../../../simulator/demo/verdict.ts';

const quiet: FleetFigures = {
  clients: 30,
  watching: 30,
  calls: 2700,
  retries: 0,
  relists: 0,
  watchesCut: 10,
  longestSilenceMs: 140,
  errors: [],
};

/** Each replica as [requests, watches] on both sides; undefined is down. */
function loads(...pairs: (readonly [number, number, number, number] | undefined)[]) {
  return pairs.map((pair, index): ReplicaLoad => {
    const [tcpRequests, tcpWatches, doorRequests, doorWatches] = pair ?? [0, 0, 0, 0];
    return {
      name: `apiserver-${index + 1}`,
      up: pair !== undefined,
      tcp: { requestsPerSecond: tcpRequests, watches: tcpWatches },
      door: { requestsPerSecond: doorRequests, watches: doorWatches },
    };
  });
}

const before = loads([40, 10, 30, 10], [30, 10, 30, 10], [20, 10, 30, 10]);
const down = loads([55, 15, 45, 15], undefined, [35, 15, 45, 15]);
const after = loads([55, 15, 30, 10], [0, 0, 30, 10], [35, 15, 30, 10]);

const finished: DemoReport = {
  kind: 'simulated',
  phase: 'after',
  finished: true,
  elapsedSeconds: 30,
  totalSeconds: 30,
  phaseSecondsLeft: 0,
  replicaNames: ['apiserver-1', 'apiserver-2', 'apiserver-3'],
  victim: 'apiserver-2',
  loads: { before, down, after },
  clients: { tcp: quiet, door: quiet },
};

function plain(report: DemoReport): string {
  return renderTable(report, PLAIN_STYLE).join('\n');
}

test('the closing table shows every phase on both sides, and what clients saw', () => {
  expect(`\n${plain(finished)}\n`).toBe(`
3 simulated kube-apiservers, 60 clients, half of them each way     30 s of 30 s
Finished. Each phase shows the load at its end; a busiest/mean of 1.00 is even.

                        through a TCP balancer      through evenkeel
                        requests/s    watches       requests/s    watches
before    apiserver-1     40 ######     10 #####      30 ####       10 #####
          apiserver-2     30 ####       10 #####      30 ####       10 #####
          apiserver-3     20 ###        10 #####      30 ####       10 #####
          busiest/mean    1.33          1.00          1.00          1.00
killed    apiserver-1     55 ########   15 ########   45 #######    15 ########
          apiserver-2      - down                      - down
          apiserver-3     35 #####      15 ########   45 #######    15 ########
          busiest/mean    1.22          1.00          1.00          1.00
restarted apiserver-1     55 ########   15 ########   30 ####       10 #####
          apiserver-2      0             0            30 ####       10 #####
          apiserver-3     35 #####      15 ########   30 ####       10 #####
          busiest/mean    1.83          1.50          1.00          1.00

requests that failed       0 of 2700                   0 of 2700
waits for a retry          0                           0
informers that relisted    0                           0
watches cut off           10                          10
longest silence          0.1 s                       0.1 s
`);
});

test('a frame keeps its size from the first second to the last, with colours as without', () => {
  const { before: first, ...rest } = finished.loads;
  const reports: DemoReport[] = [
    finished,
    { ...finished, finished: false, phase: 'before', loads: {} },
    { ...finished, finished: false, phase: 'down', loads: first ? { before: first } : rest },
  ];
  for (const report of reports) {
    const colored = renderTable(report, TERMINAL_STYLE);
    expect(colored).toHaveLength(TABLE_LINES);
    expect(Math.max(...colored.map(visibleLength))).toBeLessThanOrEqual(TABLE_COLUMNS);
    expect(renderTable(report, PLAIN_STYLE)).toHaveLength(TABLE_LINES);
  }
  expect(TABLE_COLUMNS).toBeLessThanOrEqual(80);
});

test('plain text has no escape sequence', () => {
  expect(plain(finished)).not.toContain('\u001b');
});

test('a live frame says what comes next, and when', () => {
  const at = (phase: DemoReport['phase'], phaseSecondsLeft: number) =>
    renderTable({ ...finished, finished: false, phase, phaseSecondsLeft }, PLAIN_STYLE)[1];
  expect(at('before', 3.2)).toBe('All replicas are up. apiserver-2 will be killed in 4 s.');
  expect(at('down', 2)).toBe('apiserver-2 is dead. It will be started again in 2 s.');
  expect(at('down', 0)).toBe('apiserver-2 is dead. It is starting.');
  expect(at('after', 0)).toBe('apiserver-2 is back. 0 s to go.');
});

test('a bar fills its width at the most and nothing at none', () => {
  for (const style of [PLAIN_STYLE, TERMINAL_STYLE]) {
    expect(style.bar(0, 8)).toBe('        ');
    expect(style.bar(1, 8).trim()).toHaveLength(8);
    expect(style.bar(7, 8)).toHaveLength(8);
    expect(style.bar(0.43, 8)).toHaveLength(8);
  }
});

test('one line sums up a phase for a log', () => {
  expect(phaseLine({ ...finished, phase: 'down' })).toBe(
    'killed: TCP balancer 55/s 15w, down, 35/s 15w | evenkeel 45/s 15w, down, 45/s 15w',
  );
});

test('the verdict has the figures in words, within 80 columns', () => {
  const lines = renderVerdict(finished);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
  const text = lines.join(' ');
  expect(text).toContain('0 % of requests and 0 of 30 watches through the TCP balancer');
  expect(text).toContain('33 % of requests and 10 of 30 watches through evenkeel');
  expect(text).toContain('1.83 times the mean of requests and 1.50 times that of watches');
  expect(text).toContain('1.00 times the mean of requests and 1.00 times that of watches');
  expect(text).toContain('none failed');
  expect(text).toContain('10 watches ended early and went on elsewhere');
  const carried = { ...finished, clients: { tcp: quiet, door: { ...quiet, watchesCut: 0 } } };
  expect(renderVerdict(carried).join(' ')).toContain('no watch ended early');
  expect(text).toContain('npm run demo -- --real');
});

test('errors are told in full words, and those of the door fail the demo', () => {
  const errors = Array.from({ length: 7 }, (_, index) => `PUT /x: error ${index}`);
  const report = { ...finished, clients: { tcp: quiet, door: { ...quiet, errors } } };
  const text = renderVerdict(report).join(' ');
  expect(text).toContain('7 failed');
  expect(text).toContain('Errors that clients saw through evenkeel: PUT /x: error 0;');
  expect(text).toContain('and 2 more');
  expect([doorKept(report), doorKept(finished)]).toEqual([false, true]);
  const tcpErrors = { ...finished, clients: { tcp: { ...quiet, errors }, door: quiet } };
  expect(doorKept(tcpErrors)).toBe(true);
});
