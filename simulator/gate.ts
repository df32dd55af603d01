// The network in front of one replica. All faults that a peer sees below TLS live here: refused
// and reset connections, a frozen process, a sudden death. Bytes pass through a pair of sockets,
// because a connection that node:http2 reads from cannot be paused by any public interface.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Counters } from './metrics.ts';

interface Connection {
  readonly outer: Socket;
  /** Towards the TLS server; missing while the gate is frozen since before the connection came. */
  inner: Socket | undefined;
}

/** Accepts connections on a public port and carries them to the TLS server of the replica. */
export class Gate {
  readonly #counters: Counters;
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;
  #port = 0;
  #innerPort = 0;
  #frozen = false;

  constructor(counters: Counters, port = 0) {
    this.#counters = counters;
    this.#port = port;
  }

  /** The public port; the same for all lives of the replica. */
  get port(): number {
    return this.#port;
  }

  get listening(): boolean {
    return this.#server !== undefined;
  }

  /** Begins to accept, towards the TLS server at `innerPort`. */
  async open(innerPort: number): Promise<void> {
    this.#innerPort = innerPort;
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (outer) =>
      this.#accept(outer),
    );
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** New connections are refused by the kernel from now on; those that are open stay. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Nothing is read from any connection, nothing written to it; new ones are only accepted. */
  freeze(): void {
    this.#frozen = true;
    for (const { outer, inner } of this.#connections) {
      if (!inner) continue;
      outer.unpipe(inner);
      inner.unpipe(outer);
      outer.pause();
      inner.pause();
    }
  }

  thaw(): void {
    this.#frozen = false;
    for (const connection of this.#connections) {
      if (connection.outer.destroyed) continue;
      if (connection.inner) carry(connection.outer, connection.inner);
      else this.#dial(connection);
    }
  }

  /** Ends every connection at once: with a reset, or as the kernel does for a dead process. */
  destroyConnections(how: 'reset' | 'close'): void {
    for (const { outer, inner } of this.#connections) {
      if (how === 'reset') outer.resetAndDestroy();
      else outer.destroy();
      inner?.destroy();
    }
  }

  #accept(outer: Socket): void {
    const connection: Connection = { outer, inner: undefined };
    this.#connections.add(connection);
    this.#counters.connectionsAccepted++;
    this.#counters.openConnections++;
    outer.on('error', () => outer.destroy());
    outer.once('close', () => {
      this.#connections.delete(connection);
      this.#counters.openConnections--;
      connection.inner?.destroy();
    });
    if (!this.#frozen) this.#dial(connection);
  }

  #dial(connection: Connection): void {
    const { outer } = connection;
    const inner = connect({
      port: this.#innerPort,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    connection.inner = inner;
    inner.on('error', () => inner.destroy());
    inner.once('close', () => outer.destroy());
    carry(outer, inner);
  }
}

function carry(outer: Socket, inner: Socket): void {
  outer.pipe(inner);
  inner.pipe(outer);
}
