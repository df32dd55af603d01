// An HTTP/2 TLS server in an apiserver's place that does exactly what a test tells it to.
import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Pki } from '../../tools/pki.ts';

export interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Common name of the client certificate on the connection; '' without one. */
  readonly certificate: string;
}

export type Behaviour = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export class ScriptedApiserver {
  readonly seen: Seen[] = [];
  /** What to do with a request; health checks are answered with 200 before it is asked. */
  behaviour: Behaviour = (stream) => answer(stream, 200, 'ok');
  ready = true;
  private readonly server: Http2SecureServer;
  private readonly sessions = new Set<ServerHttp2Session>();
  private port = 0;

  constructor(pki: Pki) {
    this.server = createSecureServer({
      cert: pki.apiserver.cert,
      key: pki.apiserver.key,
      ca: [pki.frontProxyCa.cert],
      requestCert: true,
      rejectUnauthorized: false,
    });
    this.server.on('session', (session) => {
      this.sessions.add(session);
      session.on('error', () => {});
      session.once('close', () => this.sessions.delete(session));
    });
    this.server.on('stream', (stream, headers) =>
      // The types of node:http2 give every stream of a server as a plain one.
      this.onStream(stream as ServerHttp2Stream, headers),
    );
    this.server.on('sessionError', () => {});
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  async listen(port = 0): Promise<void> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Cuts every connection, and takes no new one. */
  async kill(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const session of this.sessions) session.socket.destroy();
    await closed;
  }

  /** Ends the connections in good order; requests under way go on. */
  goaway(): void {
    for (const session of this.sessions) session.close();
  }

  private onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => {});
    if (headers['user-agent'] === 'evenkeel-health') {
      answer(stream, this.ready ? 200 : 500, 'health');
      return;
    }
    const socket = stream.session?.socket as TLSSocket | undefined;
    const subject = socket?.getPeerCertificate().subject as { CN?: string } | undefined;
    let body = '';
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    stream.on('end', () => this.seen.push({ headers, body, certificate: subject?.CN ?? '' }));
    this.behaviour(stream, headers);
  }
}

/** Answers at once, without waiting for the request's body. */
export function answer(
  stream: ServerHttp2Stream,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  stream.respond({ ':status': status, ...headers });
  stream.end(body);
}

/** Answers once the request's body has arrived. */
export function answerAfterBody(
  stream: ServerHttp2Stream,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  stream.once('end', () => answer(stream, status, body, headers));
  stream.resume();
}
