// Slow reads: clients that ask and take nothing of the answer.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import { Frame, frame, headers, settings, uint32 } from '../../../../tools/http2-frames.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { type EngineServer, openEngine } from './support/engine.ts';
import { until } from './support/recorder.ts';

const LIMIT_MS = 60_000;

let nowMs = 1000;
let server: EngineServer;
let raw: RawHttp2;

beforeEach(async () => {
  nowMs = 1000;
  server = await openEngine({ settings: { nowMs: () => nowMs } });
  raw = await RawHttp2.connect(server.port);
  raw.write(settings([4, 0]), headers(1));
  await until(() => server.received.length === 1);
  await raw.settled();
});
afterEach(async () => {
  raw.destroy();
  await server.close();
});

/** A second on the clock, and the look that comes with it. */
function seconds(count: number): void {
  for (let i = 0; i < count; i++) {
    nowMs += 1000;
    server.connections[0]?.endStalled(LIMIT_MS);
  }
}

function answer(bytes: number, end = true): void {
  server.received[0]?.stream.sendHeaders([':status', '200'], false);
  if (bytes > 0) server.received[0]?.stream.sendData(Buffer.alloc(bytes), end);
}

test('a stream whose window stays closed is reset, and its sender is told', async () => {
  answer(1000);
  seconds(60);
  expect(server.connections[0]?.openStreams).toBe(1);
  seconds(2);
  expect(await raw.resetCode(1)).toBe(ErrorCode.CANCEL);
  expect(server.received[0]?.message.resets).toMatchObject([
    { code: ErrorCode.CANCEL, detail: 'nothing was taken for 60 s' },
  ]);
  expect(server.connections[0]?.openStreams).toBe(0);
});

test('a client that takes a little now and then keeps its stream', async () => {
  answer(1000);
  for (let taken = 1; taken <= 4; taken++) {
    seconds(50);
    raw.write(frame(Frame.WINDOW_UPDATE, 0, 1, uint32(1)));
    await until(() => raw.of(Frame.DATA).length === taken);
  }
  expect(server.connections[0]?.openStreams).toBe(1);
});

test('a watch without news has all the time there is', async () => {
  answer(0);
  seconds(1000);
  expect(server.connections[0]?.openStreams).toBe(1);
  // Only from the event on, of which nothing can leave.
  server.received[0]?.stream.sendData(Buffer.alloc(10), false);
  seconds(60);
  expect(server.connections[0]?.openStreams).toBe(1);
  seconds(2);
  expect(server.connections[0]?.openStreams).toBe(0);
});
