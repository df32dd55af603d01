// `serve`: the verdicts of `lag`, round after round, for Prometheus.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import type { Command, CommandContext } from './command.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { LagExporter } from './exporter.ts';
import { readDurationMs, readText } from './flag-values.ts';
import { watchLag } from './lag-watch.ts';
import { type ListenAddress, parseListen } from './listen-address.ts';
import { readRoster } from './roster.ts';

const DEFAULT_LISTEN = '127.0.0.1:9379';
const DEFAULT_INTERVAL_MS = 5000;
const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 10 * 60_000;
// Scrapers are few, and none of them has much to say.
const MAX_CONNECTIONS = 64;
const REQUEST_LIMIT_MS = 5000;
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

export const serve: Command = {
  name: 'serve',
  summary: 'the verdicts of lag as metrics for Prometheus, until Ctrl-C',
  example: 'serve --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --listen 0.0.0.0:9379',
  options: [
    { name: 'listen', value: 'HOST:PORT', help: `where /metrics is served (${DEFAULT_LISTEN})` },
    { name: 'interval', value: 'TIME', help: 'from one round to the next (5s)' },
  ],
  run: runServe,
};

async function runServe(context: CommandContext): Promise<ExitCode> {
  const { members, flags, timeoutMs, signal, say } = context;
  const address = parseListen(readText(flags, 'listen') ?? DEFAULT_LISTEN);
  const intervalMs = readInterval(flags);
  const exporter = new LagExporter(() => performance.now());
  const server = await listen(exporter, address);
  try {
    say(`serving http://${formatAddress(server.address() as AddressInfo)}/metrics`);
    const roster = await readRoster(members);
    for await (const watched of watchLag(roster, { intervalMs, timeoutMs, signal })) {
      exporter.add(watched);
    }
  } catch (error) {
    // Being stopped is how it ends.
    if (!signal.aborted) throw error;
  } finally {
    await close(server);
  }
  return ETCD_EXIT.ok;
}

function readInterval(flags: CommandContext['flags']): number {
  const intervalMs = readDurationMs(flags, 'interval', DEFAULT_INTERVAL_MS);
  if (intervalMs >= MIN_INTERVAL_MS && intervalMs <= MAX_INTERVAL_MS) return intervalMs;
  throw new CommandError(`--interval: expected a time from 100ms to 10m, got "${flags.interval}"`);
}

async function listen(exporter: LagExporter, { host, port }: ListenAddress): Promise<Server> {
  const server = createServer({ requestTimeout: REQUEST_LIMIT_MS }, ({ method, url }, response) =>
    answer(exporter, { method, url }, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`--listen: ${why}; choose another address`, { cause });
  }
  return server;
}

function answer(
  exporter: LagExporter,
  { method, url = '/' }: { readonly method: string | undefined; readonly url: string | undefined },
  response: ServerResponse,
): void {
  const [path] = url.split('?', 1);
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else if (path === '/metrics') {
    response.writeHead(200, { 'content-type': TEXT_FORMAT }).end(exporter.text());
  } else if (path === '/healthz') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
  } else {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('there is /metrics\n');
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // Scrapers keep their connections open.
  server.closeAllConnections();
  await closed;
}

function formatAddress({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
