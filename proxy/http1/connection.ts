import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HeaderList } from '../http2/header-list.ts';
import type { MessageStream } from '../http2/message-stream.ts';
import { Http1Exchange } from './exchange.ts';
import type { Http1Limits } from './limits.ts';
import { lingerThenDestroy } from './linger.ts';
import { requestHead } from './request-head.ts';
import { answerStatusAndClose } from './status-answer.ts';
import { type UpgradeRequest, upgradeProtocol } from './upgrade.ts';

export interface ConnectionContext {
  readonly limits: Http1Limits;
  readonly draining: boolean;
  onRequest(
    stream: MessageStream,
    headers: HeaderList,
    endStream: boolean,
    socket: TLSSocket,
  ): void;
  onUpgrade(request: UpgradeRequest): void;
}

/**
 * One HTTP/1.1 connection: its requests are answered one after the other, as Go's server does it,
 * and it decides when the connection ends.
 */
export class Http1Connection {
  readonly socket: TLSSocket;
  readonly #context: ConnectionContext;
  readonly #waiting: (() => void)[] = [];
  #active: Http1Exchange | undefined;
  /** The last response is on its way; nothing that the client still sends is processed. */
  #closing = false;
  /** What the client sends from here on cannot be understood. */
  #unreadable = false;
  #last: IncomingMessage | undefined;

  constructor(socket: TLSSocket, context: ConnectionContext) {
    this.socket = socket;
    this.#context = context;
    // node:http ends the last response of a connection with this. Its own version closes while the
    // client may still be sending.
    socket.destroySoon = () => lingerThenDestroy(socket, context.limits.linger);
  }

  onMessage(message: IncomingMessage, response: ServerResponse): void {
    if (this.#closing || this.#unreadable) {
      // After `Connection: close` no request is processed (RFC 9112, section 9.6).
      message.resume();
      return;
    }
    this.#unreadable = message === this.#last;
    if (this.#waiting.length >= this.#context.limits.maxPipelined) {
      this.socket.destroy();
      return;
    }
    const exchange = this.#createExchange(message, response);
    this.#waiting.push(() => this.#begin(exchange, message));
    if (this.#active === undefined) this.#next();
  }

  /** Whether node:http may hand over the socket. What it may not is answered as a plain request. */
  mayUpgrade(message: IncomingMessage): boolean {
    // With a response still to be written, the socket cannot be handed over.
    if (!this.#closing && this.#active === undefined) {
      const result = this.#translate(message);
      if ('head' in result && result.head.upgrade !== undefined) return true;
    }
    // Node's parser stops at any upgrade and forgets the rest of what it has read. A request that
    // is half in there would leave its other half to be read as the next one.
    this.#last = message;
    return false;
  }

  /** Passes the socket on. This connection is over. */
  onUpgrade(message: IncomingMessage, earlyBytes: Buffer): void {
    // The listeners of node:http are gone, and an error without a listener ends the process.
    this.socket.on('error', ignore);
    const result = this.#translate(message);
    if (!('head' in result) || result.head.upgrade === undefined) {
      this.socket.destroy();
      return;
    }
    if (earlyBytes.length > 0) this.socket.unshift(earlyBytes);
    const { headers, upgrade } = result.head;
    const protocol = upgradeProtocol(message.method ?? 'GET', upgrade);
    this.#context.onUpgrade({ headers, protocol, upgrade, socket: this.socket });
  }

  onConnect(): void {
    this.socket.on('error', ignore);
    // With a response still to be written, this one would be taken for it.
    if (this.#active !== undefined) this.socket.destroy();
    else this.#answer(405, 'CONNECT is not supported here');
  }

  /** The parser gave up, or the client took too long. */
  onClientError(error: NodeJS.ErrnoException): void {
    // An incomplete request and then the end: the client has left, and nobody reads an answer.
    const gone = error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE';
    if (gone || !this.socket.writable) {
      this.socket.destroy();
      return;
    }
    if (this.#closing) return;
    this.#unreadable = true;
    const { status, message } = describe(error);
    if (this.#active === undefined) this.#answer(status, message);
    else if (this.#active.receiving) this.#active.refuse(status, message);
    // Otherwise the error is in a later request: what came before is answered, then it ends.
  }

  /** Closes the connection when it has no request. */
  closeIdle(): void {
    if (this.#active === undefined && !this.#closing) this.#close();
  }

  #createExchange(message: IncomingMessage, response: ServerResponse): Http1Exchange {
    const exchange: Http1Exchange = new Http1Exchange(message, response, {
      limits: this.#context.limits,
      mustClose: () => this.#context.draining || (this.#unreadable && this.#waiting.length === 0),
      closing: () => {
        this.#closing = true;
        this.#waiting.length = 0;
      },
      done: () => {
        if (this.#active === exchange) this.#next();
      },
    });
    return exchange;
  }

  #begin(exchange: Http1Exchange, message: IncomingMessage): void {
    this.#active = exchange;
    const result = this.#translate(message);
    if ('refusal' in result) {
      exchange.refuse(result.refusal.status, result.refusal.message);
      return;
    }
    const { headers, hasBody, expectsContinue } = result.head;
    if (!hasBody) exchange.skipBody();
    this.#context.onRequest(exchange, headers, !hasBody, this.socket);
    if (hasBody) exchange.receiveBody(expectsContinue);
  }

  #next(): void {
    this.#active = undefined;
    if (this.#closing) return;
    const begin = this.#waiting.shift();
    if (begin !== undefined) begin();
    else if (this.#context.draining || this.#unreadable) this.#close();
  }

  #close(): void {
    this.#closing = true;
    lingerThenDestroy(this.socket, this.#context.limits.linger);
  }

  #answer(status: number, message: string): void {
    this.#closing = true;
    answerStatusAndClose(this.socket, status, message, this.#context.limits.linger);
  }

  #translate(message: IncomingMessage): ReturnType<typeof requestHead> {
    const { method = 'GET', url = '', httpVersion, rawHeaders } = message;
    const { maxHeaderFields } = this.#context.limits;
    return requestHead({ method, url, httpVersion, rawHeaders }, maxHeaderFields);
  }
}

function describe(error: NodeJS.ErrnoException): { status: number; message: string } {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'the header section is too large' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, message: 'the chunk extensions are too large' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'the request did not arrive in time' };
    default:
      return { status: 400, message: `the request is not valid HTTP/1.1: ${error.message}` };
  }
}

function ignore(): void {}
