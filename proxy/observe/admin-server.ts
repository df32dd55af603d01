// Plain HTTP on a port of its own, for probes, Prometheus and people. It answers while clients of
// the main port are refused, and nothing that it shows is secret.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import type { Log } from '../../common/log.ts';
import {
  type AdminPage,
  counted,
  endpointReports,
  readinessChecks,
  textPage,
  verboseChecks,
} from './admin-pages.ts';
import { CONTENT_TYPES, chooseFormat, type ExpositionFormat } from './exposition.ts';
import type { LivePage } from './page/live-page.ts';
import { pageRoutes } from './page/page-routes.ts';
import type { ReplicaMetrics } from './replica-metrics.ts';
import type { EndpointChanges, Sources } from './sources.ts';
import type { TopReport } from './top-report.ts';

export interface AdminServerOptions {
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: ShownMetrics;
  /** Read at each request. */
  readonly sources: Sources;
  readonly changes: EndpointChanges;
  /** Without it there is no such page. */
  readonly replicas?: Pick<ReplicaMetrics, 'page' | 'timeoutMs'> | undefined;
  /** What is at `/`; without it there is no such page. It is closed with the server. */
  readonly page?: LivePage | undefined;
  readonly log: Log;
}

export interface ShownMetrics {
  readonly contentType: string;
  text(format: ExpositionFormat): Promise<string | Buffer>;
  /** Who asks for most; without it the page is empty. */
  top?(): Promise<TopReport>;
}

type Handler = (
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
) => AdminPage | Promise<AdminPage>;

/** Probes, a few scrapers and a person or two; a place in the file table is worth more elsewhere. */
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5000;
/** Between two bytes of an answer to a reader that has stopped. */
const STALLED_TIMEOUT_MS = 10_000;
/** Each of them decompresses and rewrites what may be many megabytes. */
const MAX_REPLICA_PAGES = 4;
/** Longer than Prometheus' usual interval, so that a scrape finds its connection open. */
const KEEP_ALIVE_MS = 65_000;
/** Below this, compressing costs more than it saves. */
const MIN_GZIP_BYTES = 1024;
const CLOSE_TIMEOUT_MS = 1000;

const gzipAsync = promisify(gzip);

export class AdminServer {
  private readonly options: AdminServerOptions;
  private readonly handlers: Map<string, Handler>;
  private readonly server: Server;
  private replicaPages = 0;

  constructor(options: AdminServerOptions) {
    this.options = options;
    this.handlers = new Map<string, Handler>([
      ['/livez', livez],
      ['/readyz', (query) => readyz(options.sources, query)],
      ['/metrics', (_query, { accept }) => metricsPage(options.metrics, accept)],
      ['/debug/endpoints', () => endpointsPage(options)],
      ['/debug/top', () => topPage(options.metrics)],
    ]);
    const { replicas, page } = options;
    if (page !== undefined) {
      for (const [path, handler] of pageRoutes(page)) this.handlers.set(path, handler);
    }
    if (replicas !== undefined) {
      this.handlers.set('/replicas/metrics', () => this.replicaPage(replicas));
    }
    this.server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
      },
      // Catches what pages throw; sending a short text cannot fail.
      (request, response) => void this.serve(request, response),
    );
    this.server.maxConnections = MAX_CONNECTIONS;
    // Until the last replica has answered nothing is written.
    this.server.setTimeout(STALLED_TIMEOUT_MS + (replicas?.timeoutMs ?? 0));
    // Idle connections must not keep a probe out: whoever is next finds room.
    this.server.on('drop', () => this.server.closeIdleConnections());
  }

  /**
   * Rejects with Node's own error when the address cannot be listened on.
   * @returns the port, which is the system's choice for port 0
   */
  async listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.server.once('error', reject);
    this.server.listen(this.options.port, this.options.address, resolve);
    await promise;
    this.server.off('error', reject);
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends idle connections now, others with their answer, and all of them after a second. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Whoever looks at it would look for ever.
    this.options.page?.close();
    // Ends idle connections as well, those without a request so far included.
    this.server.close(() => resolve());
    const timer = setTimeout(() => this.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
    await promise;
    clearTimeout(timer);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      // A body may follow, and nobody is going to read it.
      response.setHeader('connection', 'close');
      await send(request, response, textPage(405, 'only GET and HEAD are allowed\n'));
      return;
    }
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    try {
      const page = await this.page(path, new URLSearchParams(query), request.headers);
      // Else a kept-alive connection would hold up `close`.
      if (!this.server.listening) response.setHeader('connection', 'close');
      await send(request, response, page);
    } catch (err) {
      this.options.log.error({ err, path }, 'an admin page failed');
      if (response.headersSent) {
        // Cut off, so that nobody takes half a page for a whole one.
        response.destroy();
        return;
      }
      response.setHeader('connection', 'close');
      await send(request, response, textPage(500, 'internal error, see the log\n'));
    }
  }

  private replicaPage(replicas: Pick<ReplicaMetrics, 'page'>): AdminPage {
    if (this.replicaPages >= MAX_REPLICA_PAGES) {
      return textPage(503, 'too many ask for the metrics of all replicas; try again\n');
    }
    const body = counted(replicas.page(), (one) => {
      this.replicaPages += one;
    });
    return { status: 200, contentType: CONTENT_TYPES.text, body };
  }

  private page(
    path: string,
    query: URLSearchParams,
    headers: IncomingHttpHeaders,
  ): AdminPage | Promise<AdminPage> {
    const handler = this.handlers.get(path);
    if (handler !== undefined) return handler(query, headers);
    return textPage(404, `not found; there are ${[...this.handlers.keys()].join(', ')}\n`);
  }
}

function livez(query: URLSearchParams): AdminPage {
  // Whoever gets this answer has shown that the event loop turns.
  return textPage(
    200,
    query.has('verbose') ? verboseChecks('livez', [{ name: 'ping', problem: undefined }]) : 'ok',
  );
}

function readyz(sources: Sources, query: URLSearchParams): AdminPage {
  const checks = readinessChecks(sources);
  const problems = checks.flatMap(({ problem }) => problem ?? []);
  const status = problems.length === 0 ? 200 : 503;
  if (query.has('verbose')) return textPage(status, verboseChecks('readyz', checks));
  return textPage(status, status === 200 ? 'ok' : `not ready: ${problems.join('; ')}\n`);
}

async function metricsPage(metrics: ShownMetrics, accept: string | undefined): Promise<AdminPage> {
  const format = chooseFormat(accept);
  const contentType = format === 'text' ? metrics.contentType : CONTENT_TYPES[format];
  return { status: 200, contentType, body: await metrics.text(format) };
}

async function topPage(metrics: ShownMetrics): Promise<AdminPage> {
  const body = `${JSON.stringify((await metrics.top?.()) ?? {}, null, 2)}\n`;
  return { status: 200, contentType: 'application/json', body };
}

function endpointsPage({ sources, changes }: AdminServerOptions): AdminPage {
  const { draining } = sources;
  const report = { draining, endpoints: endpointReports(sources, changes) };
  const body = `${JSON.stringify(report, null, 2)}\n`;
  return { status: 200, contentType: 'application/json', body };
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, headers = {}, uncompressed = false }: AdminPage,
): Promise<void> {
  response.setHeaders(new Map(Object.entries({ 'content-type': contentType, ...headers })));
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('vary', 'accept, accept-encoding');
  const compressed = !uncompressed && acceptsGzip(request.headers['accept-encoding']);
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) {
    response.writeHead(status, compressed ? { 'content-encoding': 'gzip' } : {});
    if (request.method === 'HEAD') response.end();
    else await sendParts(response, body, compressed);
    return;
  }
  let bytes: Buffer = typeof body === 'string' ? Buffer.from(body) : body;
  if (bytes.length >= MIN_GZIP_BYTES && compressed) {
    // In the thread pool, and fast rather than small: the event loop has watches to carry.
    bytes = await gzipAsync(bytes, { level: constants.Z_BEST_SPEED });
    response.setHeader('content-encoding', 'gzip');
  }
  response.setHeader('content-length', bytes.length);
  response.writeHead(status);
  response.end(bytes);
}

async function sendParts(
  response: ServerResponse,
  body: AsyncIterable<Buffer>,
  compressed: boolean,
): Promise<void> {
  const parts = Readable.from(body, { objectMode: false });
  const level = constants.Z_BEST_SPEED;
  const sent = compressed
    ? pipeline(parts, createGzip({ level }), response)
    : pipeline(parts, response);
  await sent.catch((error: unknown) => {
    // Whoever asked has gone, or has not read for too long.
    const gone = error instanceof Error && 'code' in error && /PREMATURE/.test(String(error.code));
    if (!gone) throw error;
  });
}

/** "gzip;q=0" says that it is not accepted (RFC 9110, section 12.5.3). */
function acceptsGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some((coding) => {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase());
    return name === 'gzip' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
