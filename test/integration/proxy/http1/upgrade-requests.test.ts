import { expect, test } from 'vitest';
import { headerValue } from '../../../../proxy/http2/header-list.ts';
import { until } from './support/arrivals.ts';
import { useFrontDoor } from './support/fixture.ts';

const { open } = useFrontDoor();

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

test.each([
  [
    'h2c',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n',
  ],
  ['an HTTP/1.0 client', `GET / HTTP/1.0\r\nHost: a\r\n${UPGRADE}\r\n`],
  ['a request with a body', `POST / HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: 2\r\n\r\nab`],
  [
    'Upgrade that Connection does not name',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n',
  ],
])('%s is answered as a plain request', async (_name, bytes) => {
  const { to, client } = await open();
  client.write(bytes);
  const { headers, stream } = await to.requests.next();
  expect(headers).not.toContain('upgrade');
  expect(headers).not.toContain('http2-settings');
  expect(to.upgrades.left).toBe(0);
  stream.sendHeaders([':status', '200'], true);
  await client.expectText(/^HTTP\/1\.1 200 OK\r\n/);
});

test('an upgrade that was ignored is the last request of its connection', async () => {
  const { to, client } = await open();
  const ignored = `POST /1 HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: 2\r\n\r\nab`;
  // Node loses the first half with the read that it came in.
  client.write(`${ignored}POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n`);
  const first = await to.requests.next();
  client.write('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('the body arrives', () => first.ended);
  expect(first.body.toString()).toBe('ab');
  first.stream.sendHeaders([':status', '200'], true);
  await client.closed();
  expect(client.received).toMatch(/connection: close\r\n/i);
  expect(to.requests.left).toBe(0);
});

test('an upgrade behind an unanswered request does not take its socket', async () => {
  const { to, client } = await open();
  client.write(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`);
  const first = await to.requests.next();
  expect(to.upgrades.left).toBe(0);
  first.stream.sendHeaders([':status', '200', 'content-length', '2'], false);
  first.stream.sendData(Buffer.from('ok'), true);
  const second = await to.requests.next();
  expect(headerValue(second.headers, ':path')).toBe('/2');
  second.stream.sendHeaders([':status', '400'], true);
  await client.expectText(/\r\n\r\nokHTTP\/1\.1 400/);
});

test('a malformed upgrade is refused', async () => {
  const { to, client } = await open();
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n${UPGRADE}\r\n`);
  await client.closed();
  expect(client.received).toMatch(/^HTTP\/1\.1 400 /);
  expect(to.upgrades.left).toBe(0);
});

test('fields that Connection names end here', async () => {
  const { to, client } = await open();
  const fields = 'Connection: Upgrade, X-Remote-User, Host, close\r\nX-Remote-User: root\r\n';
  client.write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}Upgrade: SPDY/3.1\r\nX-Kept: 1\r\n\r\n`);
  const { headers, upgrade } = await to.upgrades.next();
  expect(upgrade).toBe('SPDY/3.1');
  expect(headers).toEqual([
    ...[':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/'],
    ...['x-kept', '1'],
  ]);
});
