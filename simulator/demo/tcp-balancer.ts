// What most clusters have before their kube-apiservers: a TCP balancer. It sees connections and no
// requests, so a client stays at one replica for as long as its HTTP/2 connection lives.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Where connections may go. */
export interface Backend {
  readonly name: string;
  readonly port: number;
}

/** Round robin at connect time; a backend that refuses is passed over, as a health check would. */
export class TcpBalancer {
  readonly #backends: readonly Backend[];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Backend of each connection, by the port at the client's end. */
  readonly #pins = new Map<number, string>();
  #next = 0;

  constructor(backends: readonly Backend[]) {
    this.#backends = backends;
    // Paused until the backend is there, so that no byte of the client is read before.
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
      void this.#accept(client); // Catches everything.
    });
  }

  /** Returns the port on loopback. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** The backend that the connection from this client port is tied to. */
  backendOf(clientPort: number): string | undefined {
    return this.#pins.get(clientPort);
  }

  /** Drops everything at once. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server.close(), 'close');
  }

  async #accept(client: Socket): Promise<void> {
    this.#track(client);
    const clientPort = client.remotePort ?? 0;
    // Chosen before any wait: the order of connections is the order of backends.
    const first = this.#next++;
    for (let tried = 0; tried < this.#backends.length; tried++) {
      const backend = this.#backends[(first + tried) % this.#backends.length];
      if (!backend) break;
      const upstream = await dial(backend.port);
      if (!upstream) continue;
      this.#track(upstream);
      if (client.destroyed || !this.#server.listening) {
        upstream.destroy();
        break;
      }
      this.#pins.set(clientPort, backend.name);
      client.once('close', () => this.#pins.delete(clientPort));
      splice(client, upstream);
      return;
    }
    client.destroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** A connection, or undefined when it is refused. */
async function dial(port: number): Promise<Socket | undefined> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
}

/** Bytes both ways; the end of one side is the end of the other. */
function splice(client: Socket, upstream: Socket): void {
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}
