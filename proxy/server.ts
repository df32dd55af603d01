// Makes the parts out of the configuration and ties them together; nobody else constructs any.
import type { Log } from '../common/log.ts';
import type { Config } from './config.ts';
import { errorResponse, ProxyError } from './errors.ts';
import { Exchange } from './handler.ts';
import type { OpenExchange } from './handler-parts.ts';
import { createTunnels } from './http1/tunnels.ts';
import type { HeaderList } from './http2/header-list.ts';
import type { MessageStream } from './http2/message-stream.ts';
import { identityHeaders } from './identity/front-proxy-headers.ts';
import { Listener } from './listener.ts';
import type { RequestObserver } from './observe/request-record.ts';
import { handleUpgrade, type UpgradeParts } from './upgrade-handler.ts';
import { Balancer } from './upstream/balancer.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import { HealthCheck } from './upstream/health-check.ts';
import { RetryBudget } from './upstream/retry-policy.ts';
import { KeptBodyMemory } from './upstream/upload.ts';
import { drainLongRunning } from './watch/drain.ts';

/** A front door that is open. */
export interface Door {
  readonly port: number;
  readonly adminPort: number;
  readonly endpointCount: number;
  readyEndpoints(): number;
  /** Requests, watches among them, that are being served; tunnels are not. */
  openExchanges(): number;
  /** Ends everything in good order, within the configured time. */
  drain(): Promise<void>;
}

/** Deadlines, silent connections and idle ones are looked at this often. */
const SWEEP_MS = 1000;
/** A connection gets a second one beside it at this many streams, up to so many in a pool. */
const SPREAD_STREAMS = 16;
const SPREAD_CONNECTIONS = 4;

/** Opens the door. Rejects when an address cannot be listened on. */
export async function openDoor(config: Config, log: Log): Promise<Door> {
  const nowMs = (): number => performance.now();
  const checks = new Map<Endpoint, HealthCheck>();
  const balancer = createBalancer(config, log, checks, nowMs);
  const open = new Set<OpenExchange>();
  const parts = createParts(config, balancer, open, nowMs);
  const listener = createListener(config, log, parts);
  for (const endpoint of balancer.endpoints) {
    checks.set(endpoint, createCheck(config, endpoint));
  }
  const port = await listener.listen();
  const sweep = setInterval(() => {
    const now = nowMs();
    for (const exchange of open) exchange.checkDeadlines(now);
    for (const endpoint of balancer.endpoints) endpoint.sweep();
    listener.sweep();
  }, SWEEP_MS);

  return {
    port,
    adminPort: 0,
    endpointCount: balancer.endpoints.length,
    readyEndpoints: () => balancer.readyCount,
    openExchanges: () => open.size,
    async drain() {
      listener.drain();
      await withinTime(config.drain.timeoutMs, async () => {
        await drainLongRunning(open, config.drain.watchSpreadMs);
        await until(() => open.size === 0 && parts.tunnels.open === 0);
      });
      for (const check of checks.values()) check.stop();
      parts.tunnels.closeAll();
      listener.close();
      for (const endpoint of balancer.endpoints) endpoint.close('the front door closes');
      clearInterval(sweep);
    },
  };
}

function createBalancer(
  config: Config,
  log: Log,
  checks: ReadonlyMap<Endpoint, HealthCheck>,
  nowMs: () => number,
): Balancer {
  const { upstream, frontProxy, health, balancing } = config;
  return new Balancer({
    endpoints: upstream.endpoints,
    slowStartMs: balancing.slowStartMs,
    endpoint: {
      health,
      outlier: balancing.outlier,
      maxConnections: upstream.connectionsPerEndpoint,
      pool: {
        ca: upstream.caPem,
        ...(upstream.serverName === undefined ? {} : { serverName: upstream.serverName }),
        connectTimeoutMs: upstream.connectTimeoutMs,
        spreadStreams: SPREAD_STREAMS,
        spreadConnections: SPREAD_CONNECTIONS,
        nowMs,
      },
      ...(frontProxy === undefined ? {} : { frontProxy: tlsKeyPair(frontProxy) }),
      nowMs,
      onChange: (endpoint, what) => log.warn({ endpoint: endpoint.name, what }, 'endpoint changed'),
      onSuspicion: (endpoint) => checks.get(endpoint)?.checkNow(),
    },
  });
}

function createParts(
  config: Config,
  balancer: Balancer,
  open: Set<OpenExchange>,
  nowMs: () => number,
): UpgradeParts {
  const { retry, upstream, limits, frontProxy } = config;
  return {
    balancer,
    open,
    nowMs,
    observer: noObserver,
    retryBudget: new RetryBudget(
      { percent: retry.budgetPercent, minPerSecond: retry.minPerSecond },
      nowMs,
    ),
    keptBodies: new KeptBodyMemory(retry.replayMemoryBytes),
    alsoStrip: frontProxy?.stripHeaders ?? [],
    maxAttempts: retry.maxAttempts,
    maxKeptBodyBytes: retry.replayBodyBytes,
    answerTimeoutMs: upstream.headerTimeoutMs,
    uploadIdleMs: limits.idleUploadMs,
    tunnels: createTunnels(),
    caPem: upstream.caPem,
    serverName: upstream.serverName,
    frontProxy: frontProxy === undefined ? undefined : tlsKeyPair(frontProxy),
  };
}

function createListener(config: Config, log: Log, parts: UpgradeParts): Listener {
  return new Listener({
    ...config.listen,
    clientCaPem: config.identity.clientCaPem,
    sendUid: config.identity.sendUid,
    limits: config.limits,
    nowMs: parts.nowMs,
    events: {
      onRequest: (stream, client, headers, endStream) =>
        new Exchange(parts, stream, client, headers, endStream).begin(),
      onOversizedRequest: (stream) => answerOversized(stream),
      onUpgrade: (request, client) => void handleUpgrade(parts, request, client),
      onRejected: (reason, detail) => log.debug({ reason, detail }, 'connection refused'),
      onProtocolError: (client, detail) =>
        log.info({ client: client.address, detail }, 'connection ended for its conduct'),
    },
  });
}

function createCheck(config: Config, endpoint: Endpoint): HealthCheck {
  const { path, intervalMs, timeoutMs, user } = config.health;
  const asUser = config.frontProxy !== undefined;
  const headers = identityHeaders({ user, groups: [], extra: new Map() }) ?? [];
  return new HealthCheck(endpoint, {
    path,
    intervalMs,
    timeoutMs,
    identityClass: asUser ? 'certificate' : 'anonymous',
    identityHeaders: (asUser ? headers : []) as HeaderList,
  });
}

function answerOversized(stream: MessageStream): void {
  const { headers, body } = errorResponse(
    new ProxyError('the header fields of the request are too large', { code: 'header_too_large' }),
  );
  stream.sendHeaders(headers, false);
  stream.sendData(body, true);
  stream.stopReading();
}

function tlsKeyPair(pair: { readonly certificatePem: string; readonly keyPem: string }): {
  cert: string;
  key: string;
} {
  return { cert: pair.certificatePem, key: pair.keyPem };
}

async function withinTime(limitMs: number, work: () => Promise<void>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, limitMs);
  await Promise.race([work(), limit.promise]);
  clearTimeout(timer);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 50));
}

const noObserver: RequestObserver = { entered() {}, left() {} };
