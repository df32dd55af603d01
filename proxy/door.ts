// The front door without what there is once for all workers: makes the parts out of the
// configuration and ties them together. Nobody else constructs any.

import type { Log } from '../common/log.ts';
import { until, withinTime } from '../common/within-time.ts';
import type { Config } from './config.ts';
import {
  createBalancer,
  followList,
  noteChange,
  type Shared,
  upstreamTls,
} from './create-balancer.ts';
import { errorResponse, ProxyError } from './errors.ts';
import { Exchange } from './handler.ts';
import type { HandlerParts } from './handler-parts.ts';
import { TunnelsByPlace } from './http1/tunnels-by-place.ts';
import { upgradeDefaults } from './http1/upgrade-attempt.ts';
import type { MessageStream } from './http2/message-stream.ts';
import { WriteBuffers } from './http2/write-buffers.ts';
import { CallerNames } from './identity/caller-name.ts';
import type { Client } from './identity/client.ts';
import { Listener } from './listener.ts';
import { AccessLog } from './observe/access-log.ts';
import { Metrics } from './observe/metrics.ts';
import { observeAll } from './observe/observe-all.ts';
import { NotedRequests } from './observe/page/noted-requests.ts';
import { PageSampler } from './observe/page/page-sampler.ts';
import type { ReplicaMetrics } from './observe/replica-metrics.ts';
import { enterRecord } from './observe/request-record.ts';
import { EndpointChanges, type Sources } from './observe/sources.ts';
import { type OpenExchange, OpenExchanges } from './open-exchanges.ts';
import { handleUpgrade, type UpgradeParts } from './upgrade-handler.ts';
import type { Balancer } from './upstream/balancer.ts';
import type { PoolTls } from './upstream/connection-pool.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import type { HealthSource } from './upstream/health-check.ts';
import { ReadPlaces } from './upstream/read-places.ts';
import { RetryBudget } from './upstream/retry-policy.ts';
import { StallGuard } from './upstream/stall-guard.ts';
import { KeptBodyMemory } from './upstream/upload.ts';
import { drainLongRunning } from './watch/drain.ts';
import { WatchRegistry } from './watch/watch-registry.ts';

/** The part of a front door that serves clients. */
export interface DoorCore {
  readonly port: number;
  readonly balancer: Balancer;
  /** For metrics and pages. */
  readonly sources: Sources;
  readonly metrics: Metrics;
  readonly changes: EndpointChanges;
  /** For the page. */
  readonly sampler: PageSampler;
  /** Requests, watches among them, that are being served; tunnels are not. */
  openExchanges(): number;
  /** New connections are made with, and accepted by, the certificates of `next`; its endpoints too. */
  reload(next: Config): void;
  /** Ends everything in good order, within the configured time. */
  drain(): Promise<void>;
}

/** Deadlines, silent connections and idle ones are looked at this often. */
const SWEEP_MS = 1000;
/** Silent endpoints are found within this time of when they count as silent. */
const SILENCE_SWEEP_MS = 100;
/** When two of these come further apart, it is the door that has been silent. */
const STALL_MS = 750;

/**
 * Opens the port. Rejects when it cannot be listened on.
 * @param health where the results of health checks come from; stopped with the door
 * @param replicas reads the endpoints' metrics, where this process does it; stopped with the door
 */
export async function openDoorCore(
  config: Config,
  log: Log,
  version: string,
  health: HealthSource,
  replicas?: ReplicaMetrics,
): Promise<DoorCore> {
  const nowMs = (): number => performance.now();
  const changes = new EndpointChanges();
  const live = { config };
  const tls = (): PoolTls => upstreamTls(live.config);
  const shared: Shared = { nowMs, writeBuffers: new WriteBuffers(), tls };
  const balancer = createBalancer(config, log, shared, {
    onChange: noteChange(log, changes),
    onSuspicion: (endpoint) => health.checkNow(endpoint),
    onSilent: (endpoint, connection) => watches.suspect(endpoint, connection),
  });
  const tunnels = new TunnelsByPlace<Endpoint>();
  const state = { draining: false };
  const sources = sourcesOf(balancer, tunnels, state, () => listener, replicas);
  const metrics = new Metrics({ version, sources });
  const noted = new NotedRequests();
  const accessLog = new AccessLog({ log, sampleEvery: config.log.sampleEvery });
  const watches: WatchRegistry = createRegistry(config, log, balancer, metrics, nowMs);
  const parts: UpgradeParts = {
    ...createParts(config, shared),
    balancer,
    tunnels,
    watches,
    observer: observeAll([metrics, accessLog, noted]),
  };
  followList(balancer, {
    ...{ log, changes, health, replicas, graceMs: config.drain.timeoutMs },
    onLeaving: (endpoint) => watches.empty(endpoint),
    onGone(endpoint) {
      watches.forget(endpoint);
      parts.readPlaces.forget(endpoint);
      tunnels.close(endpoint);
    },
  });
  const openRecords = (): OpenExchange[] => parts.open.all();
  const sampler = new PageSampler({ requests: metrics.requests, noted, openRecords, nowMs });
  const listener: Listener = createListener(config, log, { ...parts, ...shared }, metrics);
  await health.start(balancer.endpoints);
  const port = await listener.listen().catch((error: unknown) => {
    health.stop();
    closeEndpoints(balancer, 'the port could not be opened');
    throw error;
  });
  replicas?.follow(balancer.endpoints);
  const guard = new StallGuard(STALL_MS);
  const timers = [
    setInterval(() => sweepAll(parts, listener), SWEEP_MS),
    setInterval(() => sweepEndpoints(balancer, guard.awakeSince(nowMs())), SILENCE_SWEEP_MS),
    setInterval(() => watches.rebalance(), SWEEP_MS),
  ];
  return {
    port,
    balancer,
    sources,
    metrics,
    changes,
    sampler,
    openExchanges: () => parts.open.size,
    reload(next) {
      live.config = next;
      listener.useCertificates(next.listen, next.identity.clientCaPem);
      balancer.list.replace(next.upstream.endpoints);
    },
    async drain() {
      state.draining = true;
      listener.drain();
      await withinTime(config.drain.timeoutMs, async (signal) => {
        await drainLongRunning(parts.open, config.drain.watchSpreadMs, signal);
        await until(() => parts.open.size === 0 && tunnels.open === 0, signal);
      });
      for (const timer of timers) clearInterval(timer);
      watches.stop();
      health.stop();
      replicas?.stop();
      tunnels.closeAll();
      listener.close();
      closeEndpoints(balancer, 'the front door closes');
      accessLog.close();
    },
  };
}

function sourcesOf(
  balancer: Balancer,
  tunnels: Pick<TunnelsByPlace<Endpoint>, 'open'>,
  state: { readonly draining: boolean },
  listener: () => Listener,
  replicas: ReplicaMetrics | undefined,
): Sources {
  return {
    get endpoints() {
      return balancer.endpoints;
    },
    get gone() {
      return balancer.list.gone;
    },
    get draining() {
      return state.draining;
    },
    get http2Connections() {
      return listener().http2Connections;
    },
    get http1Connections() {
      return listener().http1Connections;
    },
    get openTunnels() {
      return tunnels.open;
    },
    get replicas() {
      return replicas?.reports ?? [];
    },
  };
}

function sweepAll(parts: HandlerParts, listener: Listener): void {
  const nowMs = parts.nowMs();
  for (const exchange of parts.open.all()) exchange.checkDeadlines(nowMs);
  listener.sweep();
}

function sweepEndpoints(balancer: Balancer, awakeSinceMs: number): void {
  balancer.list.settle();
  for (const endpoint of balancer.list.all) endpoint.sweep(awakeSinceMs);
}

function closeEndpoints({ list }: Balancer, detail: string): void {
  for (const endpoint of list.all) endpoint.close(detail);
}

function createRegistry(
  { watches }: Config,
  log: Log,
  balancer: Balancer,
  metrics: Metrics,
  nowMs: () => number,
): WatchRegistry {
  const policy = { ...watches, ...watches.rebalance };
  const onBug = (error: unknown): void => log.error({ err: error }, 'a bug ended a watch');
  return new WatchRegistry(balancer, policy, metrics.watches, nowMs, onBug);
}

/** What of the parts comes from the configuration alone. */
function createParts(
  config: Config,
  { nowMs, tls }: Shared,
): Omit<UpgradeParts, 'balancer' | 'observer' | 'tunnels' | 'watches'> {
  const { retry, upstream, limits, frontProxy } = config;
  return {
    callerNames: new CallerNames(config.listen.keyPem),
    open: new OpenExchanges(),
    nowMs,
    retryBudget: new RetryBudget(
      { percent: retry.budgetPercent, minPerSecond: retry.minPerSecond },
      nowMs,
    ),
    readPlaces: new ReadPlaces(),
    keptBodies: new KeptBodyMemory(retry.replayMemoryBytes),
    alsoStrip: frontProxy?.stripHeaders ?? [],
    maxAttempts: retry.maxAttempts,
    maxKeptBodyBytes: retry.replayBodyBytes,
    answerTimeoutMs: upstream.headerTimeoutMs,
    uploadIdleMs: limits.idleUploadMs,
    upgradeLimits: { ...upgradeDefaults, connectTimeoutMs: upstream.connectTimeoutMs },
    serverName: upstream.serverName,
    tls,
  };
}

function createListener(
  config: Config,
  log: Log,
  parts: UpgradeParts & Shared,
  metrics: Metrics,
): Listener {
  return new Listener({
    ...config.listen,
    clientCaPem: config.identity.clientCaPem,
    sendUid: config.identity.sendUid,
    limits: config.limits,
    nowMs: parts.nowMs,
    writeBuffers: parts.writeBuffers,
    events: {
      onRequest: (stream, client, headers, endStream) =>
        new Exchange(parts, stream, client, headers, endStream).begin(),
      onOversizedRequest: (stream, client) => answerOversized(parts, stream, client),
      onUpgrade: (request, client) => void handleUpgrade(parts, request, client),
      onBug: (error) => log.error({ err: error }, 'a bug ended a client connection'),
      onRejected(reason, detail) {
        metrics.connectionRejected(reason);
        log.debug({ reason, detail }, 'connection refused');
      },
      onProtocolError(client, detail) {
        metrics.protocolError(client.protocol);
        log.info({ client: client.address, detail }, 'connection ended for its conduct');
      },
    },
  });
}

/** Of such a request nothing is known but that it was there. */
function answerOversized(parts: HandlerParts, stream: MessageStream, client: Client): void {
  const record = enterRecord(client, [], parts.nowMs());
  parts.observer.entered(record);
  const error = new ProxyError('the header fields of the request are too large', {
    code: 'header_too_large',
  });
  const { headers, body, status, code, detail } = errorResponse(error);
  record.status = status;
  record.failure = code;
  record.failureDetail = detail;
  stream.sendHeaders(headers, false);
  stream.sendData(body, true);
  stream.stopReading();
  parts.observer.left(record, parts.nowMs());
}
