import type { Socket } from 'node:net';

export interface LingerLimits {
  /** How long what is still to be written may take. */
  readonly flushMs: number;
  /** How long the peer may take to close after everything was written. */
  readonly lingerMs: number;
  /** How much of what the peer still sends is read and thrown away. */
  readonly maxBytes: number;
}

export const lingerDefaults: LingerLimits = {
  flushMs: 10_000,
  // Twice Go's rstAvoidanceDelay (net/http/server.go): our clients may be further away.
  lingerMs: 1000,
  // More than twice the 3 MiB kube-apiserver takes, so that a client that sends its too large
  // object to the end before it reads still finds the 413.
  maxBytes: 8 * 1024 * 1024,
};

/**
 * Ends a socket so that the peer can read the last bytes: writes out, sends the end, and then reads
 * and drops what arrives until the peer closes. A socket that is closed with unread bytes makes the
 * kernel send RST, and an RST lets the peer's kernel drop what we sent (RFC 9112, section 9.6).
 */
export function lingerThenDestroy(socket: Socket, limits: LingerLimits = lingerDefaults): void {
  if (socket.destroyed) return;
  let left = limits.maxBytes;
  let timer = setTimeout(() => socket.destroy(), limits.flushMs);
  const written = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(), limits.lingerMs);
  };
  socket.once('close', () => clearTimeout(timer));
  // Once the peer has ended too, the socket destroys itself.
  socket.on('error', ignore);
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.pause();
  });
  if (socket.writableFinished) written();
  else socket.once('finish', written);
  socket.end();
  socket.resume();
}

/** An error on a socket that is being closed has nobody left to tell; 'close' follows. */
function ignore(): void {}
