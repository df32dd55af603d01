import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DialledSockets } from '../../../etcd-tools/dialled-sockets.ts';

let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterAll(async () => {
  await once(server.close(), 'close');
});

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('sockets that came of the work are ended, also those that it opened later', async () => {
  const sockets = new DialledSockets();
  const opened = await sockets.run(async () => {
    const first = await open();
    await delay(1);
    return [first, await open()];
  });
  const closed = opened.map((socket) => once(socket, 'close'));
  sockets.destroy();
  await Promise.all(closed);
});

test('a socket that is still connecting is ended', async () => {
  const sockets = new DialledSockets();
  const socket = sockets.run(() => connect(port, '127.0.0.1'));
  expect(socket.connecting).toBe(true);
  const closed = once(socket, 'close');
  sockets.destroy();
  await closed;
});

test('a socket that is opened after the end is ended as well', async () => {
  const sockets = new DialledSockets();
  const late = sockets.run(async () => {
    await delay(5);
    return once(connect(port, '127.0.0.1'), 'close');
  });
  sockets.destroy();
  await late;
});

test('sockets of anybody else are left alone', async () => {
  const [one, other] = [new DialledSockets(), new DialledSockets()];
  const before = await open();
  const [mine, theirs] = await Promise.all([one.run(open), other.run(open)]);
  const unrelated = await open();
  const closed = once(mine, 'close');
  one.destroy();
  await closed;
  expect([before, theirs, unrelated].map(({ destroyed }) => destroyed)).toEqual([
    false,
    false,
    false,
  ]);
  for (const socket of [before, theirs, unrelated]) socket.destroy();
  other.destroy();
});
