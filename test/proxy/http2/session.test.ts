import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { defaultFloodLimits } from '../../../proxy/http2/flood-guard.ts';
import { FrameReader } from '../../../proxy/http2/frame-reader.ts';
import { FrameRules } from '../../../proxy/http2/frame-rules.ts';
import { FrameWriter } from '../../../proxy/http2/frame-writer.ts';
import { Session } from '../../../proxy/http2/session.ts';
import type { Http2Stream } from '../../../proxy/http2/stream.ts';
import { WriteBuffers } from '../../../proxy/http2/write-buffers.ts';
import { Frame, frame, headers, settings, uint32 } from '../../../tools/http2-frames.ts';

/** A server's session without a socket behind it. */
function serve() {
  const requests: Http2Stream[] = [];
  const writer = new FrameWriter(new PassThrough(), new WriteBuffers(), false, () => {});
  const session = new Session(writer, {
    server: true,
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
  reader.push(settings());
  const read = (...parts: Buffer[]): void => {
    reader.push(Buffer.concat(parts));
    session.messages.deliver();
  };
  return { session, requests, read };
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
