// What stands before the door when the gate is tried: it ends TLS, so that it knows requests, and
// holds each for as long as it is told.
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Credential, Pki } from '../../tools/pki.ts';

export interface SlowRelayOptions {
  /** `https://host:port`, of the door. */
  readonly target: string;
  readonly pki: Pick<Pki, 'clusterCa'> & { readonly door: Credential };
  /** Before a request is handed on. May change while the relay runs. */
  readonly delayMs: (method: string) => number;
}

/** Fields of one connection (RFC 9110, section 7.6.1), which HTTP/2 knows none of. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Speaks HTTP/2 and HTTP/1.1 with clients, and HTTP/1.1 with the door. Must be closed. */
export class SlowRelay {
  readonly #options: SlowRelayOptions;
  readonly #server: Http2SecureServer;
  readonly #agent: Agent;
  readonly #sessions = new Set<{ destroy(): void }>();

  constructor(options: SlowRelayOptions) {
    const { cert, key } = options.pki.door;
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, ca: options.pki.clusterCa.cert });
    this.#server = createSecureServer({ cert, key, allowHTTP1: true });
    this.#server.on('session', (session) => this.#keep(session));
    this.#server.on('secureConnection', (socket) => this.#keep(socket));
    this.#server.on('request', (from, to) => this.#take(from, to));
  }

  /** Listens on a free port of 127.0.0.1. */
  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(connection: {
    destroy(): void;
    once(event: 'close', listener: () => void): unknown;
  }): void {
    this.#sessions.add(connection);
    connection.once('close', () => this.#sessions.delete(connection));
  }

  #take(from: Http2ServerRequest, to: Http2ServerResponse): void {
    const delayMs = this.#options.delayMs(from.method);
    if (delayMs === 0) this.#forward(from, to);
    else setTimeout(() => this.#forward(from, to), delayMs);
  }

  #forward(from: Http2ServerRequest, to: Http2ServerResponse): void {
    const sent = request(`${this.#options.target}${from.url}`, {
      agent: this.#agent,
      method: from.method,
      headers: forwarded(from.headers),
    });
    sent.on('response', (answer) => this.#answer(answer, to));
    sent.on('error', () => to.stream?.destroy());
    to.on('close', () => sent.destroy());
    from.pipe(sent);
  }

  #answer(answer: IncomingMessage, to: Http2ServerResponse): void {
    to.writeHead(answer.statusCode ?? 502, forwarded(answer.headers));
    // What is cut off on one side is cut off on the other, never ended as if it were whole.
    answer.on('error', () => to.stream?.destroy());
    answer.pipe(to);
  }
}

function forwarded(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith(':') && name !== 'host' && !HOP_BY_HOP.has(name),
  );
  return Object.fromEntries(kept);
}
