// Stands before a member and lets only so many bytes of its answers through; then nothing moves, as
// on a network that hangs.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface StallingRelay {
  readonly url: string;
  close(): void;
}

/** `limitBytes` is of each connection. */
export async function startStallingRelay(url: string, limitBytes: number): Promise<StallingRelay> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const member = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, member]) {
      sockets.add(socket);
      // The other end goes away as it likes.
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(member);
    let left = limitBytes;
    member.on('data', (bytes: Buffer) => {
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) member.pause();
    });
    client.on('close', () => member.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
