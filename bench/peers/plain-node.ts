// What one writes in Node without an engine of one's own: node:http2 in front, undici behind. A
// program of its own, the alternative that docs/decisions/0001-own-http2-engine.md decided against.
import { readFileSync } from 'node:fs';
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { Agent } from 'undici';
import { runCommand } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';

/** RFC 9110, section 7.6.1: they are about one connection, and HTTP/2 does not know them. */
const HOP_BY_HOP: readonly string[] = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'];

/** The stream itself would never end for undici, which waits for both of its halves. */
function bodyOf(stream: ServerHttp2Stream): PassThrough {
  const body = new PassThrough();
  pipeline(stream, body).catch(() => body.destroy());
  return body;
}

async function relay(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { agent, origin }: { agent: Agent; origin: string },
): Promise<void> {
  const method = headers[':method'] ?? 'GET';
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  const answer = await agent.request({
    origin,
    path: headers[':path'] ?? '/',
    method: method as 'GET',
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name, value]) => !name.startsWith(':') && value),
    ) as Record<string, string>,
    body: hasBody ? bodyOf(stream) : null,
    signal: gone.signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const kept = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
  stream.respond({ ':status': answer.statusCode, ...Object.fromEntries(kept) });
  await pipeline(answer.body, stream);
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const text = { type: 'string', default: '' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: { port: text, cert: text, key: text, upstreams: text },
  });
  const origins = values.upstreams.split(',');
  // Not verified, like the other peers: it is work of the handshake alone.
  const agent = new Agent({ allowH2: true, connect: { rejectUnauthorized: false } });
  const server = createSecureServer({
    cert: readFileSync(values.cert),
    key: readFileSync(values.key),
  });
  let turn = 0;
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    const origin = origins[turn++ % origins.length] ?? '';
    relay(stream, headers, { agent, origin }).catch(() => stream.destroy());
  });
  // Lost connections are the client's business.
  server.on('sessionError', () => undefined);
  server.listen(Number(values.port), '127.0.0.1');
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  server.close();
  await agent.destroy();
  return EXIT_CODE.ok;
}

await runCommand(main);
