// A front door in one process: the port, its own health checks and the admin port.
import type { Log } from '../common/log.ts';
import type { Config } from './config.ts';
import { openDoorCore } from './door.ts';
import type { HeaderList } from './http2/header-list.ts';
import { identityHeaders } from './identity/front-proxy-headers.ts';
import { AdminServer, type ShownMetrics } from './observe/admin-server.ts';
import { LivePage } from './observe/page/live-page.ts';
import { ReplicaMetrics } from './observe/replica-metrics.ts';
import { type HealthCheckOptions, OwnChecks } from './upstream/health-check.ts';

/** A front door that is open. */
export interface Door {
  readonly port: number;
  readonly adminPort: number;
  readonly endpointCount: number;
  readyEndpoints(): number;
  /** Requests, watches among them, that are being served; tunnels are not. */
  openExchanges(): number;
  /** Takes over the certificates, authorities and endpoints of another configuration. */
  reload(next: Config): void;
  /** Ends everything in good order, within the configured time. */
  drain(): Promise<void>;
}

/** Opens the door. Rejects when an address cannot be listened on. */
export async function openDoor(config: Config, log: Log, version: string): Promise<Door> {
  const health = new OwnChecks(healthCheckOptions(config));
  const replicas = createReplicaMetrics(config, log);
  const core = await openDoorCore(config, log, version, health, replicas);
  const { metrics, sources, changes, balancer, sampler } = core;
  const shown: ShownMetrics = {
    contentType: metrics.contentType,
    text: (format) => metrics.bytes(format),
    top: () => metrics.top(),
  };
  const page = new LivePage({
    version,
    sources,
    changes,
    figures: () => Promise.resolve([sampler.take()]),
    top: () => metrics.top(),
  });
  const pages = { metrics: shown, sources, changes, replicas, page };
  const admin = new AdminServer({ ...config.admin, ...pages, log });
  const adminPort = await admin.listen().catch(async (error: unknown) => {
    page.close();
    await core.drain();
    throw error;
  });
  return {
    port: core.port,
    adminPort,
    get endpointCount() {
      return balancer.endpoints.length;
    },
    readyEndpoints: () => balancer.readyCount,
    openExchanges: () => core.openExchanges(),
    reload: (next) => core.reload(next),
    async drain() {
      await core.drain();
      await admin.close();
    },
  };
}

/** Reads the endpoints' own metrics, unless that is turned off. */
export function createReplicaMetrics(config: Config, log: Log): ReplicaMetrics | undefined {
  const { enabled, group, ...options } = config.admin.replicaMetrics;
  if (!enabled) return undefined;
  return new ReplicaMetrics({ ...options, ...ownIdentity(config, [group]), log });
}

/** The check of one endpoint: who it says it is, and on which connections. */
export function healthCheckOptions(config: Config): HealthCheckOptions {
  const { path, intervalMs, timeoutMs, user } = config.health;
  const asUser = config.frontProxy !== undefined;
  return {
    path,
    intervalMs,
    timeoutMs,
    ...ownIdentity(config, []),
    user: asUser ? user : undefined,
  };
}

/** Who the door is when it asks for itself; nobody where it has no front-proxy certificate. */
function ownIdentity(
  { frontProxy, health }: Config,
  groups: readonly string[],
): Pick<HealthCheckOptions, 'identityClass' | 'identityHeaders'> {
  if (frontProxy === undefined) return { identityClass: 'anonymous', identityHeaders: [] };
  const headers = identityHeaders({ user: health.user, groups, extra: new Map() }) ?? [];
  return { identityClass: 'certificate', identityHeaders: headers as HeaderList };
}
