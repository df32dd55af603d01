// The HTTP/1.1 front behind a real TLS listener, with requests that a test answers by hand.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { createHttp1Front, type Http1Front } from '../../../../../proxy/http1/front.ts';
import type { Http1Limits } from '../../../../../proxy/http1/limits.ts';
import type { UpgradeRequest } from '../../../../../proxy/http1/upgrade.ts';
import type { HeaderList } from '../../../../../proxy/http2/header-list.ts';
import type { MessageStream, ResetReason } from '../../../../../proxy/http2/message-stream.ts';
import { createPki, type Pki } from '../../../../../tools/pki.ts';
import { Arrivals } from './arrivals.ts';

export interface ReceivedRequest {
  readonly stream: MessageStream;
  readonly headers: HeaderList;
  readonly endStream: boolean;
  readonly socket: TLSSocket;
  /** Body bytes that arrived so far. */
  body: Buffer;
  trailers: HeaderList | undefined;
  ended: boolean;
  reset: ResetReason | undefined;
  sentBytes: number;
}

export interface FrontDoor {
  readonly port: number;
  readonly front: Http1Front;
  readonly ca: string;
  /** Accepted sockets that are open, upgraded ones too. */
  readonly open: number;
  readonly requests: Arrivals<ReceivedRequest>;
  readonly upgrades: Arrivals<UpgradeRequest>;
  /** Fails when a connection is left. */
  close(): Promise<void>;
}

export interface FrontDoorOptions {
  readonly limits?: Partial<Http1Limits>;
  /** False leaves the body with the receiver, so that the client has to wait. */
  readonly consume?: boolean;
  /** Called within `onRequest`. */
  readonly answer?: (request: ReceivedRequest) => void;
}

/** Makes a PKI that is removed by the returned function. */
export async function temporaryPki(): Promise<{ pki: Pki; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'http1-test-'));
  const pki = await createPki(directory);
  return { pki, remove: () => rm(directory, { recursive: true }) };
}

export async function openFrontDoor(pki: Pki, options: FrontDoorOptions = {}): Promise<FrontDoor> {
  const requests = new Arrivals<ReceivedRequest>();
  const upgrades = new Arrivals<UpgradeRequest>();
  const sockets = new Set<TLSSocket>();
  const front = createHttp1Front({
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onRequest: (stream, headers, endStream, socket) => {
      const request = listen({ stream, headers, endStream, socket }, options.consume ?? true);
      options.answer?.(request);
      requests.push(request);
    },
    onUpgrade: (request) => upgrades.push(request),
  });
  const { cert, key } = pki.door;
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    front.serve(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    front,
    ca: pki.clusterCa.cert,
    get open() {
      return sockets.size;
    },
    requests,
    upgrades,
    close: async () => {
      front.destroy();
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(
  arrived: Pick<ReceivedRequest, 'stream' | 'headers' | 'endStream' | 'socket'>,
  consume: boolean,
): ReceivedRequest {
  const request: ReceivedRequest = {
    ...arrived,
    body: Buffer.alloc(0),
    trailers: undefined,
    ended: arrived.endStream,
    reset: undefined,
    sentBytes: 0,
  };
  arrived.stream.listener = {
    onHeaders: (_stream, headers, endStream) => {
      request.trailers = headers;
      request.ended = endStream;
    },
    onData: (stream, chunk, endStream) => {
      request.body = Buffer.concat([request.body, chunk]);
      request.ended = endStream;
      if (consume) stream.consumed(chunk.length);
    },
    onSent: (_stream, bytes) => {
      request.sentBytes += bytes;
    },
    onReset: (_stream, reason) => {
      request.reset = reason;
    },
  };
  return request;
}
