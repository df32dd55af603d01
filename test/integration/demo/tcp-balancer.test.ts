import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { TcpBalancer } from '../../../simulator/demo/tcp-balancer.ts';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** Says its name to whoever connects, then echoes. */
async function backend(name: string) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(name);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kill = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  open.push({ close: kill });
  return { name, port: (server.address() as AddressInfo).port, kill };
}

async function balancerOver(backends: readonly { name: string; port: number }[]) {
  const balancer = new TcpBalancer(backends);
  open.push(balancer);
  return { balancer, port: await balancer.listen() };
}

/** Connects; resolves with the socket and the first bytes. */
async function dial(port: number) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  open.push({ close: () => socket.destroy() });
  const [bytes] = await once(socket, 'data');
  return { socket, greeting: String(bytes) };
}

test('connections go to the backends by turn, and bytes go both ways', async () => {
  const { balancer, port } = await balancerOver([await backend('a'), await backend('b')]);
  const first = await dial(port);
  const greetings = [first.greeting];
  for (let more = 0; more < 3; more++) greetings.push((await dial(port)).greeting);
  expect(greetings).toEqual(['a', 'b', 'a', 'b']);
  expect(balancer.backendOf(first.socket.localPort ?? 0)).toBe('a');
  const echo = once(first.socket, 'data');
  first.socket.write('hello');
  expect(String(await echo)).toBe('hello');
});

test('a dead backend ends its connections, and new ones pass it over', async () => {
  const [a, b] = [await backend('a'), await backend('b')];
  const { balancer, port } = await balancerOver([a, b]);
  const { socket } = await dial(port);
  const localPort = socket.localPort ?? 0;
  const closed = once(socket, 'close');
  a.kill();
  await closed;
  // The balancer may see the end of its own socket a moment later than we do of ours.
  await expect.poll(() => balancer.backendOf(localPort)).toBeUndefined();
  expect([(await dial(port)).greeting, (await dial(port)).greeting]).toEqual(['b', 'b']);
});

test('with no backend left a connection is closed', async () => {
  const a = await backend('a');
  const { port } = await balancerOver([a]);
  a.kill();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'close');
});
