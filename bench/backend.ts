// A fast HTTP/2 backend, a program of its own: behind it the front door's share of the cost shows,
// which a kube-apiserver with its 400 us per request hides. Started by bench/front-door.ts.
import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';

const BODY = Buffer.alloc(2048, 'evenkeel ');

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const { values } = parseArgs({
    args: [...argv],
    options: { cert: { type: 'string' }, key: { type: 'string' } },
  });
  const { cert, key } = values;
  if (cert === undefined || key === undefined) throw new CommandError('--cert and --key: missing');
  const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    const ready = headers[':path'] === '/readyz';
    stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
    stream.end(ready ? 'ok' : BODY);
  });
  // Lost connections are the client's business.
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ event: 'listening', port })}\n`);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  server.close();
  return EXIT_CODE.ok;
}

await runCommand(main);
