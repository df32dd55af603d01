import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { until } from './arrivals.ts';

/** A TLS client that writes bytes as they are and keeps all that comes back. */
export interface RawClient {
  readonly socket: TLSSocket;
  /** Everything received, one character a byte. */
  readonly received: string;
  /** True when the server has ended its side, or the connection is gone. */
  readonly ended: boolean;
  /** True when the connection ended without an error, after TLS close_notify or FIN. */
  readonly error: Error | undefined;
  write(text: string | Buffer): void;
  /** Waits until `pattern` is in what was received. */
  expectText(pattern: RegExp): Promise<string>;
  closed(): Promise<void>;
}

export async function openRawClient(door: { port: number; ca: string }): Promise<RawClient> {
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    host: '127.0.0.1',
    port: door.port,
    ca: door.ca,
    ALPNProtocols: ['http/1.1'],
    // The server's end must not end what the client still writes.
    allowHalfOpen: true,
  };
  const socket = connect(options);
  await once(socket, 'secureConnect');
  const state = { received: '', ended: false, error: undefined as Error | undefined };
  socket.on('data', (chunk: Buffer) => {
    state.received += chunk.toString('latin1');
  });
  socket.on('end', () => {
    state.ended = true;
  });
  socket.on('close', () => {
    state.ended = true;
  });
  socket.on('error', (error) => {
    state.error = error;
  });
  return {
    socket,
    get received() {
      return state.received;
    },
    get ended() {
      return state.ended;
    },
    get error() {
      return state.error;
    },
    write: (text) => {
      socket.write(text as string, 'latin1');
    },
    expectText: async (pattern) => {
      await until(`${pattern} in ${JSON.stringify(state.received)}`, () => {
        return pattern.test(state.received) || state.ended;
      });
      if (!pattern.test(state.received)) {
        throw new Error(`ended without ${pattern}: ${JSON.stringify(state.received)}`);
      }
      return state.received;
    },
    closed: () => until('the server closes', () => state.ended),
  };
}
