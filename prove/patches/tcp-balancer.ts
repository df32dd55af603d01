// What stands before kube-apiservers where nobody ends TLS: it sees connections and no requests, so
// that all it can do for balance is done when a client connects.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Connections to each of several ports in turn. Must be closed. */
export class TcpBalancer {
  readonly #ports: readonly number[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #turn = 0;
  #accepted = 0;

  constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    this.#keep(client);
    this.#dial(client, this.#ports.length);
  }

  /**
   * A port that refuses is passed over, as a balancer's health check would have it. It takes a turn of
   * its own for that, so that those that are left get equal shares.
   */
  #dial(client: Socket, triesLeft: number): void {
    const port = this.#ports[this.#turn++ % this.#ports.length];
    if (port === undefined || triesLeft === 0 || client.destroyed) {
      client.destroy();
      return;
    }
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#keep(server);
    const refused = (): void => this.#dial(client, triesLeft - 1);
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused);
      join(client, server);
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // What fails with it is told by its end.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** An end of one side is passed on as such, and a break of one ends both. */
function join(client: Socket, server: Socket): void {
  client.pipe(server);
  server.pipe(client);
  client.on('close', () => server.destroy());
  server.on('close', () => client.destroy());
  if (client.destroyed) server.destroy();
}
