import { expect, test } from 'vitest';
import type { MessageStream } from '../../../proxy/http2/message-stream.ts';
import { KeptBodyMemory, Upload } from '../../../proxy/upstream/upload.ts';

function recorder(): { stream: MessageStream; sent: string[] } {
  const sent: string[] = [];
  const stream = {
    sendData: (chunk: Buffer, end: boolean) => sent.push(`${chunk}${end ? '$' : ''}`),
  } as unknown as MessageStream;
  return { stream, sent };
}

test('a second attempt sends what has arrived, in order, and no end before there is one', () => {
  const upload = new Upload(new KeptBodyMemory(1000), 100, false);
  upload.add(Buffer.from('one'), false);
  upload.add(Buffer.from('two'), false);
  const first = recorder();
  upload.sendAgain(first.stream);
  expect(first.sent).toEqual(['one', 'two']);
  upload.add(Buffer.from('three'), true);
  const second = recorder();
  upload.sendAgain(second.stream);
  expect(second.sent).toEqual(['one', 'two', 'three$']);
});

test('a body that ends with an empty piece still has its end sent again', () => {
  const upload = new Upload(new KeptBodyMemory(1000), 100, false);
  upload.add(Buffer.from('one'), false);
  upload.add(Buffer.alloc(0), true);
  const { stream, sent } = recorder();
  upload.sendAgain(stream);
  expect(sent).toEqual(['one$']);
});

test('a request without a body is empty from the start, or from its end', () => {
  expect(new Upload(new KeptBodyMemory(0), 0, true).empty).toBe(true);
  const upload = new Upload(new KeptBodyMemory(0), 0, false);
  expect(upload.empty).toBe(false);
  upload.add(Buffer.alloc(0), true);
  expect(upload.empty).toBe(true);
});

test('a body over its bound is not kept, and its memory is given back', () => {
  const memory = new KeptBodyMemory(100);
  const upload = new Upload(memory, 10, false);
  upload.add(Buffer.alloc(10), false);
  expect(upload.kept).toBe(true);
  upload.add(Buffer.alloc(1), false);
  expect(upload.kept).toBe(false);
  expect(memory.take(100)).toBe(true);
});

test('all bodies together stay within the shared memory', () => {
  const memory = new KeptBodyMemory(15);
  const [first, second] = [new Upload(memory, 10, false), new Upload(memory, 10, false)];
  first.add(Buffer.alloc(10), true);
  second.add(Buffer.alloc(10), true);
  expect([first.kept, second.kept]).toEqual([true, false]);
  first.drop();
  const third = new Upload(memory, 10, false);
  third.add(Buffer.alloc(10), true);
  expect(third.kept).toBe(true);
});

test('dropping twice gives the memory back once', () => {
  const memory = new KeptBodyMemory(10);
  const upload = new Upload(memory, 10, false);
  upload.add(Buffer.alloc(10), true);
  upload.drop();
  upload.drop();
  expect(memory.take(11)).toBe(false);
});

test('the client is credited once for each byte, however often it is sent', () => {
  const upload = new Upload(new KeptBodyMemory(1000), 1000, false);
  expect(upload.credit(100)).toBe(100);
  upload.sendAgain(recorder().stream);
  expect(upload.credit(60)).toBe(0);
  expect(upload.credit(60)).toBe(20);
  expect(upload.credit(5)).toBe(5);
});
