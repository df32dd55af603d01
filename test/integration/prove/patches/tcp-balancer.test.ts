import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { TcpBalancer } from '../../../../prove/patches/tcp-balancer.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Answers each connection when it has been told all. */
async function startServer(name: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    let said = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
    });
    socket.on('end', () => socket.end(`${name} got ${said}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(async () => server.listening && once(server.close(), 'close'));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function startBalancer(ports: readonly number[]): Promise<TcpBalancer> {
  const balancer = new TcpBalancer(ports);
  await balancer.listen();
  ends.push(() => balancer.close());
  return balancer;
}

async function ask({ url }: TcpBalancer, said: string): Promise<string> {
  const socket = connect({
    port: Number(new URL(url).port),
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  socket.end(said);
  return text(socket);
}

async function askTimes(balancer: TcpBalancer, times: number): Promise<string[]> {
  const answers: string[] = [];
  while (answers.length < times) answers.push(await ask(balancer, `${answers.length}`));
  return answers;
}

test('connections go to each server in turn, and what is said goes through both ways', async () => {
  const servers = [await startServer('a'), await startServer('b')];
  const balancer = await startBalancer(servers.map(portOf));
  expect(await askTimes(balancer, 3)).toEqual(['a got 0', 'b got 1', 'a got 2']);
  expect(balancer.accepted).toBe(3);
});

test('a server that refuses is passed over, and the others get equal shares of its turns', async () => {
  const [a, b, gone] = [await startServer('a'), await startServer('b'), await startServer('gone')];
  const balancer = await startBalancer([a, b, gone].map(portOf));
  await once(gone.close(), 'close');
  const answers = await askTimes(balancer, 6);
  expect(answers.map((answer) => answer[0])).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
});

test('a client is left without an answer when all servers refuse', async () => {
  const gone = await startServer('gone');
  const balancer = await startBalancer([portOf(gone)]);
  await once(gone.close(), 'close');
  expect(await ask(balancer, 'anybody?').catch(() => '')).toBe('');
});
