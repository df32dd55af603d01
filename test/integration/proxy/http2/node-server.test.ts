// Our client, held against node:http2's server.
import { once } from 'node:events';
import {
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ErrorCode } from '../../../../proxy/http2/errors.ts';
import { connectEngine, type EngineClient, GET, POST } from './support/engine.ts';
import { Recorder, until } from './support/recorder.ts';

let server: Http2Server;
let client: EngineClient;
let serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

beforeEach(async () => {
  server = createServer({ settings: { maxConcurrentStreams: 600 } });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    serve(stream, headers);
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = await connectEngine((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await client.close();
  const closed = once(server, 'close');
  server.close();
  await closed;
});

function pattern(bytes: number): Buffer {
  return Buffer.alloc(bytes, 'The quick brown fox jumps over the lazy dog. ');
}

function echo(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.pipe(stream);
}

function ask(headers = GET, endStream = true) {
  const message = new Recorder();
  const stream = client.connection.request(headers, endStream, message);
  return { message, stream };
}

test('headers arrive as they were sent, and so does the answer', async () => {
  let seen: unknown;
  serve = (stream, headers) => {
    seen = { ...headers };
    stream.respond({ ':status': 404, 'x-empty': '', 'set-cookie': ['a=1', 'b=2'] });
    stream.end();
  };
  const { message } = ask([...GET, 'x-one', '1']);
  await until(() => message.ended);
  expect(seen).toMatchObject({ ':path': '/', 'x-one': '1' });
  expect(message.sections[0]?.slice(0, 8)).toEqual([
    ...[':status', '404', 'x-empty', '', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
  ]);
});

test.each([0, 1, 16_384, 16_385, 10 * 1024 * 1024])(
  'a body of %i bytes goes up and comes back',
  async (bytes) => {
    serve = echo;
    const body = pattern(bytes);
    const { message, stream } = ask(POST, false);
    stream.sendData(body, true);
    await until(() => message.ended, 15_000);
    expect(message.body.equals(body)).toBe(true);
    expect(message.sentBytes).toBe(bytes);
  },
);

test('trailers go both ways', async () => {
  let seen: unknown;
  serve = (stream) => {
    stream.on('trailers', (trailers) => {
      seen = trailers['x-up'];
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-down': '2' }));
      stream.end('body');
    });
    stream.resume();
  };
  const { message, stream } = ask(POST, false);
  stream.sendData(pattern(200_000), false);
  stream.sendHeaders(['x-up', '1'], true);
  await until(() => message.ended);
  expect(seen).toBe('1');
  expect(message.sections[1]).toEqual(['x-down', '2']);
});

test('1xx responses come before the final one', async () => {
  serve = (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</x>' });
    stream.respond({ ':status': 200 }, { endStream: true });
  };
  const { message } = ask();
  await until(() => message.ended);
  expect(message.sections.map((section) => section[1])).toEqual(['103', '200']);
});

test('each error code that the server resets with arrives', async () => {
  for (const code of [1, 2, 7, 8, 11]) {
    serve = (stream) => stream.close(code);
    const { message } = ask(POST, false);
    await until(() => message.resets.length === 1);
    expect(message.resets[0]).toMatchObject({ code, unprocessed: code === 7 });
  }
  expect(client.connection.openStreams).toBe(0);
});

test('each error code that the client resets with arrives', async () => {
  const codes: (number | undefined)[] = [];
  serve = (stream) => stream.on('close', () => codes.push(stream.rstCode));
  for (const code of [1, 2, 7, 8, 11]) {
    const { stream, message } = ask(POST, false);
    stream.reset(code);
    await until(() => codes.at(-1) === code);
    expect(message.resets).toEqual([]);
  }
});

test('the answer to HEAD may declare a length', async () => {
  serve = (stream) => {
    stream.respond({ ':status': 200, 'content-length': 1234 });
    stream.end();
  };
  const { message } = ask(GET.with(1, 'HEAD'));
  await until(() => message.ended || message.resets.length > 0);
  expect(message).toMatchObject({ resets: [], receivedBytes: 0 });
});

test.each([1, 10, 1000])('a server with a window of %i bytes gets the body', async (window) => {
  serve = (stream) => {
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'x-bytes': bytes });
      stream.end();
    });
  };
  const small = createServer({ settings: { initialWindowSize: window } });
  small.on('stream', (stream: ServerHttp2Stream) => serve(stream, {}));
  small.listen(0, '127.0.0.1');
  await once(small, 'listening');
  const own = await connectEngine((small.address() as AddressInfo).port);
  await until(() => own.capacityCalls > 0);
  const message = new Recorder();
  own.connection.request(POST, false, message).sendData(pattern(window * 50), true);
  await until(() => message.ended);
  expect(message.sections[0]?.slice(2, 4)).toEqual(['x-bytes', String(window * 50)]);
  await own.close();
  small.close();
});

test('five hundred streams at once each get their own answer', async () => {
  serve = (stream, headers) => {
    stream.respond({ ':status': 200 });
    stream.end(String(headers[':path']).repeat(1000));
  };
  await until(() => client.connection.capacity === 600);
  const asked = Array.from({ length: 500 }, (_, number) => ask(GET.with(7, `/${number}`)));
  expect(client.connection.capacity).toBe(100);
  await until(() => asked.every(({ message }) => message.ended), 15_000);
  for (const [number, { message }] of asked.entries()) {
    expect(message.body.toString()).toBe(`/${number}`.repeat(1000));
  }
  expect(client.connection.capacity).toBe(600);
});

test('a server that closes in order ends the connection when its streams have ended', async () => {
  const streams: ServerHttp2Stream[] = [];
  serve = (stream) => streams.push(stream);
  const { message } = ask();
  await until(() => streams.length === 1);
  const [stream] = streams;
  stream?.session?.close();
  await until(() => !client.connection.accepting);
  expect(client.closed).toEqual([]);
  stream?.respond({ ':status': 200 });
  stream?.end('late');
  await until(() => client.closed.length === 1);
  expect(message).toMatchObject({ ended: true, resets: [] });
  expect(client.closed[0]?.peerFault).toBe(false);
});

test('a GOAWAY says which streams were not processed', async () => {
  const streams: ServerHttp2Stream[] = [];
  serve = (stream) => streams.push(stream);
  const asked = [ask(), ask(), ask()];
  await until(() => streams.length === 3);
  streams[0]?.session?.goaway(ErrorCode.NO_ERROR, 3);
  const last = asked[2]?.message;
  await until(() => last?.resets.length === 1);
  expect(last?.resets[0]).toMatchObject({ unprocessed: true, detail: 'GOAWAY NO_ERROR' });
  for (const stream of streams.slice(0, 2)) {
    stream.respond({ ':status': 200 });
    stream.end();
  }
  await until(() => asked.slice(0, 2).every(({ message }) => message.ended));
  expect(() => ask()).toThrow('request on a connection that is over');
});

test('a server that vanishes in the middle of a body resets what is open', async () => {
  let session: Http2Session | undefined;
  serve = (stream) => {
    session = stream.session;
    stream.respond({ ':status': 200 });
    stream.write('half');
  };
  const { message } = ask();
  await until(() => message.receivedBytes === 4);
  session?.destroy();
  await until(() => message.resets.length === 1);
  expect(message.resets[0]?.unprocessed).toBe(false);
  expect(message.ended).toBe(false);
  expect(client.closed).toHaveLength(1);
});

test('a PING is answered with its round trip', async () => {
  let roundTripMs = -1;
  client.connection.ping((ms) => {
    roundTripMs = ms;
  });
  await until(() => roundTripMs >= 0);
  expect(roundTripMs).toBeLessThan(5000);
});
