import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { defaultFloodLimits } from '../../../proxy/http2/flood-guard.ts';
import { FrameReader } from '../../../proxy/http2/frame-reader.ts';
import { FrameRules } from '../../../proxy/http2/frame-rules.ts';
import { FrameWriter } from '../../../proxy/http2/frame-writer.ts';
import { Session } from '../../../proxy/http2/session.ts';
import { type Http2Stream, silentListener } from '../../../proxy/http2/stream.ts';
import { WriteBuffers } from '../../../proxy/http2/write-buffers.ts';
import {
  block,
  END_HEADERS,
  Frame,
  frame,
  headers,
  settings,
  uint32,
} from '../../../tools/http2-frames.ts';

/** A session without a socket behind it. */
function begin(server: boolean) {
  const requests: Http2Stream[] = [];
  const writer = new FrameWriter(new PassThrough(), new WriteBuffers(), false, () => {});
  const session = new Session(writer, {
    server,
    maxConcurrentStreams: 100,
    receiveWindowBytes: 65_535,
    connectionWindowBytes: 65_535,
    maxHeaderListBytes: 10_000,
    floodLimits: defaultFloodLimits,
    nowMs: () => 0,
    events: {
      onRequest: (stream) => requests.push(stream),
      onOversizedRequest: () => {},
      onCapacity: () => {},
      onFault: (error) => {
        throw error;
      },
    },
  });
  const reader = new FrameReader(new FrameRules(session.messages, session.control, 20_000));
  const read = (...parts: Buffer[]): void => {
    reader.push(Buffer.concat(parts));
    session.messages.deliver();
  };
  return { session, requests, read };
}

function serve() {
  const served = begin(true);
  served.read(settings());
  return served;
}

const MAX_CONCURRENT_STREAMS = 3;

/** A client's session, whose server allows ten streams. */
function ask() {
  const { session, read } = begin(false);
  read(settings([MAX_CONCURRENT_STREAMS, 10]));
  const request = (): Http2Stream => {
    expect(session.capacity).toBeGreaterThan(0);
    const line = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/'];
    return session.request(line, true, silentListener);
  };
  const answer = ({ id }: Http2Stream): void =>
    read(frame(Frame.HEADERS, END_HEADERS, id, block([':status', '200'])));
  return { session, read, request, answer };
}

test('a stream that is over does not wait for a window any more, however it ended', () => {
  const { session, requests, read } = serve();
  read(headers(1), headers(3), headers(5), headers(7));
  for (const stream of requests) stream.sendData(Buffer.alloc(65_535), true);
  expect(session.waitingStreams).toBe(3);
  read(frame(Frame.RST_STREAM, 0, 3, uint32(8)));
  expect(session.waitingStreams).toBe(2);
  requests[2]?.reset(8);
  expect(session.waitingStreams).toBe(1);
  session.abortAll('lost');
  expect(session.waitingStreams).toBe(0);
  expect(session.streams.size).toBe(0);
});

test('requests that are reset unanswered leave room for no more than the server can queue', () => {
  const { session, request, answer } = ask();
  const open = request();
  for (let count = 0; count < 10; count++) request().reset(8);
  expect(session.capacity, 'as many as it allows streams cost nothing').toBe(9);
  for (let left = 9; left > 0; left--) request().reset(8);
  expect(session.capacity).toBe(0);
  answer(open);
  expect(session.capacity, 'it was begun before them').toBe(0);
});

test('a reset after the answer, or by the server, costs no room', () => {
  const { session, read, request, answer } = ask();
  for (let count = 0; count < 50; count++) {
    const answered = request();
    answer(answered);
    answered.reset(8);
    read(frame(Frame.RST_STREAM, 0, request().id, uint32(2)));
  }
  expect(session.capacity).toBe(10);
});

test('answers to newer requests give the room back', () => {
  const { session, request, answer } = ask();
  for (let count = 0; count < 15; count++) request().reset(8);
  expect(session.capacity).toBe(5);
  answer(request());
  answer(request());
  expect(session.capacity, 'two are open').toBe(8);
});
