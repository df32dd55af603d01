import { expect, test } from 'vitest';
import { until } from './support/arrivals.ts';
import { useFrontDoor } from './support/fixture.ts';
import type { RawClient } from './support/raw-client.ts';

const { open } = useFrontDoor();

/** Checks that the only answer is a Status with this code and that the connection ends. */
async function expectRefusal(from: RawClient, code: number): Promise<void> {
  await from.closed();
  const [head = '', body = ''] = from.received.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${code} `));
  expect(head).toMatch(/^connection: close$/im);
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', status: 'Failure', code });
}

const POST = 'POST / HTTP/1.1\r\nHost: door\r\n';
const smuggling: [string, string, number][] = [
  [
    'length and chunked',
    `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'chunked and length',
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two different lengths', `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`, 400],
  ['two equal lengths', `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde`, 400],
  ['a list of lengths', `${POST}Content-Length: 5, 5\r\n\r\nabcde`, 400],
  ['a signed length', `${POST}Content-Length: +5\r\n\r\nabcde`, 400],
  ['a hexadecimal length', `${POST}Content-Length: 0x5\r\n\r\nabcde`, 400],
  ['a length beyond 64 bits', `${POST}Content-Length: 99999999999999999999\r\n\r\n`, 400],
  ['xchunked', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 501],
  ['chunked, identity', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
  [
    'chunked twice',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['gzip, chunked', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
  ['a space before the colon', `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a tab before the value', `${POST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`, 400],
  ['a folded field', `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`, 400],
  ['bare line feeds', 'GET / HTTP/1.1\nHost: door\n\n', 400],
  ['a bare line feed in a field', `${POST}X: a\nContent-Length: 5\r\n\r\nabcde`, 400],
  ['a bare carriage return', `${POST}X: a\rContent-Length: 5\r\n\r\nabcde`, 400],
  ['a NUL in a field', `${POST}X: a\0b\r\n\r\n`, 400],
  ['a field without a name', `${POST}: a\r\n\r\n`, 400],
  ['HTTP/1.0 with chunks', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['HTTP/2.0 in the request line', 'GET / HTTP/2.0\r\nHost: door\r\n\r\n', 505],
  ['no version', 'GET /\r\n\r\n', 505],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
  ['a Host that is no host', 'GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n', 400],
  ['another scheme', 'GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['user information', 'GET https://u:p@a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a star for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['an unknown method', 'GRAB / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a TLS hello in plain text', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405],
  ['an unknown expectation', `${POST}Expect: cake\r\nContent-Length: 1\r\n\r\na`, 417],
  ['a large head', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
  ['a long path', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
  ['many fields', `GET / HTTP/1.1\r\nHost: a\r\n${'a:b\r\n'.repeat(300)}\r\n`, 431],
];

test.each(smuggling)('%s is refused and the connection ends', async (_name, bytes, code) => {
  const { to, client } = await open();
  client.write(bytes);
  await expectRefusal(client, code);
  expect(to.requests.left).toBe(0);
  await until('the connection is forgotten', () => to.front.connections === 0);
});

test.each([['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']])(
  '%s ends the connection',
  async (_name, bytes) => {
    const { to, client } = await open();
    client.write(bytes);
    await client.closed();
    expect(to.requests.left).toBe(0);
    await until('the connection is forgotten', () => to.front.connections === 0);
  },
);

test.each([
  ['a chunk size that is no number', 'z\r\nabc\r\n', 400],
  ['a chunk longer than its size', '3\r\nabcd\r\n0\r\n\r\n', 400],
  ['a bare line feed after a chunk size', '3\nabc\r\n0\r\n\r\n', 400],
  ['chunk extensions without end', `3;${'a'.repeat(20_000)}\r\nabc\r\n`, 413],
])('%s resets the request and is refused', async (_name, body, code) => {
  const { to, client } = await open();
  client.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
  const request = await to.requests.next();
  client.write(body);
  await expectRefusal(client, code);
  expect(request.reset).toMatchObject({ code: 1, unprocessed: false });
  expect(request.ended).toBe(false);
});

test('garbage after an unanswered request does not take its answer', async () => {
  const { to, client } = await open();
  client.write('GET / HTTP/1.1\r\nHost: door\r\n\r\n\0\0garbage\r\n\r\n');
  const request = await to.requests.next();
  request.stream.sendHeaders([':status', '200', 'content-length', '2'], false);
  request.stream.sendData(Buffer.from('ok'), true);
  await client.closed();
  expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(client.received).toMatch(/connection: close\r\n/);
  expect(client.received).toMatch(/\r\n\r\nok$/);
  expect(request.reset).toBeUndefined();
});

test('a head that does not end in time gets 408', async () => {
  const { to, client } = await open({ headersTimeoutMs: 100 });
  client.write('GET / HTTP/1.1\r\nHost: door\r\nX-Slow');
  await expectRefusal(client, 408);
  expect(to.requests.left).toBe(0);
});

test('a body that stops gets 408 and resets the request', async () => {
  const { to, client } = await open({ uploadIdleTimeoutMs: 100 });
  client.write(`${POST}Content-Length: 100\r\n\r\nhalf`);
  const request = await to.requests.next();
  await expectRefusal(client, 408);
  expect(request.reset).toMatchObject({ unprocessed: false });
});

test('a body that waits for its receiver is not idle', async () => {
  const limits = { uploadIdleTimeoutMs: 100, uploadWindowBytes: 4 };
  const { to, client } = await open(limits, { consume: false });
  client.write(`${POST}Content-Length: 8\r\n\r\nhalf`);
  const request = await to.requests.next();
  await until('the half arrives', () => request.body.length === 4);
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(request.reset).toBeUndefined();
  request.stream.consumed(4);
  client.write('full');
  await until('the rest arrives', () => request.body.length === 8);
  request.stream.consumed(4);
  await until('the body ends', () => request.ended);
});
