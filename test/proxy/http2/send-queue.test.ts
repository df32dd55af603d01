import { expect, test } from 'vitest';
import { SendQueue } from '../../../proxy/http2/send-queue.ts';

/** Takes everything in steps of at most `stepBytes`. */
function drain(queue: SendQueue, stepBytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let first = queue.first; first !== undefined; first = queue.first) {
    const bytes = Math.min(stepBytes, first.length - queue.offset);
    parts.push(Buffer.from(first.subarray(queue.offset, queue.offset + bytes)));
    queue.take(bytes);
  }
  return Buffer.concat(parts);
}

function pattern(bytes: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + seed) & 0xff));
}

test.each([1, 7, 500, 100_000])('bytes leave in the order they came, in steps of %i', (step) => {
  const queue = new SendQueue();
  const sizes = [1, 1, 512, 513, 3, 2000, 1, 511, 512, 512, 512, 512, 5000, 1];
  const chunks = sizes.map(pattern);
  for (const chunk of chunks) queue.push(chunk, 0);
  expect(drain(queue, step).equals(Buffer.concat(chunks))).toBe(true);
  expect(queue.empty).toBe(true);
});

test('bytes that are added while others leave come behind them', () => {
  const queue = new SendQueue();
  const sent: Buffer[] = [];
  const given: Buffer[] = [];
  for (let round = 0; round < 500; round++) {
    const chunk = pattern(1 + ((round * 37) % 900), round);
    given.push(chunk);
    queue.push(chunk, 0);
    const { first, offset } = queue;
    if (first === undefined || round % 3 !== 0) continue;
    const bytes = Math.min(300, first.length - offset);
    sent.push(Buffer.from(first.subarray(offset, offset + bytes)));
    queue.take(bytes);
  }
  sent.push(drain(queue, 1000));
  expect(Buffer.concat(sent).equals(Buffer.concat(given))).toBe(true);
});

test('only the part of a chunk that waits is kept', () => {
  const queue = new SendQueue();
  queue.push(pattern(2000, 0), 1999);
  queue.push(pattern(2000, 0), 1000);
  expect(drain(queue, 9999)).toEqual(
    Buffer.concat([pattern(2000, 0).subarray(1999), pattern(2000, 0).subarray(1000)]),
  );
});

test('a hundred thousand chunks of one byte are kept in few buffers', () => {
  const queue = new SendQueue();
  const one = Buffer.of(1);
  for (let i = 0; i < 100_000; i++) queue.push(one, 0);
  let buffers = 0;
  for (let first = queue.first; first !== undefined; first = queue.first) {
    queue.take(first.length);
    buffers += 1;
  }
  expect(buffers).toBeLessThan(100);
});

test('a chunk that was given is never written to', () => {
  const queue = new SendQueue();
  const chunk = pattern(600, 1);
  queue.push(chunk, 0);
  queue.push(pattern(10, 2), 0);
  expect(chunk.equals(pattern(600, 1))).toBe(true);
});

test('a chunk that waits does not keep the whole read alive that it is a view of', () => {
  const read = Buffer.allocUnsafeSlow(64 * 1024);
  const queue = new SendQueue();
  queue.push(read.subarray(1000, 3000), 0);
  expect(queue.first?.length).toBe(2000);
  expect(queue.first?.buffer).not.toBe(read.buffer);
  expect(queue.first?.equals(read.subarray(1000, 3000))).toBe(true);
  // What is most of its read is kept as it is.
  const large = new SendQueue();
  large.push(read.subarray(0, 60_000), 0);
  expect(large.first?.buffer).toBe(read.buffer);
});
