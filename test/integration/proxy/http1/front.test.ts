import { expect, test } from 'vitest';
import { headerValue } from '../../../../proxy/http2/header-list.ts';
import { until } from './support/arrivals.ts';
import { useFrontDoor } from './support/fixture.ts';

const { open } = useFrontDoor();

const GET = 'GET / HTTP/1.1\r\nHost: door\r\n\r\n';
test('a request keeps the order and the duplicates of its fields', async () => {
  const { to, client } = await open();
  client.write('GET /api?x=%2F HTTP/1.1\r\nHost: door:1\r\nB: 1\r\nA: 2\r\nB: 3\r\n\r\n');
  const { headers, endStream, stream } = await to.requests.next();
  expect(endStream).toBe(true);
  expect(headers).toEqual([
    ...[':method', 'GET', ':scheme', 'https', ':authority', 'door:1', ':path', '/api?x=%2F'],
    ...['b', '1', 'a', '2', 'b', '3'],
  ]);
  stream.sendHeaders([':status', '200', 'b', '1', 'a', 'two', 'b', '3'], true);
  const answer = await client.expectText(/\r\n\r\n$/);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nb: 1\r\na: two\r\nb: 3\r\ncontent-length: 0\r\n/);
});

test('one connection serves requests one after the other', async () => {
  const { to, client } = await open();
  for (const body of ['first', 'second', 'third']) {
    client.write(GET);
    const { stream } = await to.requests.next();
    stream.sendHeaders([':status', '200', 'content-length', String(body.length)], false);
    stream.sendData(Buffer.from(body), true);
    await client.expectText(new RegExp(`${body}$`));
  }
  expect(client.received.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  expect(client.ended).toBe(false);
  expect(to.front.connections).toBe(1);
});

test('a pipelined request starts when the one before it is answered', async () => {
  const { to, client } = await open();
  client.write(GET.replace('/ ', '/1 ') + GET.replace('/ ', '/2 ') + GET.replace('/ ', '/3 '));
  const first = await to.requests.next();
  expect(headerValue(first.headers, ':path')).toBe('/1');
  expect(to.requests.left).toBe(0);
  first.stream.sendHeaders([':status', '200'], false);
  first.stream.sendData(Buffer.from('one'), true);
  const second = await to.requests.next();
  expect(headerValue(second.headers, ':path')).toBe('/2');
  second.stream.sendHeaders([':status', '404'], true);
  const third = await to.requests.next();
  third.stream.sendHeaders([':status', '201'], true);
  const answer = await client.expectText(/201 Created.*\r\n\r\n$/s);
  expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual([
    'HTTP/1.1 200',
    'HTTP/1.1 404',
    'HTTP/1.1 201',
  ]);
});

test('more pipelined requests than the limit end the connection', async () => {
  const { to, client } = await open({ maxPipelined: 3 });
  client.write(GET.repeat(5));
  const { stream } = await to.requests.next();
  await client.closed();
  expect(client.received).toBe('');
  stream.sendHeaders([':status', '200'], true);
  await until('the connection is forgotten', () => to.front.connections === 0);
});

test('a head that arrives byte by byte is read', async () => {
  const { to, client } = await open();
  client.socket.setNoDelay(true);
  for (const byte of 'GET /slow HTTP/1.1\r\nHost: door\r\nX-A: 1\r\n\r\n') {
    await new Promise((resolve) => client.socket.write(byte, resolve));
  }
  const { headers } = await to.requests.next();
  expect(headerValue(headers, 'x-a')).toBe('1');
});

test('a chunked body and its trailers arrive', async () => {
  const { to, client } = await open();
  client.write('POST / HTTP/1.1\r\nHost: door\r\nTransfer-Encoding: chunked\r\n\r\n');
  client.write('3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-Sum: 7\r\nX-Sum: 8\r\n\r\n');
  const request = await to.requests.next();
  expect(request.endStream).toBe(false);
  expect(headerValue(request.headers, 'transfer-encoding')).toBeUndefined();
  await until('the body ends', () => request.ended);
  expect(request.body.toString()).toBe('abcdefg');
  expect(request.trailers).toEqual(['x-sum', '7', 'x-sum', '8']);
  request.stream.sendHeaders([':status', '200', 'trailer', 'grpc-status'], false);
  request.stream.sendData(Buffer.from('hi'), false);
  request.stream.sendHeaders(['grpc-status', '0', 'content-length', '9'], true);
  const answer = await client.expectText(/0\r\n.*\r\n\r\n$/s);
  expect(answer).toMatch(/\r\n\r\n2\r\nhi\r\n0\r\ngrpc-status: 0\r\n\r\n$/);
});

test('a client that sends 50 MiB to a stalled receiver is held at one window', async () => {
  const { to, client } = await open({}, { consume: false });
  const total = 50 * 1024 * 1024;
  client.write(`POST / HTTP/1.1\r\nHost: door\r\nContent-Length: ${total}\r\n\r\n`);
  const request = await to.requests.next();
  const before = process.memoryUsage();
  const chunk = Buffer.alloc(256 * 1024, 'x');
  let accepted = 0;
  const pump = async (): Promise<void> => {
    for (let sent = 0; sent < total; sent += chunk.length) {
      if (!client.socket.write(chunk)) {
        await new Promise((resolve) => client.socket.once('drain', resolve));
      }
      accepted += chunk.length;
    }
  };
  const pumped = pump();
  // The client is held back once what it could hand over stops growing.
  let last = -1;
  await until('the client is held back', () => {
    const same = accepted === last && request.body.length >= 256 * 1024;
    last = accepted;
    return same;
  });
  expect(request.body.length).toBeLessThan(256 * 1024 + 70 * 1024);
  const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
  expect(grown).toBeLessThan(4 * 1024 * 1024);
  expect(accepted).toBeLessThan(total);
  // The receiver comes back, and all of it arrives.
  let received = request.body.length;
  const { stream } = request;
  stream.listener.onData = (_stream, data, endStream) => {
    received += data.length;
    request.ended = endStream;
    stream.consumed(data.length);
  };
  stream.consumed(received);
  await pumped;
  await until('all has arrived', () => request.ended, 15_000);
  expect(received).toBe(total);
});

test('what is sent is reported when it was handed to the socket', async () => {
  const { to, client } = await open();
  client.socket.pause();
  client.write(GET);
  const request = await to.requests.next();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const { stream } = request;
  const total = 512 * chunk.length;
  stream.listener.onSent = (_stream, bytes) => {
    request.sentBytes += bytes;
    if (request.sentBytes < total) stream.sendData(chunk, false);
    else stream.sendData(Buffer.alloc(0), true);
  };
  stream.sendHeaders([':status', '200'], false);
  stream.sendData(chunk, false);
  // 32 MiB do not fit into the kernel's buffers: the rest waits for the client.
  let last = -1;
  await until('the client holds it back', () => {
    const same = request.sentBytes === last && last > 0;
    last = request.sentBytes;
    return same;
  });
  expect(request.sentBytes).toBeLessThan(total);
  client.socket.resume();
  await client.expectText(/\r\n0\r\n\r\n$/);
  expect(request.sentBytes).toBe(total);
});

test.each([
  ['HEAD', [':status', '200', 'content-length', '42'], /content-length: 42\r\n/],
  ['HEAD', [':status', '200'], /^(?!.*(content-length|transfer-encoding))/is],
  ['GET', [':status', '204', 'content-length', '0'], /^(?!.*(content-length|transfer-encoding))/is],
  ['GET', [':status', '304', 'content-length', '42', 'etag', '"a"'], /content-length: 42\r\n/],
])('an answer to %s with %j has no body', async (method, headers, pattern) => {
  const { to, client } = await open();
  client.write(`${method} / HTTP/1.1\r\nHost: door\r\n\r\n`);
  const first = await to.requests.next();
  first.stream.sendHeaders([...headers], false);
  first.stream.sendData(Buffer.from('must not be seen'), true);
  expect(await client.expectText(/\r\n\r\n/)).toMatch(pattern);
  await until('the bytes are accounted for', () => first.sentBytes === 16);
  // The next response begins right after the head: nothing else was written.
  client.write(GET);
  (await to.requests.next()).stream.sendHeaders([':status', '200'], true);
  expect(await client.expectText(/200 OK\r\ncontent-length: 0/)).toMatch(/\r\n\r\nHTTP\/1\.1 200/);
});

test('the head of a watch leaves before its first event', async () => {
  const { to, client } = await open();
  client.write(GET);
  const { stream } = await to.requests.next();
  stream.sendHeaders([':status', '200', 'content-type', 'application/json'], false);
  await client.expectText(/transfer-encoding: chunked\r\n\r\n$/i);
});

test('an HTTP/1.0 client gets its answer without chunks, and then the end', async () => {
  const { to, client } = await open();
  client.write('GET / HTTP/1.0\r\n\r\n');
  const { stream, headers } = await to.requests.next();
  expect(headerValue(headers, ':authority')).toBeUndefined();
  stream.sendHeaders([':status', '200'], false);
  stream.sendData(Buffer.from('plain'), true);
  await client.closed();
  expect(client.received).toMatch(/connection: close\r\n.*\r\n\r\nplain$/is);
  expect(client.received).not.toMatch(/chunked/i);
});

test('the absolute form is reduced to its path, and its host counts', async () => {
  const { to, client } = await open();
  client.write('GET https://real:6443?x=1 HTTP/1.1\r\nHost: other\r\n\r\n');
  const { headers } = await to.requests.next();
  expect(headerValue(headers, ':authority')).toBe('real:6443');
  expect(headerValue(headers, ':path')).toBe('/?x=1');
});

test('a client that goes away is told to the listener', async () => {
  const { to, client } = await open();
  client.write('POST / HTTP/1.1\r\nHost: door\r\nContent-Length: 100\r\n\r\nhalf');
  const request = await to.requests.next();
  await until('the half arrives', () => request.body.length === 4);
  client.socket.destroy();
  await until('the reset is told', () => request.reset !== undefined);
  expect(request.reset).toMatchObject({ code: 8, unprocessed: false });
  expect(request.ended).toBe(false);
  await until('the connection is forgotten', () => to.front.connections === 0);
});

test('a client that goes away during a watch is told to the listener', async () => {
  const { to, client } = await open();
  client.write(GET);
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '200'], false);
  await client.expectText(/200 OK/);
  client.socket.end();
  await until('the reset is told', () => request.reset !== undefined);
  expect(request.reset?.code).toBe(8);
});
