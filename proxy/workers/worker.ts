// One of several processes that serve clients of one port. What there is once, health checks and
// the admin port, is the primary's.
import type { Log } from '../../common/log.ts';
import type { Config } from '../config.ts';
import type { ConfigReload } from '../config-reload.ts';
import { type DoorCore, openDoorCore } from '../door.ts';
import { poolCounts } from '../observe/sources.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { FirstResults, type HealthSource } from '../upstream/health-check.ts';
import type { ToPrimary, ToWorker, WorkerLoad } from './messages.ts';

/** The channel to the primary; in a worker, `process` is one. */
export interface PrimaryChannel {
  send?(message: ToPrimary): unknown;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  disconnect?(): void;
}

const LOAD_INTERVAL_MS = 1000;

/** Serves until the primary says that it is enough, or is gone. */
export async function runWorker(
  config: Config,
  log: Log,
  version: string,
  primary: PrimaryChannel,
  reload: ConfigReload,
): Promise<void> {
  const tell = (message: ToPrimary): void => void primary.send?.(message);
  const health = new RelayedChecks(tell);
  const drain = Promise.withResolvers<void>();
  primary.on('message', (message) => {
    if (message.kind === 'checked') health.checked(message);
    else if (message.kind === 'drain') drain.resolve();
  });
  // Without a primary nobody checks endpoints and nobody would restart us.
  primary.on('disconnect', () => drain.resolve());
  let core: DoorCore;
  try {
    core = await openDoorCore(config, log, version, health);
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    primary.disconnect?.();
    return;
  }
  primary.on('message', (message) => {
    if (message.kind === 'ask') void answer(core, message, tell);
    else if (message.kind === 'reload') reload.reload('told to', (next) => core.reload(next));
  });
  // The primary compares them with what the endpoints say of themselves.
  for (const { served } of core.balancer.endpoints) {
    served.collecting = config.admin.replicaMetrics.enabled;
  }
  const tellLoad = (): void => tell({ kind: 'load', load: loadOf(core) });
  tell({ kind: 'open', port: core.port });
  tellLoad();
  const timer = setInterval(tellLoad, LOAD_INTERVAL_MS);
  await drain.promise;
  await core.drain();
  clearInterval(timer);
  primary.disconnect?.();
}

async function answer(
  { metrics, sampler }: DoorCore,
  { id, what }: Extract<ToWorker, { kind: 'ask' }>,
  tell: (message: ToPrimary) => void,
): Promise<void> {
  const answers = {
    metrics: () => metrics.json(),
    top: () => metrics.top(),
    figures: () => sampler.take(),
  };
  tell({ kind: 'answer', id, answer: await answers[what]() });
}

function loadOf({ sources, balancer }: DoorCore): WorkerLoad {
  return {
    http2Connections: sources.http2Connections,
    http1Connections: sources.http1Connections,
    openTunnels: sources.openTunnels,
    endpoints: balancer.endpoints.map((endpoint) => ({
      name: endpoint.name,
      ejected: endpoint.ejected,
      requests: endpoint.load.requests,
      longRunning: endpoint.load.longRunning,
      pools: poolCounts(endpoint),
      served: endpoint.served.take(),
    })),
  };
}

/** Health checks that the primary makes. */
class RelayedChecks implements HealthSource {
  private readonly tell: (message: ToPrimary) => void;
  private endpoints: readonly Endpoint[] = [];
  private first: FirstResults | undefined;

  constructor(tell: (message: ToPrimary) => void) {
    this.tell = tell;
  }

  async start(endpoints: readonly Endpoint[]): Promise<void> {
    this.endpoints = endpoints;
    this.first = new FirstResults(endpoints.length);
    // The results so far are not known here: ask, so that nobody waits a whole interval.
    for (const endpoint of endpoints) this.checkNow(endpoint);
    await this.first.all;
  }

  checkNow(endpoint: Endpoint): void {
    this.tell({ kind: 'suspicion', endpoint: endpoint.name });
  }

  checked(result: { endpoint: string; passed: boolean; detail: string }): void {
    const endpoint = this.endpoints.find(({ name }) => name === result.endpoint);
    endpoint?.checked(result.passed, result.detail);
    this.first?.add(result.endpoint);
  }

  stop(): void {
    this.endpoints = [];
  }
}
