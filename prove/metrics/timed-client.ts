// Sends requests and keeps the time of each, as its client sees it.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { MixedRequest } from './mix.ts';

export interface TimedAnswer {
  readonly status: number;
  /** From the request to the last byte. */
  readonly seconds: number;
}

const STREAMS_PER_CONNECTION = 80;
const CONNECTIONS = 5;

export interface TimedClientOptions {
  readonly url: string;
  readonly ca: string;
  readonly certificate: { readonly cert: string; readonly key: string };
}

/** A client of some hundred streams, on a few connections. */
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

  /** Opens as many connections as it ever needs. */
  async connect(): Promise<void> {
    for (let index = 0; index < CONNECTIONS; index += 1) await this.#open(index);
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** The connection for one more stream. */
  #session(): ClientHttp2Session {
    const open = this.#sessions[Math.floor(this.#streams / STREAMS_PER_CONNECTION)];
    if (open === undefined) throw new Error(`no room for more than ${this.#streams} streams`);
    return open;
  }

  async #open(index: number): Promise<void> {
    const { url, ca, certificate } = this.#options;
    const session = connect(url, { ca, ...certificate });
    session.on('error', () => undefined);
    this.#sessions[index] = session;
    await once(session, 'connect');
  }
}
