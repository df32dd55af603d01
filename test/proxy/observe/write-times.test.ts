// From write to delivery, by the frames of a real kube-apiserver and by made ones.
import { expect, test } from 'vitest';
import { Metrics } from '../../../proxy/observe/metrics.ts';
import type { RequestRecord } from '../../../proxy/observe/request-record.ts';
import { SampleRate } from '../../../proxy/observe/sample-rate.ts';
import { MAX_LOOKS_PER_SECOND } from '../../../proxy/observe/write-times.ts';
import { readBody, readCaptures } from '../../fixtures/watch/captures.ts';
import { framesOf, JSON_TYPE } from '../../fixtures/watch/framing.ts';
import { Exposition } from './support/exposition.ts';
import { recordOf, sourcesOf } from './support/records.ts';

const NAME = 'evenkeel_watch_write_to_delivery_seconds';
const LEASES = 'GET /apis/coordination.k8s.io/v1/leases?watch=1';
const MAPS = 'GET /api/v1/configmaps?watch=1';
/** When the watches of these tests were answered, on both clocks. */
const OPENED_MS = 1000;
const OPENED_AT = Date.parse('2026-11-25T07:59:59Z');

function start() {
  let sinceMs = 0;
  const metrics = new Metrics({
    version: '1',
    sources: sourcesOf([]),
    nowMs: () => OPENED_MS + sinceMs,
    wallMs: () => OPENED_AT + sinceMs,
  });
  return {
    at(ms: number): void {
      sinceMs = ms;
    },
    open(request: string): RequestRecord {
      const record = recordOf(request, { answeredAtMs: OPENED_MS });
      metrics.entered(record);
      return record;
    },
    /** The body comes now, and nothing of it is taken yet. */
    bring(record: RequestRecord, type: string, body: Buffer | string): void {
      for (const frame of framesOf(type, [body])) {
        record.meter?.event(frame, OPENED_MS + sinceMs, true);
        record.responseBytes += frame.bytes.length;
      }
    },
    read: async () => new Exposition(await metrics.text()),
    results: async () => {
      const found = new Exposition(await metrics.text()).find('evenkeel_watch_write_times_total');
      return Object.fromEntries(
        found.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.result, value]),
      );
    },
  };
}

function take(record: RequestRecord): void {
  record.meter?.sent(record.responseBytes);
}

/** An event of an object that was last written at a second, counted from when the watch began. */
function written(atSeconds: number, type = 'MODIFIED'): string {
  const time = new Date(OPENED_AT + 1000 * atSeconds).toISOString().replace('.000', '');
  return `${JSON.stringify({ type, object: { metadata: { managedFields: [{ time }] } } })}\n`;
}

test.each(['leases', 'leases-protobuf'])(
  'of %s each renewal is timed to the millisecond',
  async (name) => {
    const { at, open, bring, read } = start();
    const capture = readCaptures().find((one) => one.name === name);
    if (capture === undefined) throw new Error(`${name} was not captured`);
    const frames = framesOf(capture.contentType, [readBody(capture)]);
    const [, ...renewals] = frames.filter(({ type }) => type === 'ADDED' || type === 'MODIFIED');
    const record = open(LEASES);
    // Renewed at 1123, 3000 and 5120 ms after the watch was opened.
    for (const [index, takenMs] of [1140, 3500, 9120].entries()) {
      at(takenMs - 10);
      bring(record, capture.contentType, renewals[index]?.bytes ?? '');
      at(takenMs);
      take(record);
    }
    const exposition = await read();
    const labels = { group: 'coordination.k8s.io', resource: 'leases', source: 'renew_time' };
    expect(exposition.sum(`${NAME}_count`, labels)).toBe(3);
    expect(exposition.sum(`${NAME}_sum`, labels)).toBeCloseTo(0.017 + 0.5 + 4, 6);
    expect(exposition.sum(`${NAME}_count`)).toBe(3);
  },
);

test('another object is timed by its managed fields, when its client has been given it', async () => {
  const { at, open, bring, read, results } = start();
  const record = open(MAPS);
  at(3400);
  bring(record, JSON_TYPE, written(3));
  record.meter?.sent(record.responseBytes - 1);
  expect(await results()).toEqual({});
  at(5250);
  take(record);
  const labels = { group: '', resource: 'configmaps', source: 'managed_fields' };
  const exposition = await read();
  expect(exposition.sum(`${NAME}_sum`, labels)).toBeCloseTo(2.25, 6);
  expect(exposition.sum(`${NAME}_bucket`, { ...labels, le: '2' })).toBe(0);
  expect(exposition.sum(`${NAME}_bucket`, { ...labels, le: '3' })).toBe(1);
  expect(await results()).toEqual({ measured: 1 });
});

test.each([
  ['a MODIFIED', written(1)],
  ['a DELETED', written(1, 'DELETED')],
  ['a bookmark', '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n'],
])('ADDED counts only after %s, behind which nothing is initial', async (_what, end) => {
  const { at, open, bring, results } = start();
  const record = open(MAPS);
  at(5000);
  // Written by a clock that is ahead, so that it looks new.
  bring(record, JSON_TYPE, written(5, 'ADDED'));
  take(record);
  expect(await results()).toEqual({});
  bring(record, JSON_TYPE, end);
  take(record);
  const before = (await results()).measured ?? 0;
  bring(record, JSON_TYPE, written(5, 'ADDED'));
  take(record);
  expect((await results()).measured).toBe(before + 1);
});

test('a captured initial list is never timed', async () => {
  const captured = readCaptures().filter(({ name }) => /initial|from-zero/.test(name));
  expect(captured.length).toBeGreaterThan(3);
  for (const capture of captured) {
    const { at, open, bring, results } = start();
    const record = open(MAPS);
    at(1e9);
    const frames = framesOf(capture.contentType, [readBody(capture)]);
    const initial = frames.slice(
      0,
      frames.findIndex(({ type }) => type !== 'ADDED'),
    );
    for (const { bytes } of initial) bring(record, capture.contentType, bytes);
    take(record);
    expect(await results()).toEqual({});
  }
});

test('what was written before the watch is history', async () => {
  const { at, open, bring, results } = start();
  const record = open(MAPS);
  at(400);
  bring(record, JSON_TYPE, written(-5));
  take(record);
  expect(await results()).toEqual({ earlier_write: 1 });
});

test('a time that goes back is that of another write than the one told of', async () => {
  const { at, open, bring, results } = start();
  const record = open(MAPS);
  at(30_000);
  bring(record, JSON_TYPE, written(29));
  take(record);
  // Within what two apiservers' clocks may differ.
  bring(record, JSON_TYPE, written(27));
  take(record);
  bring(record, JSON_TYPE, written(10));
  take(record);
  expect(await results()).toEqual({ measured: 2, earlier_write: 1 });
});

test('a write in the future is counted apart, and not as one that took no time', async () => {
  const { at, open, bring, read, results } = start();
  const record = open(MAPS);
  at(2000);
  bring(record, JSON_TYPE, written(9));
  take(record);
  expect(await results()).toEqual({ ahead: 1 });
  expect((await read()).sum(`${NAME}_count`) ?? 0).toBe(0);
});

test('what shows no time is counted as that', async () => {
  const { open, bring, results } = start();
  const record = open(MAPS);
  bring(record, JSON_TYPE, '{"type":"MODIFIED","object":{"metadata":{"name":"a"}}}\n');
  expect(await results()).toEqual({ no_time: 1 });
});

test('a watch waits for one delivery at a time', async () => {
  const { at, open, bring, results } = start();
  const record = open(MAPS);
  at(5000);
  for (let i = 0; i < 3; i += 1) bring(record, JSON_TYPE, written(5));
  take(record);
  expect(await results()).toEqual({ measured: 1 });
});

test('no more events are looked into than so many a second', async () => {
  const { at, open, bring, results } = start();
  const record = open(MAPS);
  for (let second = 0; second < 3; second += 1) {
    at(5000 + 1000 * second);
    for (let i = 0; i < 1000; i += 1) {
      bring(record, JSON_TYPE, written(5));
      take(record);
    }
  }
  const { measured = 0 } = await results();
  expect(measured).toBeGreaterThan(MAX_LOOKS_PER_SECOND);
  expect(measured).toBeLessThanOrEqual(3 * MAX_LOOKS_PER_SECOND);
});

test('of many the chosen ones lie anywhere among them', () => {
  // By turns the nearest and the farthest.
  let turn = 0;
  const rate = new SampleRate(10, () => (turn++ % 2) * 0.999);
  const chosen = (nowMs: number): number[] =>
    Array.from({ length: 100 }, (_, i) => i).filter(() => rate.take(nowMs));
  chosen(0);
  const inSecond = chosen(1000);
  expect(inSecond.length).toBeLessThanOrEqual(10);
  expect(inSecond.at(-1)).toBeGreaterThan(80);
  expect(new Set(inSecond.map((at, i) => at - (inSecond[i - 1] ?? at))).size).toBeGreaterThan(2);
  // After a quiet second all are chosen again.
  expect([3000, 3001].map((nowMs) => rate.take(nowMs))).toEqual([true, true]);
});
