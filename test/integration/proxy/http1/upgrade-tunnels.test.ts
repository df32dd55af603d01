import { afterAll, expect, test } from 'vitest';
import { until } from './support/arrivals.ts';
import { carriers, PATH, switching, useUpgrades } from './support/upgrades.ts';

const warnings: string[] = [];
const onWarning = (warning: Error & { code?: string }): void => {
  warnings.push(warning.code ?? warning.message);
};
process.on('warning', onWarning);
afterAll(() => process.off('warning', onWarning));

const upgrades = useUpgrades();
const { start, open, expectAnswer, expectNothingLeft } = upgrades;

test.each(carriers)(
  'over %s, the request arrives with its path and its fields',
  async (_name, carrier) => {
    const { request, head } = await start(carrier);
    expect(request.protocol).toBe(carrier.protocol);
    expect(request.headers).not.toContain('upgrade');
    expect(head).toContain(` ${PATH} HTTP/1.1\r\n`);
    expect(head).toMatch(/^host: door:6443\r$/im);
    expect(head).toMatch(/^connection: upgrade\r$/im);
    expect(head).toMatch(new RegExp(`^upgrade: ${carrier.upgrade}\\r$`, 'im'));
    expect(head).toMatch(/^x-twice: 1\r\nx-twice: 2\r$/im);
    expect(head.match(/^(connection|upgrade|host):/gim)).toHaveLength(3);
    expect(upgrades.tunnels.pending).toBe(1);
  },
);

test.each(carriers)('over %s, bytes go both ways after 101', async (_name, carrier) => {
  const { to, client, upstream, ended } = await open(carrier);
  expect(client.received.toLowerCase()).toContain(`upgrade: ${carrier.upgrade.toLowerCase()}\r\n`);
  client.write('ping');
  await upstream.expectText(/\r\n\r\nping$/);
  upstream.socket.write('pong');
  await client.expectText(/\r\n\r\npong$/);
  const large = Buffer.alloc(8 * 1024 * 1024, 'y');
  upstream.socket.end(large);
  await expectNothingLeft(to, client);
  expect(client.received.length).toBeGreaterThan(large.length);
  expect(client.error).toBeUndefined();
  expect(await ended).toBe('upstream');
});

test.each(carriers)(
  'over %s, bytes that come with the heads are not lost',
  async (_name, carrier) => {
    const { client, upstream } = await start(carrier, 'early client');
    expect(upstream.received).toMatch(/\r\n\r\n$/);
    upstream.socket.write(`${switching(carrier)}early upstream`);
    await upstream.expectText(/\r\n\r\nearly client$/);
    await client.expectText(/\r\n\r\nearly upstream$/);
  },
);

test.each(carriers)('over %s, a client that leaves closes the upstream', async (_name, carrier) => {
  const { to, client, ended } = await open(carrier);
  client.socket.destroy();
  expect(await ended).toBe('client');
  await expectNothingLeft(to, client);
});

test.each(carriers)(
  'over %s, an upstream that vanishes closes the client',
  async (_name, carrier) => {
    const { to, client, upstream, ended } = await open(carrier);
    upstream.socket.destroy();
    expect(await ended).toBe('upstream');
    await expectNothingLeft(to, client);
  },
);

test.each(carriers)(
  'over %s, a client that stops reading holds back the upstream',
  async (_name, carrier) => {
    const { client, upstream } = await open(carrier);
    client.socket.pause();
    const chunk = Buffer.alloc(256 * 1024);
    const total = 64 * 1024 * 1024;
    let sent = 0;
    const pump = (): void => {
      sent += chunk.length;
      if (sent < total) upstream.socket.write(chunk, pump);
    };
    pump();
    let last = -1;
    await until('the upstream is held back', () => {
      const same = sent === last && sent > chunk.length;
      last = sent;
      return same;
    });
    expect(sent).toBeLessThan(total);
    client.socket.resume();
    await until('all has arrived', () => client.received.length >= total - chunk.length, 15_000);
  },
);

test.each(carriers)('over %s, closing all ends tunnels and waits', async (_name, carrier) => {
  const opened = await open(carrier);
  const waiting = await start(carrier);
  upgrades.tunnels.closeAll();
  expect(await opened.ended).toBe('shutdown');
  await expectAnswer(waiting.outcome, waiting.client, 503);
  await expectNothingLeft(opened.to, opened.client);
});

// Node gives a deprecation once in a process, at the first WebSocket that any test here opens.
test('http-proxy has not made Node complain about util._extend', async () => {
  const [, carrier] = carriers[0] ?? [];
  if (carrier === undefined) throw new Error('the first carrier is http-proxy');
  await open(carrier);
  expect(warnings).toEqual([]);
});
