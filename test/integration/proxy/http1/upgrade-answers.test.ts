import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { until } from './support/arrivals.ts';
import { carriers, limits, switching, useUpgrades, withCarriers } from './support/upgrades.ts';

const upgrades = useUpgrades();
const { start, expectAnswer, expectNothingLeft } = upgrades;

test.each(carriers)(
  'over %s, nothing of the client goes upstream before 101',
  async (_name, carrier) => {
    const { client, upstream, outcome } = await start(carrier);
    client.write('GET /secrets HTTP/1.1\r\nHost: x\r\n\r\n');
    upstream.socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\ndenied');
    expect(await expectAnswer(outcome, client, 403)).toBe('denied');
    await until('the upstream side is closed', () => upgrades.backend.open === 0);
    expect(upstream.received).not.toContain('/secrets');
  },
);

test.each(
  withCarriers([
    ['length', 'Content-Length: 6\r\n\r\ndenied'],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n3\r\nden\r\n3\r\nied\r\n0\r\n\r\n'],
  ]),
)(
  'over %s, a refusal with a body framed by %s goes back whole',
  async (_name, _framing, carrier, rest) => {
    const { to, client, upstream, outcome } = await start(carrier);
    upstream.socket.write(`HTTP/1.1 403 Forbidden\r\nWarning: a\r\nWarning: b\r\n${rest}`);
    expect(await expectAnswer(outcome, client, 403)).toBe('denied');
    expect(client.received).toMatch(/warning: a\r\nwarning: b\r\n/i);
    expect(client.received).not.toMatch(/transfer-encoding/i);
    await expectNothingLeft(to, client);
  },
);

test.each(
  withCarriers([
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: https://evil/\r\nContent-Length: 0\r\n\r\n'],
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an HTTP/2 SETTINGS frame', '\0\0\x18\x04\0\0\0\0\0'],
    ['a truncated answer', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nhalf'],
  ]),
)('over %s, %s instead of 101 becomes 502', async (_name, _answer, carrier, bytes) => {
  const { to, client, upstream, outcome } = await start(carrier);
  upstream.socket.end(bytes, 'latin1');
  const body = await expectAnswer(outcome, client, 502);
  expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 502 });
  expect(client.received).not.toContain('evil');
  await expectNothingLeft(to, client);
});

test.each(carriers)('over %s, an answer that is too large becomes 502', async (_name, carrier) => {
  const { to, client, upstream, outcome } = await start(carrier);
  upstream.socket.write('HTTP/1.1 500 Oops\r\nContent-Length: 2000000\r\n\r\n');
  upstream.socket.write(Buffer.alloc(2_000_000));
  await expectAnswer(outcome, client, 502);
  await expectNothingLeft(to, client);
});

test.each(carriers)(
  'over %s, an upstream that is gone before it answers becomes 502',
  async (_name, carrier) => {
    const { to, client, upstream, outcome } = await start(carrier);
    upstream.socket.destroy();
    await expectAnswer(outcome, client, 502);
    await expectNothingLeft(to, client);
  },
);

test.each(carriers)(
  'over %s, an upstream that does not answer in time becomes 504',
  async (_name, carrier) => {
    const { to, client } = await upgrades.front.open();
    client.write(carrier.request);
    const request = await to.upgrades.next();
    const impatient = { ...limits, answerTimeoutMs: 50 };
    const outcome = carrier.carry(
      request,
      upgrades.backend.target(request.headers),
      upgrades.tunnels,
      impatient,
    );
    await expectAnswer(outcome, client, 504);
    await expectNothingLeft(to, client);
  },
);

test.each(carriers)(
  'over %s, a refused connection leaves the client for the next endpoint',
  async (_name, carrier) => {
    const { to, client } = await upgrades.front.open();
    client.write(`${carrier.request}early`);
    const request = await to.upgrades.next();
    const target = upgrades.backend.target(request.headers);
    const refusing = { ...target, url: `https://127.0.0.1:${await freePort()}` };
    const first = await carrier.carry(request, refusing, upgrades.tunnels, limits);
    expect(first).toEqual({ kind: 'unprocessed', detail: expect.stringContaining('ECONNREFUSED') });
    expect(upgrades.tunnels.pending).toBe(0);
    const outcome = carrier.carry(request, target, upgrades.tunnels, limits);
    const upstream = await upgrades.backend.connections.next();
    await upstream.expectText(/\r\n\r\n/);
    upstream.socket.write(switching(carrier));
    expect((await outcome).kind).toBe('switched');
    await upstream.expectText(/\r\n\r\nearly$/);
  },
);

test.each(carriers)(
  'over %s, a certificate that is not trusted is unprocessed',
  async (_name, carrier) => {
    const { to, client } = await upgrades.front.open();
    client.write(carrier.request);
    const request = await to.upgrades.next();
    const target = upgrades.backend.target(request.headers);
    const wrong = { ...target, tls: { ...target.tls, ca: upgrades.front.pki.otherCa.cert } };
    expect(await carrier.carry(request, wrong, upgrades.tunnels, limits)).toMatchObject({
      kind: 'unprocessed',
    });
    const named = { ...target, tls: { ...target.tls, servername: 'not-in-the-certificate' } };
    expect(await carrier.carry(request, named, upgrades.tunnels, limits)).toMatchObject({
      kind: 'unprocessed',
    });
    expect(client.ended).toBe(false);
    client.socket.destroy();
    expect(await carrier.carry(request, target, upgrades.tunnels, limits)).toEqual({
      kind: 'abandoned',
    });
    await until('the upstream side is closed', () => upgrades.backend.open === 0);
  },
);

test.each(carriers)(
  'over %s, an upstream that does not accept in time is unprocessed',
  async (_name, carrier) => {
    const { to, client } = await upgrades.front.open();
    client.write(carrier.request);
    const request = await to.upgrades.next();
    const silent = createServer((socket) => void socket.on('error', () => {}).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const target = {
      ...upgrades.backend.target(request.headers),
      url: `https://127.0.0.1:${port}`,
    };
    const impatient = { ...limits, connectTimeoutMs: 50 };
    const outcome = await carrier.carry(request, target, upgrades.tunnels, impatient);
    expect(outcome).toMatchObject({ kind: 'unprocessed' });
    const closed = once(silent, 'close');
    silent.close();
    await closed;
  },
);

test.each(carriers)(
  'over %s, a client that leaves before the answer closes the upstream',
  async (_name, carrier) => {
    const { to, client, outcome } = await start(carrier);
    client.socket.destroy();
    expect(await outcome).toEqual({ kind: 'abandoned' });
    await expectNothingLeft(to, client);
  },
);

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const closed = once(server, 'close');
  server.close();
  await closed;
  return typeof address === 'object' && address !== null ? address.port : 0;
}
