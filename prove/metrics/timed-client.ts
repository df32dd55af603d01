// Sends requests and keeps the time of each, as its client sees it.
import { type ClientHttp2Session, connect } from 'node:http2';
import type { MixedRequest } from './mix.ts';

export interface TimedAnswer {
  readonly status: number;
  /** From the request to the last byte. */
  readonly seconds: number;
}

const STREAMS_PER_CONNECTION = 80;

export interface TimedClientOptions {
  readonly url: string;
  readonly ca: string;
  readonly certificate: { readonly cert: string; readonly key: string };
}

/** A client with as many connections as its streams need. */
export class TimedClient {
  readonly #options: TimedClientOptions;
  readonly #sessions: ClientHttp2Session[] = [];
  #streams = 0;

  constructor(options: TimedClientOptions) {
    this.#options = options;
  }

  /** @param onAnswered called when the header of the answer has come */
  send(request: MixedRequest, onAnswered: () => void = () => undefined): Promise<TimedAnswer> {
    const { method, path, body, contentType } = request;
    const headers = {
      ':method': method,
      ':path': path,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    };
    const session = this.#session();
    this.#streams += 1;
    const startedMs = performance.now();
    const stream = session.request(headers, { endStream: body === undefined });
    let status = 0;
    stream.on('response', (fields) => {
      status = Number(fields[':status']);
      onAnswered();
    });
    stream.resume();
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      stream.once('end', () => {
        this.#streams -= 1;
        resolve({ status, seconds: (performance.now() - startedMs) / 1000 });
      });
      stream.once('error', reject);
    });
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** The connection for one more stream. */
  #session(): ClientHttp2Session {
    const index = Math.floor(this.#streams / STREAMS_PER_CONNECTION);
    const open = this.#sessions[index];
    if (open !== undefined) return open;
    const { url, ca, certificate } = this.#options;
    const session = connect(url, { ca, ...certificate });
    session.on('error', () => undefined);
    this.#sessions[index] = session;
    return session;
  }
}
