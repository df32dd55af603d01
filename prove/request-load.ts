// A steady flow of requests over HTTP/2, slow enough for the machine to have time left: it shows how
// requests are spread and what clients see of a lost replica, not how many there can be.
import { type ClientHttp2Session, connect, constants } from 'node:http2';

export interface RequestLoadOptions {
  readonly url: string;
  readonly ca: string;
  readonly certificate: { readonly cert: string; readonly key: string };
  readonly connections: number;
  readonly requestsPerSecond: number;
  /** The next request to send. */
  readonly next: () => LoadRequest;
}

export interface LoadRequest {
  readonly method: 'GET' | 'PATCH';
  readonly path: string;
  readonly body?: string;
}

export interface RequestCounts {
  readonly sent: number;
  /** Answers, and the lack of one, that were not 2xx: `GET 503` or `PATCH no answer`, by number. */
  readonly failures: ReadonlyMap<string, number>;
}

const TICK_MS = 20;
const ANSWER_LIMIT_MS = 10_000;

/** Sends until it is stopped. */
export class RequestLoad {
  readonly #options: RequestLoadOptions;
  readonly #sessions: ClientHttp2Session[];
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<void>>();
  readonly #failures = new Map<string, number>();
  #sent = 0;
  #due = 0;

  constructor(options: RequestLoadOptions) {
    this.#options = options;
    this.#sessions = Array.from({ length: options.connections }, () => this.#connect());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Resolves with all counts when every request has been answered. */
  async stop(): Promise<RequestCounts> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    for (const session of this.#sessions) session.destroy();
    return { sent: this.#sent, failures: this.#failures };
  }

  #tick(): void {
    this.#due += (this.#options.requestsPerSecond * TICK_MS) / 1000;
    for (; this.#due >= 1; this.#due -= 1) {
      const request = this.#options.next();
      const answered = this.#send(request).then((outcome) => {
        this.#open.delete(answered);
        if (!/^2\d\d$/.test(outcome)) this.#count(`${request.method} ${outcome}`);
      });
      this.#open.add(answered);
    }
  }

  /** Resolves with the status code, or with `no answer`. */
  #send({ method, path, body }: LoadRequest): Promise<string> {
    const index = this.#sent++ % this.#sessions.length;
    const session = this.#session(index);
    return new Promise((resolve) => {
      let status = 'no answer';
      const stream = session.request(
        {
          ':method': method,
          ':path': path,
          ...(body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }),
        },
        { endStream: body === undefined },
      );
      stream.setTimeout(ANSWER_LIMIT_MS, () => stream.close(constants.NGHTTP2_CANCEL));
      stream.on('response', (headers) => {
        status = String(headers[':status']);
      });
      // An answer that breaks off is none, whatever its status was.
      stream.on('error', () => resolve('no answer'));
      stream.on('close', () => resolve(stream.rstCode === 0 ? status : 'no answer'));
      stream.resume();
      if (body !== undefined) stream.end(body);
    });
  }

  #session(index: number): ClientHttp2Session {
    const session = this.#sessions[index];
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    this.#count('connection lost');
    const fresh = this.#connect();
    this.#sessions[index] = fresh;
    return fresh;
  }

  #connect(): ClientHttp2Session {
    const { url, ca, certificate } = this.#options;
    // Its streams report the loss; a session without a listener would end the process.
    return connect(url, { ca, ...certificate }).on('error', () => undefined);
  }

  #count(failure: string): void {
    this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1);
  }
}
