// Connections after `101 Switching Protocols`: bytes both ways, nobody looks inside, and when one
// side ends both are closed (UpgradeAwareHandler does the same: no half-closed tunnels).
import type { Socket } from 'node:net';
import { type LingerLimits, lingerDefaults, lingerThenDestroy } from './linger.ts';
import type { TunnelEnd } from './upgrade.ts';

// Terminals stand idle for hours; a peer that vanished is noticed by unanswered probes.
const TCP_KEEPALIVE_MS = 30_000;

/** Counts what is carried, and ends it. */
export interface Tunnels {
  /** Tunnels that are open. */
  readonly open: number;
  /** Upgrade requests that wait for their answer. */
  readonly pending: number;
  /** Ends every tunnel, and every wait with 503. New ones are still carried. */
  closeAll(): void;
  /**
   * Watches over two sockets that are already piped into each other. Resolves when both are closed.
   */
  join(client: Socket, upstream: Socket): Promise<TunnelEnd>;
  /** Counts a wait until the returned function is called; `cancel` is for `closeAll`. */
  wait(cancel: () => void): () => void;
}

export function createTunnels(limits: LingerLimits = lingerDefaults): Tunnels {
  const open = new Set<(by: TunnelEnd) => void>();
  const pending = new Set<() => void>();
  return {
    get open() {
      return open.size;
    },
    get pending() {
      return pending.size;
    },
    closeAll() {
      for (const cancel of [...pending]) cancel();
      for (const end of [...open]) end('shutdown');
    },
    wait(cancel) {
      pending.add(cancel);
      return () => pending.delete(cancel);
    },
    async join(client, upstream) {
      const { promise: ended, resolve: end } = Promise.withResolvers<TunnelEnd>();
      open.add(end);
      watch(client, () => end('client'));
      watch(upstream, () => end('upstream'));
      const by = await ended;
      client.unpipe(upstream);
      upstream.unpipe(client);
      // Each is ended after what was already written to it; what it still sends is dropped.
      await Promise.all([close(client, limits), close(upstream, limits)]);
      open.delete(end);
      return by;
    },
  };
}

function watch(socket: Socket, onEnd: () => void): void {
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
  socket.on('error', onEnd);
  socket.once('end', onEnd);
  socket.once('close', onEnd);
  // It may have ended before anyone listened.
  if (socket.destroyed || socket.readableEnded) onEnd();
}

function close(socket: Socket, limits: LingerLimits): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.closed) resolve();
  else socket.once('close', () => resolve());
  lingerThenDestroy(socket, limits);
  return promise;
}
