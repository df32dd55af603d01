// One request and its response on an HTTP/1.1 connection, in the shape that the relay knows from
// HTTP/2 (MessageStream): bytes both ways with credit, trailers, 1xx, and an abrupt end.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderList } from '../http2/header-list.ts';
import type { MessageListener, MessageStream } from '../http2/message-stream.ts';
import type { Http1Limits } from './limits.ts';
import { type ResponseHead, responseHead, responseStatus, trailerPairs } from './response-head.ts';
import { StallTimer } from './stall-timer.ts';
import { statusAnswer } from './status-answer.ts';
import { Upload } from './upload.ts';

// RFC 9113, section 7.
const NO_ERROR = 0x0;
const PROTOCOL_ERROR = 0x1;
const INTERNAL_ERROR = 0x2;
const CANCEL = 0x8;

/** What an exchange needs to know of its connection. */
export interface ExchangeContext {
  readonly limits: Http1Limits;
  /** True when no further request of this connection will be answered. */
  mustClose(): boolean;
  /** `close` goes out with this response, so what the client sends from now on is dropped. */
  closing(): void;
  /** The response has left, or never will. Called once. */
  done(): void;
}

export class Http1Exchange implements MessageStream {
  listener: MessageListener = NOBODY;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #context: ExchangeContext;
  readonly #upload: Upload;
  #head: ResponseHead | undefined;
  #bodyBytesSent = 0;
  readonly #stall: StallTimer;
  #continueTimer: NodeJS.Timeout | undefined;
  /** Nothing may be called back any more. */
  #settled = false;
  #failure = { code: CANCEL, detail: 'the client closed the connection' };

  constructor(request: IncomingMessage, response: ServerResponse, context: ExchangeContext) {
    this.#request = request;
    this.#response = response;
    this.#context = context;
    this.#upload = new Upload(request, context.limits);
    this.#stall = new StallTimer(context.limits.stalledResponseMs, (detail) =>
      this.#fail(CANCEL, detail),
    );
    response.on('finish', () => this.#finished());
    response.on('close', () => this.#closed());
    // Errors of the connection are told by 'close'; without a listener they would be thrown.
    request.on('error', ignore);
    response.on('error', ignore);
  }

  /** True until the whole request has arrived. */
  get receiving(): boolean {
    return !this.#upload.ended;
  }

  /** Takes a request that has no body. Before the listener, which may answer at once. */
  skipBody(): void {
    this.#upload.skip();
  }

  /** Starts to deliver the body. The listener is in place. */
  receiveBody(expectsContinue: boolean): void {
    if (this.#settled) return;
    this.#upload.start({
      data: (chunk) => this.listener.onData(this, chunk, false),
      end: (trailers) => {
        if (trailers.length > 0) this.listener.onHeaders(this, trailers, true);
        else this.listener.onData(this, Buffer.alloc(0), true);
      },
      idle: () => this.refuse(408, 'the request body stopped arriving'),
    });
    // The expectation is passed on and the upstream's 100 comes back, so that a refusal spares the
    // client the body (RFC 9110, section 10.1.1). An upstream that never says it must not leave
    // the client waiting.
    if (expectsContinue && this.#head === undefined) {
      const { continueAfterMs } = this.#context.limits;
      this.#continueTimer = setTimeout(() => this.#sendContinue(), continueAfterMs);
    }
  }

  sendHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.#settled || this.#response.writableEnded) return;
    try {
      const status = responseStatus(headers);
      if (this.#head !== undefined) this.#sendTrailers(headers);
      else if (status !== undefined && status < 200) this.#sendInformation(status, headers);
      else this.#sendHead(headers, endStream);
    } catch (error) {
      // A field that HTTP/1.1 cannot carry. Half a response is worse than none.
      this.#fail(INTERNAL_ERROR, error instanceof Error ? error.message : String(error));
    }
  }

  sendData(chunk: Buffer, endStream: boolean): void {
    const head = this.#head;
    if (this.#settled || head === undefined || this.#response.writableEnded) return;
    this.#bodyBytesSent += chunk.length;
    if (!this.#lengthHolds(endStream)) return;
    if (head.framing === 'none' || chunk.length === 0) {
      // The answer to HEAD, or 204: there is no place for these bytes, and they are not waited for.
      process.nextTick(() => this.#sent(chunk.length));
    } else {
      this.#stall.waiting(1);
      this.#response.write(chunk, (error) => {
        this.#stall.waiting(-1);
        if (!error) this.#sent(chunk.length);
      });
    }
    if (endStream) this.#response.end();
  }

  consumed(bytes: number): void {
    this.#upload.consumed(bytes);
  }

  stopReading(): void {
    // Nothing to say: a response that ends before the request closes the connection, see #settle.
  }

  reset(_code: number): void {
    // HTTP/1.1 has no other way to end a response early than to close the connection. Without TLS
    // close_notify and without the last chunk the client sees that something is missing.
    this.#settle();
    this.#request.socket.destroy();
  }

  /** Answers with a Status of our own and closes. A listener that has the request is told. */
  refuse(status: number, message: string): void {
    if (this.#head !== undefined) {
      this.#fail(PROTOCOL_ERROR, message);
      return;
    }
    const { listener } = this;
    this.#settle();
    const { headers, body } = statusAnswer(status, message);
    this.#context.closing();
    this.#response.writeHead(status, [
      ...headers.slice(2),
      'content-length',
      String(body.length),
      'connection',
      'close',
    ]);
    this.#response.end(body);
    this.#upload.drop();
    listener.onReset(this, { code: PROTOCOL_ERROR, unprocessed: false, detail: message });
  }

  #sendInformation(status: number, headers: HeaderList): void {
    // HTTP/1.0 has no 1xx (RFC 9110, section 15.2), and 101 belongs to upgrades alone.
    if (this.#request.httpVersion !== '1.1' || status === 101) return;
    if (status === 100) this.#sendContinue();
    else this.#response.writeInformation(status, headers.slice(2));
  }

  /** Sends `100 Continue` once, and only to a client that waits for it. */
  #sendContinue(): void {
    if (this.#continueTimer === undefined) return;
    this.#clearContinueTimer();
    this.#response.writeContinue();
  }

  #sendHead(headers: HeaderList, endStream: boolean): void {
    this.#clearContinueTimer();
    // A response that overtakes its request ends the connection: the client would have to send the
    // rest of a body that nobody wants (RFC 9112, section 9.3).
    const close = this.receiving || this.#context.mustClose();
    const head = responseHead(headers, {
      method: this.#request.method ?? 'GET',
      http11: this.#request.httpVersion === '1.1',
      endStream,
      close,
    });
    this.#head = head;
    if (!this.#lengthHolds(endStream)) return;
    this.#response.writeHead(head.status, head.fields);
    if (close) this.#context.closing();
    if (endStream) {
      this.#response.end();
      return;
    }
    // A watch may have nothing to say for minutes, but its client waits for the head. Node holds the
    // write back for one turn, so that a short response still leaves in one TLS record. Not
    // `flushHeaders()`: it writes UTF-8, and a field holds one byte a character.
    this.#response.write('', 'latin1');
  }

  #sendTrailers(headers: HeaderList): void {
    if (!this.#lengthHolds(true)) return;
    // Only the chunked coding has a place for trailers (RFC 9112, section 7.1.2).
    if (this.#head?.framing === 'chunked') this.#response.addTrailers(trailerPairs(headers));
    this.#response.end();
  }

  /** Fails the exchange when its body is not what `content-length` announced. */
  #lengthHolds(endStream: boolean): boolean {
    const head = this.#head;
    if (head?.framing !== 'length') return true;
    const missingBytes = head.length - this.#bodyBytesSent;
    if (missingBytes === 0 || (missingBytes > 0 && !endStream)) return true;
    // More bytes would be read as the next response, fewer would swallow it.
    this.#fail(INTERNAL_ERROR, `the body does not have the announced ${head.length} bytes`);
    return false;
  }

  #sent(bytes: number): void {
    if (!this.#settled) this.listener.onSent(this, bytes);
  }

  #finished(): void {
    this.#stall.stop();
    const { listener } = this;
    const early = this.receiving && !this.#settled;
    this.#settle();
    if (this.receiving) this.#upload.drop();
    this.#context.done();
    if (!early) return;
    // RFC 9113, section 8.1 has the same end: a complete response and "send no more".
    const detail = 'the response ended before the request';
    listener.onReset(this, { code: NO_ERROR, unprocessed: false, detail });
  }

  #closed(): void {
    this.#stall.stop();
    if (this.#response.writableFinished) return;
    const { listener } = this;
    this.#settle();
    this.#context.done();
    listener.onReset(this, { ...this.#failure, unprocessed: false });
  }

  /** Ends the connection for a reason of ours; 'close' then tells the listener. */
  #fail(code: number, detail: string): void {
    this.#failure = { code, detail };
    this.#request.socket.destroy();
  }

  #settle(): void {
    this.#settled = true;
    this.listener = NOBODY;
    this.#upload.stop();
    this.#clearContinueTimer();
  }

  #clearContinueTimer(): void {
    clearTimeout(this.#continueTimer);
    this.#continueTimer = undefined;
  }
}

/** The listener of an exchange that nobody has taken over, or that is over. */
const NOBODY: MessageListener = {
  onHeaders() {},
  onData() {},
  onSent() {},
  onReset() {},
};

function ignore(): void {}
