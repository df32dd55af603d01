import type { Duplex } from 'node:stream';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { FrameWriter } from '../../../proxy/http2/frame-writer.ts';
import { WriteBuffers } from '../../../proxy/http2/write-buffers.ts';
import { Frame, PREFACE, parseFrames } from '../../../tools/http2-frames.ts';

/** A socket that keeps each write, and takes the next only when it is let. */
class SlowSocket extends Writable {
  readonly writes: Buffer[] = [];
  release: () => void = () => {};
  slow = false;

  constructor() {
    super({ highWaterMark: 16_384 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk);
    if (this.slow) this.release = done;
    else done();
  }
}

function make({ held = false } = {}) {
  const socket = new SlowSocket();
  let room = 0;
  const writer = new FrameWriter(socket as unknown as Duplex, new WriteBuffers(), held, () => {
    room += 1;
  });
  return { socket, writer, room: () => room };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('the frames of one turn leave as one write', async () => {
  const { socket, writer } = make();
  const body = Buffer.alloc(5000, 'b');
  writer.ping(Buffer.from('12345678'), 0, true);
  writer.data(1, body, 0, 5000, false);
  writer.data(1, body, 10, 20, true);
  writer.resetStream(3, 8);
  expect(socket.writes).toHaveLength(0);
  await nextTurn();
  expect(socket.writes).toHaveLength(1);
  const { frames, rest } = parseFrames(Buffer.concat(socket.writes));
  expect(rest).toHaveLength(0);
  expect(
    frames.map(({ type, flags, streamId, payload }) => [type, flags, streamId, payload.length]),
  ).toEqual([
    [Frame.PING, 1, 0, 8],
    [Frame.DATA, 0, 1, 5000],
    [Frame.DATA, 1, 1, 10],
    [Frame.RST_STREAM, 0, 3, 4],
  ]);
});

test.each([0, 1, 16_384, 16_385, 40_000])(
  'a header block of %i bytes is cut to frames',
  async (n) => {
    const { socket, writer } = make();
    const block = Buffer.alloc(n, 'abcdefg');
    writer.headers(1, block, true, 16_384);
    await nextTurn();
    const { frames } = parseFrames(Buffer.concat(socket.writes));
    expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(block)).toBe(true);
    expect(frames.map(({ type }) => type)).toEqual([
      Frame.HEADERS,
      ...Array(Math.max(0, Math.ceil(n / 16_384) - 1)).fill(Frame.CONTINUATION),
    ]);
    expect(frames[0]?.flags).toBe(frames.length === 1 ? 5 : 1);
    if (frames.length > 1) expect(frames.at(-1)?.flags).toBe(4);
  },
);

test('nothing leaves a writer that is held, until it is released', async () => {
  const { socket, writer } = make({ held: true });
  writer.preface();
  writer.headers(1, Buffer.from('token'), true, 16_384);
  await nextTurn();
  expect(socket.writes).toHaveLength(0);
  expect(writer).toMatchObject({ flushedStreamId: 0 });
  writer.release();
  expect(Buffer.concat(socket.writes).subarray(0, PREFACE.length)).toEqual(PREFACE);
  expect(writer.flushedStreamId).toBe(1);
});

test('a writer that is held and finished sends nothing', async () => {
  const { socket, writer } = make({ held: true });
  writer.headers(1, Buffer.from('token'), true, 16_384);
  writer.finish();
  writer.release();
  await nextTurn();
  expect(socket.writes).toHaveLength(0);
});

test('a finished writer sends what it has, and nothing after it', async () => {
  const { socket, writer } = make();
  writer.goaway(5, 0, 'why');
  writer.finish();
  writer.data(1, Buffer.alloc(5000), 0, 5000, true);
  writer.settingsAck();
  await nextTurn();
  const { frames } = parseFrames(Buffer.concat(socket.writes));
  expect(frames.map(({ type }) => type)).toEqual([Frame.GOAWAY]);
  expect(writer.backlogBytes).toBe(0);
});

test('data must wait once a turn has gathered its share, and may go on after it', async () => {
  const { socket, writer, room } = make();
  socket.slow = true;
  const body = Buffer.alloc(16_384);
  let frames = 0;
  for (; !writer.blocked; frames++) writer.data(1, body, 0, body.length, false);
  expect(frames).toBe(16);
  await nextTurn();
  // Now the socket is full, and says `drain` itself.
  expect(writer.blocked).toBe(true);
  expect(room()).toBe(0);
  socket.release();
  await nextTurn();
  expect(writer.blocked).toBe(false);
});

test('a small turn tells that there is room, because no drain will', async () => {
  const { writer, room } = make();
  writer.settingsAck();
  await nextTurn();
  expect(room()).toBe(1);
});

test('what the socket has not taken counts as backlog', async () => {
  const { socket, writer } = make();
  socket.slow = true;
  writer.data(1, Buffer.alloc(16_384), 0, 16_384, false);
  await nextTurn();
  expect(writer.backlogBytes).toBe(16_393);
  expect(writer.blocked).toBe(true);
  socket.release();
  expect(writer.backlogBytes).toBe(0);
});

test('the bytes of a write that the socket has not taken are not written over by the next', async () => {
  const { socket, writer } = make();
  socket.slow = true;
  const bodies = ['a', 'b', 'c'].map((letter) => Buffer.alloc(20_000, letter));
  const written: Buffer[] = [];
  for (const body of bodies) {
    writer.data(1, body, 0, 20_000, false);
    await nextTurn();
  }
  // The socket has one write, and holds the others itself.
  for (let i = 0; i < bodies.length; i++) {
    const write = socket.writes[i];
    if (write !== undefined) written.push(Buffer.from(write));
    socket.release();
    await nextTurn();
  }
  const { frames } = parseFrames(Buffer.concat(written));
  expect(frames.map(({ payload }) => payload.toString()[0])).toEqual(['a', 'b', 'c']);
  expect(frames.every(({ payload }, i) => payload.equals(bodies[i] ?? Buffer.alloc(0)))).toBe(true);
});
