import { expect, test } from 'vitest';
import { WriteBuffers } from '../../../proxy/http2/write-buffers.ts';

test('a buffer that was given back is taken again by whoever needs no more than it holds', () => {
  const buffers = new WriteBuffers();
  const first = buffers.take(100_000);
  expect(first.length).toBeGreaterThanOrEqual(100_000);
  buffers.give(first);
  expect(buffers.take(70_000)).toBe(first);
  expect(buffers.take(70_000)).not.toBe(first);
});

test.each([1, 8191, 8192, 8193, 16_384, 16_385, 300_000, 524_288, 524_289, 2_000_000])(
  'a buffer for %i bytes holds them, before and after others were given back',
  (bytes) => {
    const buffers = new WriteBuffers();
    const sizes = [8192, 9000, 20_000, 40_000, 100_000, 300_000, 524_288, bytes];
    const taken = sizes.map((size) => buffers.take(size));
    for (const buffer of taken) buffers.give(buffer);
    expect(buffers.take(bytes).length).toBeGreaterThanOrEqual(bytes);
  },
);

test('no buffer is handed out twice', () => {
  const buffers = new WriteBuffers();
  for (const buffer of [buffers.take(20_000), buffers.take(20_000)]) buffers.give(buffer);
  expect(buffers.take(20_000)).not.toBe(buffers.take(20_000));
});

test('no more than 4 MiB are kept', () => {
  const buffers = new WriteBuffers();
  const many = Array.from({ length: 40 }, () => buffers.take(500_000));
  for (const buffer of many) buffers.give(buffer);
  const again = Array.from({ length: 40 }, () => buffers.take(500_000));
  expect(again.filter((buffer) => many.includes(buffer))).toHaveLength(8);
});

test('what did not come from here, or is very large, is not kept', () => {
  const buffers = new WriteBuffers();
  const foreign = Buffer.alloc(10_000);
  const large = buffers.take(600_000);
  buffers.give(foreign);
  buffers.give(large);
  expect(buffers.take(10_000)).not.toBe(foreign);
  expect(buffers.take(600_000)).not.toBe(large);
});
