// The sockets that a library opens and gives no hold of. When its channel is closed, grpc-js does
// not end one that is still connecting or in the TLS handshake, and where the last attempt failed it
// makes one more when its back-off is over. Behind a firewall that drops packets, or before a member
// that is frozen, such a socket would keep our process for minutes.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node publishes every client socket here before it connects. */
const CHANNEL = 'net.client.socket';
/** More than the longest back-off of a channel that has been closed. */
const LINGER_MS = 5000;

/** Keeps the sockets of one connection. Must be destroyed. */
export class DialledSockets {
  // Whatever is opened as a consequence of `run`, timers and promises included, is ours.
  readonly #context = new AsyncLocalStorage<boolean>();
  readonly #sockets = new Set<Socket>();
  readonly #note = (message: unknown): void => {
    if (this.#context.getStore() !== true) return;
    const { socket } = message as { socket: Socket };
    if (this.#destroyed) {
      // Node is about to connect it, and does not expect it to be gone before that.
      process.nextTick(() => socket.destroy());
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };

  #destroyed = false;

  constructor() {
    subscribe(CHANNEL, this.#note);
  }

  /** Sockets that `work` opens, now or later, are kept. */
  run<T>(work: () => T): T {
    return this.#context.run(true, work);
  }

  /** Ends all of them, whatever they are doing, and those that are still to come. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    setTimeout(() => unsubscribe(CHANNEL, this.#note), LINGER_MS).unref();
    for (const socket of this.#sockets) socket.destroy();
  }
}
