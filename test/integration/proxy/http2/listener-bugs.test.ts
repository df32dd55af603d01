// Listeners that throw: a bug of ours ends one connection, and is reported.
import { expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import { END_HEADERS, headers, REQUEST } from '../../../../tools/http2-frames.ts';
import { RawHttp2 } from '../../../support/raw-http2.ts';
import { openEngine, type Received } from './support/engine.ts';
import { type Recorder, until } from './support/recorder.ts';

const BUGS: [string, (received: Received) => void][] = [
  [
    'onRequest',
    () => {
      throw new Error('a bug');
    },
  ],
  ['onData', ({ message }) => breakIt(message, 'onData')],
  ['onReset', ({ message }) => breakIt(message, 'onReset')],
  [
    'onSent',
    ({ stream, message }) => {
      breakIt(message, 'onSent');
      stream.sendHeaders([':status', '200'], false);
      stream.sendData(Buffer.from('x'), false);
    },
  ],
];

function breakIt(message: Recorder, method: 'onData' | 'onReset' | 'onSent'): void {
  message[method] = () => {
    throw new Error('a bug');
  };
}

test.each(BUGS)('a listener that throws in %s ends its connection only', async (_where, bug) => {
  const broken = await openEngine({ onRequest: bug });
  const raw = await RawHttp2.connect(broken.port);
  const other = await RawHttp2.connect(broken.port);
  await other.settled();
  raw.write(headers(1, REQUEST.with(1, 'POST'), END_HEADERS));
  raw.write(Buffer.from('000001000000000001' + '78', 'hex'));
  raw.write(Buffer.from('00000403000000000100000008', 'hex'));
  expect(await raw.goawayCode()).toBe(ErrorCode.INTERNAL_ERROR);
  expect(raw.frames.at(-1)?.payload.length).toBe(8);
  await until(() => broken.closed.length === 1);
  expect(broken.closed[0]?.detail).toMatch(/Error: a bug\n +at /);
  expect(broken.closed[0]?.peerFault).toBe(false);
  await other.settled();
  raw.destroy();
  other.destroy();
  await broken.close();
});

test('a listener that throws while its connection is lost does not keep others from the news', async () => {
  const server = await openEngine({
    onRequest: ({ message }) => {
      if (server.received.length === 1) breakIt(message, 'onReset');
    },
  });
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1), headers(3));
  await until(() => server.received.length === 2);
  raw.destroy();
  await until(() => server.closed.length === 1);
  expect(server.received[1]?.message.resets).toHaveLength(1);
  expect(server.closed[0]?.detail).toContain('a bug');
  await server.close();
});

test('streams that end with a bug of ours are not told its stack: they may show it to clients', async () => {
  const server = await openEngine({
    onRequest: ({ message }) => {
      if (server.received.length === 2) breakIt(message, 'onData');
    },
  });
  const raw = await RawHttp2.connect(server.port);
  const post = REQUEST.with(1, 'POST');
  raw.write(headers(1, post, END_HEADERS), headers(3, post, END_HEADERS));
  raw.write(Buffer.from('000001000000000003' + '78', 'hex'));
  await until(() => server.closed.length === 1);
  expect(server.received[0]?.message.resets[0]?.detail).toBe('internal error');
  raw.destroy();
  await server.close();
});

test('onCapacity that throws ends the connection and is reported', async () => {
  const server = await openEngine({
    onRequest: ({ stream }) => stream.sendHeaders([':status', '200'], true),
    onCapacity: () => {
      if (server.received.length > 0) throw new Error('a bug');
    },
  });
  const raw = await RawHttp2.connect(server.port);
  raw.write(headers(1));
  expect(await raw.goawayCode()).toBe(ErrorCode.INTERNAL_ERROR);
  await until(() => server.closed.length === 1);
  expect(server.closed[0]?.detail).toContain('a bug');
  raw.destroy();
  await server.close();
});
