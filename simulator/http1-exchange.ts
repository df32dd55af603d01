// HTTP/1.1 requests as exchanges.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { collectBody, type Exchange, type ResponseHeaders } from './exchange.ts';
import type { Peer } from './identity.ts';

export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly httpVersion = '1.1';
  readonly rawHeaders: readonly string[];
  readonly peer: Peer;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, peer: Peer) {
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? '';
    this.target = request.url ?? '';
    this.rawHeaders = request.rawHeaders;
    this.peer = peer;
    response.on('error', () => response.destroy());
  }

  readBody(maxBytes: number): Promise<Buffer> {
    return collectBody(this.#request.iterator({ destroyOnReturn: false }), maxBytes);
  }

  respond(status: number, headers: ResponseHeaders, body: string | Buffer): void {
    // An unread rest would be taken for the next request: the connection cannot be kept.
    if (!this.#request.complete && this.#hasBody()) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(status, {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
    });
    this.#response.end(body);
  }

  open(status: number, headers: ResponseHeaders): Writable {
    this.#response.writeHead(status, headers);
    // Without a body yet, Node would hold the head back and the client would wait for it.
    this.#response.flushHeaders();
    return this.#response;
  }

  closeConnection(): void {
    this.#response.shouldKeepAlive = false;
  }

  #hasBody(): boolean {
    const { headers } = this.#request;
    const length = headers['content-length'] ?? '0';
    return length !== '0' || headers['transfer-encoding'] !== undefined;
  }
}
