// Our server, held against node:http2's client.
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Pki } from '../../../../tools/pki.ts';
import { type EngineServer, openEngine, type Received, temporaryPki } from './support/engine.ts';
import { until } from './support/recorder.ts';

/** node's own limit in megabytes counts what it has still to send. */
const maxSessionMemory = 64;
const SIZES = [0, 1, 16_384, 16_385, 10 * 1024 * 1024];

let pki: Pki;
let removePki: () => Promise<void>;
let server: EngineServer;
let session: ClientHttp2Session;
let answer: (received: Received) => void;

beforeAll(async () => {
  ({ pki, remove: removePki } = await temporaryPki());
});
afterAll(() => removePki());
beforeEach(async () => {
  answer = () => {};
  server = await openEngine({
    settings: { maxConcurrentStreams: 1000, maxHeaderListBytes: 2500 },
    onRequest: (received) => answer(received),
  });
  session = connect(`http://127.0.0.1:${server.port}`, { maxSessionMemory });
});
afterEach(async () => {
  session.destroy();
  await server.close();
});

function pattern(bytes: number): Buffer {
  return Buffer.alloc(bytes, 'The quick brown fox jumps over the lazy dog. ');
}

async function headersOf(request: ClientHttp2Stream) {
  const [headers] = (await once(request, 'response')) as [OutgoingHttpHeaders];
  return headers;
}

async function bodyOf(request: ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Sends what arrives back, with the end where it came. */
function echo({ stream, message, endStream }: Received): void {
  stream.sendHeaders([':status', '200'], endStream);
  const { onData } = message;
  message.consume = false;
  message.onData = (from, chunk, end) => {
    onData.call(message, from, chunk, end);
    stream.sendData(chunk, end);
  };
  message.onSent = (_stream, bytes) => stream.consumed(bytes);
  message.onHeaders = (_stream, trailers) => stream.sendHeaders(trailers, true);
}

test('headers arrive as they were sent, and so does the answer', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders([':status', '418', 'x-empty', '', 'x-tea', 'J\xfcrgen'], true);
  };
  const request = session.request({ ':path': '/a?b=c', 'x-one': '1', 'user-agent': 'kubectl' });
  const headers = await headersOf(request);
  expect(headers).toMatchObject({ ':status': 418, 'x-empty': '', 'x-tea': 'J\xfcrgen' });
  const { headers: received, endStream } = server.received[0] ?? {};
  expect(endStream).toBe(true);
  expect(received).toEqual([
    ...[':path', '/a?b=c', ':method', 'GET', ':authority', `127.0.0.1:${server.port}`],
    ...[':scheme', 'http', 'x-one', '1', 'user-agent', 'kubectl'],
  ]);
  request.close();
});

test.each(SIZES)('a body of %i bytes goes up and comes back', async (bytes) => {
  answer = echo;
  const request = session.request({ ':method': 'POST' });
  const body = pattern(bytes);
  request.end(body);
  expect((await bodyOf(request)).equals(body)).toBe(true);
});

test('a body larger than 10 MiB goes up and comes back over TLS', async () => {
  const secure = await openEngine({ pki, onRequest: echo });
  const client = connect(`https://localhost:${secure.port}`, {
    ca: pki.clusterCa.cert,
    maxSessionMemory,
  });
  const request = client.request({ ':method': 'POST' });
  const body = pattern(12 * 1024 * 1024);
  request.end(body);
  expect((await bodyOf(request)).equals(body)).toBe(true);
  client.destroy();
  await secure.close();
});

test('trailers go both ways', async () => {
  answer = echo;
  const request = session.request({ ':method': 'POST' }, { waitForTrailers: true });
  request.on('wantTrailers', () => request.sendTrailers({ 'x-checksum': 'abc' }));
  request.end('body');
  const trailers = once(request, 'trailers');
  expect((await bodyOf(request)).toString()).toBe('body');
  expect((await trailers)[0]).toMatchObject({ 'x-checksum': 'abc' });
});

test('trailers come behind data that had to wait', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders([':status', '200'], false);
    stream.sendData(pattern(300_000), false);
    stream.sendHeaders(['x-end', 'yes'], true);
  };
  const request = session.request({});
  const trailers = once(request, 'trailers');
  expect(await bodyOf(request)).toHaveLength(300_000);
  expect((await trailers)[0]).toMatchObject({ 'x-end': 'yes' });
});

test('an end without data comes behind data that had to wait', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders([':status', '200'], false);
    stream.sendData(pattern(300_000), false);
    stream.sendData(Buffer.alloc(0), false);
    stream.sendData(Buffer.alloc(0), true);
  };
  expect(await bodyOf(session.request({}))).toHaveLength(300_000);
});

test('1xx responses come before the final one', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders([':status', '103', 'link', '</style>'], false);
    stream.sendHeaders([':status', '100'], false);
    stream.sendHeaders([':status', '200'], true);
  };
  const request = session.request({});
  const informational: unknown[] = [];
  request.on('headers', (headers: OutgoingHttpHeaders) => informational.push(headers[':status']));
  request.on('continue', () => informational.push('continue'));
  expect((await headersOf(request))[':status']).toBe(200);
  expect(informational).toEqual([103, 'continue', 100]);
  request.close();
});

test('each error code that the client resets with arrives', async () => {
  for (const code of [0, 1, 2, 7, 8, 11]) {
    const request = session.request({ ':method': 'POST' });
    request.on('error', () => {});
    await until(() => server.received.length > 0);
    request.close(code);
    const { message } = server.received.pop() as Received;
    await until(() => message.resets.length === 1);
    expect(message.resets[0]).toMatchObject({ code, unprocessed: code === 7 });
  }
  expect(server.connections[0]?.openStreams).toBe(0);
});

test('each error code that the server resets with arrives, also in the middle of a body', async () => {
  for (const code of [1, 2, 7, 8, 11]) {
    answer = ({ stream }) => {
      stream.sendHeaders([':status', '200'], false);
      stream.sendData(pattern(10), false);
      stream.reset(code);
    };
    const request = session.request({ ':method': 'POST' });
    request.on('error', () => {});
    request.resume();
    await until(() => request.closed && request.destroyed);
    expect(request.rstCode).toBe(code);
  }
});

test('a response that is complete before the request ends stops the upload with NO_ERROR', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders([':status', '413'], false);
    stream.sendData(Buffer.from('too large'), true);
    stream.stopReading();
  };
  const request = session.request({ ':method': 'POST' });
  request.write('x');
  const closed = once(request, 'close');
  expect((await headersOf(request))[':status']).toBe(413);
  expect(await text(request)).toBe('too large');
  await closed;
  expect(request.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
});

test('a response that had to wait is sent whole before the upload is stopped', async () => {
  answer = ({ stream }) => {
    stream.sendHeaders([':status', '413'], false);
    stream.sendData(pattern(300_000), true);
    stream.stopReading();
  };
  const request = session.request({ ':method': 'POST' });
  request.write('x');
  expect(await bodyOf(request)).toHaveLength(300_000);
  await until(() => request.destroyed);
  expect(request.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
});

test('a HEAD request is answered with a length and no body', async () => {
  answer = ({ stream }) => stream.sendHeaders([':status', '200', 'content-length', '5'], true);
  const request = session.request({ ':method': 'HEAD' });
  expect((await headersOf(request))['content-length']).toBe('5');
  request.resume();
  await once(request, 'close');
  expect(request.rstCode).toBe(0);
});

test.each([1, 2, 10, 1000])('a client with a window of %i bytes gets the body', async (window) => {
  answer = echo;
  session.destroy();
  session = connect(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: window } });
  const request = session.request({ ':method': 'POST' });
  const body = pattern(Math.min(300, window * 100));
  request.end(body);
  expect((await bodyOf(request)).equals(body)).toBe(true);
});

test('settings that change in flight are kept to', async () => {
  answer = echo;
  const request = session.request({ ':method': 'POST' });
  const body = pattern(2_000_000);
  request.end(body);
  const result = bodyOf(request);
  for (const size of [1, 100_000, 10, 65_535, 0, 20_000]) {
    await new Promise<void>((resolve) =>
      session.settings({ initialWindowSize: size, headerTableSize: size }, () => resolve()),
    );
  }
  expect((await result).equals(body)).toBe(true);
  const again = session.request({ ':path': '/after', 'x-repeat': 'yes' });
  expect((await headersOf(again))[':status']).toBe(200);
});

test('five hundred streams at once each get their own answer', async () => {
  answer = ({ stream, headers }) => {
    stream.sendHeaders([':status', '200'], false);
    stream.sendData(Buffer.from(`${headers[1]} `.repeat(2000)), true);
  };
  const numbers = Array.from({ length: 500 }, (_, number) => number);
  const bodies = await Promise.all(
    numbers.map(async (n) => (await bodyOf(session.request({ ':path': `/${n}` }))).toString()),
  );
  expect(bodies).toEqual(numbers.map((n) => `/${n} `.repeat(2000)));
  expect(server.connections[0]?.openStreams).toBe(0);
});

test('a client that closes its session in order ends the connection without a fault', async () => {
  answer = echo;
  const request = session.request({});
  request.resume();
  await once(request, 'close');
  session.close();
  await until(() => server.closed.length === 1);
  expect(server.closed[0]?.peerFault).toBe(false);
});

test('the limit of streams is announced, and a client that keeps to it is served', async () => {
  const small = await openEngine({ settings: { maxConcurrentStreams: 2 }, onRequest: echo });
  const client = connect(`http://127.0.0.1:${small.port}`);
  await once(client, 'remoteSettings');
  expect(client.remoteSettings.maxConcurrentStreams).toBe(2);
  expect(client.remoteSettings).toMatchObject({ initialWindowSize: 262_144 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => bodyOf(client.request({ ':method': 'POST' }).end('abc'))),
  );
  expect(answers.every((body) => body.toString() === 'abc')).toBe(true);
  client.destroy();
  await small.close();
});

test('a client whose header list is over the limit is answered, and may go on', async () => {
  answer = ({ stream }) => stream.sendHeaders([':status', '200'], true);
  const large = session.request({ 'x-large': 'y'.repeat(3000) });
  await until(() => server.oversized.length === 1);
  server.oversized[0]?.sendHeaders([':status', '431'], true);
  expect((await headersOf(large))[':status']).toBe(431);
  large.close();
  const next = session.request({});
  expect((await headersOf(next))[':status']).toBe(200);
  next.close();
});
