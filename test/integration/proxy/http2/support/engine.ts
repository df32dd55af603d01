// Our engine on real sockets, as a server and as a client, for tests that hold it against others.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createServer as createTlsServer } from 'node:tls';
import { Connection } from '../../../../../proxy/http2/connection.ts';
import type {
  ConnectionListener,
  ConnectionOptions,
} from '../../../../../proxy/http2/connection-options.ts';
import type { HeaderList } from '../../../../../proxy/http2/header-list.ts';
import type { MessageStream } from '../../../../../proxy/http2/message-stream.ts';
import { createPki, type Pki } from '../../../../../tools/pki.ts';
import { Recorder, until } from './recorder.ts';

type Settings = Partial<Omit<ConnectionOptions, 'role'>>;

/** A request that our server has received; the recorder listens to its stream. */
export interface Received {
  readonly stream: MessageStream;
  readonly headers: HeaderList;
  readonly endStream: boolean;
  readonly message: Recorder;
}

export interface EngineServer {
  readonly port: number;
  readonly connections: Connection[];
  readonly received: Received[];
  readonly oversized: MessageStream[];
  /** What `onClose` was told, in order; `peerFault` of each beside it. */
  readonly closed: { readonly detail: string; readonly peerFault: boolean }[];
  /** Ends everything, and fails when a connection does not tell its end. */
  close(): Promise<void>;
}

export interface EngineServerOptions {
  readonly pki?: Pki;
  readonly settings?: Settings;
  /** Called within `onRequest`, when the recorder listens already. */
  readonly onRequest?: (received: Received) => void;
  readonly onSocket?: (socket: Socket) => void;
  readonly onCapacity?: () => void;
}

const nowMs = () => performance.now();

/** Makes a PKI that is removed by the returned function. */
export async function temporaryPki(): Promise<{ pki: Pki; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'http2-test-'));
  const pki = await createPki(directory);
  return { pki, remove: () => rm(directory, { recursive: true }) };
}

export async function openEngine(options: EngineServerOptions = {}): Promise<EngineServer> {
  const connections: Connection[] = [];
  const received: Received[] = [];
  const oversized: MessageStream[] = [];
  const closed: { detail: string; peerFault: boolean }[] = [];
  const listener: ConnectionListener = {
    onRequest: (stream, headers, endStream) => {
      const message = new Recorder();
      stream.listener = message;
      const request = { stream, headers, endStream, message };
      received.push(request);
      options.onRequest?.(request);
    },
    onOversizedRequest: (stream) => oversized.push(stream),
    onCapacity: () => options.onCapacity?.(),
    onClose: (detail, peerFault) => closed.push({ detail, peerFault }),
  };
  const server = listenOn(options.pki, (socket) => {
    options.onSocket?.(socket);
    const settings = { role: 'server' as const, nowMs, ...options.settings };
    connections.push(new Connection(socket, settings, listener));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    connections,
    received,
    oversized,
    closed,
    close: async () => {
      for (const connection of connections) connection.destroy('test ends');
      await until(() => closed.length === connections.length);
      const end = once(server, 'close');
      server.close();
      await end;
    },
  };
}

function listenOn(pki: Pki | undefined, serve: (socket: Socket) => void): Server {
  if (pki === undefined) return createServer(serve);
  const { cert, key } = pki.door;
  return createTlsServer({ cert, key, ALPNProtocols: ['h2'] }, serve);
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

export interface EngineClient {
  readonly connection: Connection;
  readonly closed: { readonly detail: string; readonly peerFault: boolean }[];
  capacityCalls: number;
  close(): Promise<void>;
}

/** A client connection of ours over a socket; without one, over TCP to `port`. */
export async function connectEngine(
  target: number | Socket,
  settings: Settings = {},
): Promise<EngineClient> {
  const socket = typeof target === 'number' ? await connected(target) : target;
  const closed: { detail: string; peerFault: boolean }[] = [];
  const client: EngineClient = {
    connection: new Connection(
      socket,
      { role: 'client', nowMs, ...settings },
      {
        onRequest: () => {},
        onOversizedRequest: () => {},
        onCapacity: () => {
          client.capacityCalls += 1;
        },
        onClose: (detail, peerFault) => closed.push({ detail, peerFault }),
      },
    ),
    closed,
    capacityCalls: 0,
    close: async () => {
      client.connection.destroy('test ends');
      await until(() => closed.length > 0);
    },
  };
  return client;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

export const GET: HeaderList = [
  ':method',
  'GET',
  ':scheme',
  'http',
  ':authority',
  'test',
  ':path',
  '/',
];
export const POST: HeaderList = [':method', 'POST', ...GET.slice(2)];
