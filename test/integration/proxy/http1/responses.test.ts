import { expect, test } from 'vitest';
import { until } from './support/arrivals.ts';
import { useFrontDoor } from './support/fixture.ts';
import type { FrontDoorOptions } from './support/front-door.ts';

const { open, dial } = useFrontDoor();

const POST = 'POST / HTTP/1.1\r\nHost: door\r\n';

test('an answer before the end of the body reaches a client that sends all of it first', async () => {
  const { to, client } = await open();
  const total = 5 * 1024 * 1024;
  client.write(`${POST}Content-Length: ${total}\r\n\r\n`);
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '413', 'content-length', '9'], false);
  request.stream.sendData(Buffer.from('too large'), true);
  client.write(Buffer.alloc(total));
  await client.expectText(/connection: close\r\n.*\r\n\r\ntoo large$/s);
  await client.closed();
  expect(client.error).toBeUndefined();
  expect(client.socket.bytesWritten).toBeGreaterThan(total);
  expect(request.reset).toMatchObject({ code: 0 });
});

test('a client that never stops sending is cut off', async () => {
  const { to, client } = await open({
    linger: { flushMs: 1000, lingerMs: 300, maxBytes: 100_000 },
  });
  client.write(`${POST}Content-Length: 1000000000\r\n\r\n`);
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '413'], true);
  const pump = (): void => {
    if (client.socket.writable) client.socket.write(Buffer.alloc(65_536), pump);
  };
  pump();
  await until('the connection is gone', () => to.front.connections === 0);
});

test('a client that waits for 100 gets the upstream’s', async () => {
  const { to, client } = await open({ continueAfterMs: 60_000 });
  client.write(`${POST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
  const request = await to.requests.next();
  expect(request.headers).toContain('expect');
  request.stream.sendHeaders([':status', '100'], false);
  request.stream.sendHeaders([':status', '100'], false);
  await client.expectText(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  client.write('body');
  await until('the body arrives', () => request.ended);
  request.stream.sendHeaders([':status', '201'], true);
  await client.expectText(/100 Continue\r\n\r\nHTTP\/1\.1 201 Created\r\n.*\r\n\r\n$/s);
  expect(client.received).not.toMatch(/connection: close/i);
});

test('a client that waits for 100 gets one when the upstream says nothing', async () => {
  const { client } = await open({ continueAfterMs: 20 });
  client.write(`${POST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
  await client.expectText(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
});

test('a refusal instead of 100 ends the connection', async () => {
  const { to, client } = await open();
  client.write(`${POST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '401', 'content-length', '0'], true);
  await client.closed();
  expect(client.received).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n.*connection: close\r\n/is);
});

test('early hints go on, and 101 does not', async () => {
  const { to, client } = await open();
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  const { stream } = await to.requests.next();
  stream.sendHeaders([':status', '101', 'upgrade', 'x'], false);
  stream.sendHeaders([':status', '103', 'link', '</a>', 'link', '</b>'], false);
  stream.sendHeaders([':status', '200'], true);
  const answer = await client.expectText(/200 OK/);
  expect(answer).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\nlink: <\/b>\r\n\r\nHTTP/);
});

test('a reset cuts the body visibly', async () => {
  const { to, client } = await open();
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '200'], false);
  request.stream.sendData(Buffer.from('half'), false);
  await client.expectText(/half/);
  request.stream.reset(2);
  await client.closed();
  expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
  await until('the connection is forgotten', () => to.front.connections === 0);
  expect(request.reset).toBeUndefined();
});

test.each([
  ['longer', 'abcdef'],
  ['shorter', 'abc'],
])('a body %s than announced ends the connection', async (_name, body) => {
  const { to, client } = await open();
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '200', 'content-length', '5'], false);
  request.stream.sendData(Buffer.from(body), true);
  await client.closed();
  expect(client.received).not.toContain('abcdef');
  await until('the reset is told', () => request.reset?.code === 2);
});

test('a field that HTTP/1.1 cannot carry ends the connection', async () => {
  const { to, client } = await open();
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '200', 'x', 'a\r\nevil: 1'], true);
  await client.closed();
  expect(client.received).toBe('');
  await until('the reset is told', () => request.reset?.code === 2);
});

test('bytes above ASCII in a field stay one byte each', async () => {
  const { to, client } = await open();
  client.write(Buffer.from('GET / HTTP/1.1\r\nHost: door\r\nX: caf\xe9\r\n\r\n', 'latin1'));
  const request = await to.requests.next();
  expect(request.headers.at(-1)).toBe('caf\xe9');
  request.stream.sendHeaders([':status', '200', 'x', 'caf\xe9'], false);
  await client.expectText(/x: caf\xe9\r\n/);
});

test('draining closes idle connections and lets the last response say so', async () => {
  const { to, client } = await open();
  const idle = await dial(to);
  await until('both are served', () => to.front.connections === 2);
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  const request = await to.requests.next();
  to.front.drain();
  await idle.closed();
  expect(idle.error).toBeUndefined();
  expect(client.ended).toBe(false);
  request.stream.sendHeaders([':status', '200', 'content-length', '2'], false);
  request.stream.sendData(Buffer.from('ok'), true);
  await client.closed();
  expect(client.received).toMatch(/connection: close\r\n.*\r\n\r\nok$/s);
  await until('all connections are gone', () => to.front.connections === 0);
});

test('an idle connection is closed after the keep-alive timeout', async () => {
  const { to, client } = await open({ keepAliveTimeoutMs: 50 });
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n');
  (await to.requests.next()).stream.sendHeaders([':status', '200'], true);
  await client.expectText(/200 OK/);
  await client.closed();
});

test('a request that is answered at once keeps its connection', async () => {
  const answer: FrontDoorOptions['answer'] = ({ stream }) =>
    stream.sendHeaders([':status', '200'], true);
  const { client } = await open({}, { answer });
  client.write('GET /1 HTTP/1.1\r\nHost: door\r\n\r\nGET /2 HTTP/1.1\r\nHost: door\r\n\r\n');
  await client.expectText(/200 OK.*200 OK.*\r\n\r\n$/s);
  expect(client.received).not.toMatch(/connection: close/i);
  expect(client.ended).toBe(false);
});
