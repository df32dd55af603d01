// A fast backend, a program of its own: behind it the front door's share of the cost shows, which a
// kube-apiserver with its 400 us per request hides. Its answers:
//
//   GET .../N               N bytes; 2 KiB when the path does not end in a number
//   GET ...?watch=true      a watch: an event, and then one whenever standard input says so
//   POST                    the length of what was sent
//
// A line on standard input is a SendEvents; the answer to it is {"event":"sent"}.
import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { WatchGroups, watchEvent } from './wire/watch-groups.ts';

const DEFAULT_BODY_BYTES = 2048;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** As many addresses as a control plane has replicas, all of one process. */
const PORTS = 3;
const MAX_STREAMS = 100; // As many as kube-apiserver allows on one connection.
const FIRST_VERSION = 1000;
const JSON_TYPE = 'application/json';

/** One request, whichever version it came by. */
interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly input: Readable;
  readonly output: Writable;
  /** Watches of one connection share it. */
  readonly connection: object;
  respond(headers: Readonly<Record<string, string | number>>): void;
}

class Backend {
  readonly #bodies = new Map<number, Buffer>();
  readonly #watches = new WatchGroups();

  handle({ method, path, input, output, connection, respond }: Exchange): void {
    output.on('error', () => undefined);
    if (method === 'POST') {
      countUpload(input, output, respond);
      return;
    }
    const [plainPath = '', query = ''] = path.split('?');
    if (query.includes('watch=true')) {
      respond({ 'content-type': JSON_TYPE });
      // nginx 1.22 keeps the header of an answer until the first bytes of its body are there.
      output.write(watchEvent(FIRST_VERSION));
      this.#watches.add(plainPath, connection, output);
      return;
    }
    const body = plainPath === '/readyz' ? Buffer.from('ok') : this.#body(plainPath);
    respond({ 'content-type': JSON_TYPE, 'content-length': body.length });
    output.end(body);
  }

  send(line: string): Promise<number> {
    return this.#watches.send(JSON.parse(line));
  }

  #body(path: string): Buffer {
    const asked = Number(path.slice(path.lastIndexOf('/') + 1));
    const bytes = Number.isInteger(asked) ? Math.min(asked, MAX_BODY_BYTES) : DEFAULT_BODY_BYTES;
    const kept = this.#bodies.get(bytes);
    if (kept !== undefined) return kept;
    const body = Buffer.alloc(bytes, 'evenkeel ');
    this.#bodies.set(bytes, body);
    return body;
  }
}

function countUpload(input: Readable, output: Writable, respond: Exchange['respond']): void {
  let bytes = 0;
  input.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  input.on('end', () => {
    // The client may have gone, at the end of a run, before the last byte was read.
    if (output.destroyed) return;
    const body = `${bytes}`;
    respond({ 'content-type': 'text/plain', 'content-length': body.length });
    output.end(body);
  });
}

/** With HTTP/2 alone, as a request listener for both would cost every stream an object. */
function http2Server(backend: Backend, credential: { cert: Buffer; key: Buffer }): Server {
  const settings = { maxConcurrentStreams: MAX_STREAMS };
  const server = createSecureServer({ ...credential, settings });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    backend.handle({
      method: headers[':method'] ?? '',
      path: headers[':path'] ?? '',
      input: stream,
      output: stream,
      connection: stream.session ?? stream,
      respond: (fields) => stream.respond({ ':status': 200, ...fields }),
    });
  });
  // Lost connections are the client's business.
  server.on('sessionError', () => undefined);
  return server;
}

/** For nginx, which speaks no HTTP/2 to its backends. */
function http1Server(backend: Backend, credential: { cert: Buffer; key: Buffer }): Server {
  const server = createServer({ ...credential, keepAliveTimeout: 0 }, (request, response) => {
    backend.handle({
      method: request.method ?? '',
      path: request.url ?? '',
      input: request,
      output: response,
      connection: request.socket,
      respond: (fields) => {
        response.writeHead(200, fields);
        response.flushHeaders();
      },
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

async function listenAll(create: () => Server): Promise<{ servers: Server[]; ports: number[] }> {
  const servers = Array.from({ length: PORTS }, create);
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
  }
  return { servers, ports: servers.map((server) => (server.address() as AddressInfo).port) };
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const { values } = parseArgs({
    args: [...argv],
    options: { cert: { type: 'string' }, key: { type: 'string' } },
  });
  if (values.cert === undefined || values.key === undefined) {
    throw new CommandError('--cert and --key: missing');
  }
  const credential = { cert: readFileSync(values.cert), key: readFileSync(values.key) };
  const backend = new Backend();
  const http2 = await listenAll(() => http2Server(backend, credential));
  const http1 = await listenAll(() => http1Server(backend, credential));
  const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const [port] = http2.ports;
  say({ event: 'listening', port, ports: http2.ports, http1Ports: http1.ports });
  for await (const line of createInterface({ input: process.stdin, signal })) {
    say({ event: 'sent', deliveries: await backend.send(line) });
  }
  for (const server of [...http2.servers, ...http1.servers]) server.close();
  return EXIT_CODE.ok;
}

await runCommand(main);
