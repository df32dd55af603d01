import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { PeerRelay } from '../../../tools/peer-relay.ts';

const BYTES = 200_000;
const BYTES_PER_SECOND = 1_000_000;

/** How long the relay takes for an answer of `BYTES` to a peer that asks through it. */
async function answerMs(limited: 'asker' | 'nobody'): Promise<number> {
  const server = createServer((socket) =>
    socket.on('error', () => undefined).write(Buffer.alloc(BYTES)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const relay = new PeerRelay();
  // Both ends are in this process, so the relay takes the first of them for whoever connects.
  const asker = { name: 'asker', pid: process.pid, peerPort: 0 };
  await relay.open(asker, 0);
  const { port } = server.address() as AddressInfo;
  const relayPort = await freePort();
  await relay.open({ name: 'answerer', pid: process.pid, peerPort: port }, relayPort);
  if (limited === 'asker') relay.limit(asker, BYTES_PER_SECOND);
  try {
    const startedAtMs = performance.now();
    let received = 0;
    for await (const chunk of connect(relayPort, '127.0.0.1')) {
      received += chunk.length;
      // As etcd's peers do, the other end leaves the connection open.
      if (received >= BYTES) break;
    }
    return performance.now() - startedAtMs;
  } finally {
    await relay.close();
    server.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

test('a limit holds for what a peer is answered on a connection that it has made', async () => {
  const leastMs = (BYTES / BYTES_PER_SECOND) * 1000;
  expect(await answerMs('asker')).toBeGreaterThan(leastMs * 0.9);
  expect(await answerMs('nobody')).toBeLessThan(leastMs * 0.9);
});
