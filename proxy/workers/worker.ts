// One of several processes that serve clients of one port. What there is once, health checks and
// the admin port, is the primary's.
import type { Log } from '../../common/log.ts';
import type { Config } from '../config.ts';
import type { ConfigReload } from '../config-reload.ts';
import { type DoorCore, openDoorCore } from '../door.ts';
import { poolCounts } from '../observe/sources.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { FirstResults, type HealthSource } from '../upstream/health-check.ts';
import { isSame, nameOf, type ToPrimary, type ToWorker, type WorkerLoad } from './messages.ts';

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
  // The primary compares what was served with what the endpoints say of themselves.
  const health = new RelayedChecks(tell, config.admin.replicaMetrics.enabled);
  const drain = Promise.withResolvers<void>();
  const told = { reload: false };
  primary.on('message', (message) => {
    if (message.kind === 'checked') health.checked(message);
    else if (message.kind === 'drain') drain.resolve();
    else if (message.kind === 'reload') told.reload = true;
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
    else if (message.kind === 'reload') takeOver();
  });
  const takeOver = (): void => reload.reload('told to', (next) => core.reload(next));
  // While it opened: it may have read the configuration before that.
  if (told.reload) takeOver();
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
      ...nameOf(endpoint),
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
  private readonly collecting: boolean;
  private endpoints: readonly Endpoint[] = [];
  private first: FirstResults | undefined;

  /** @param collecting whether endpoints are to keep which watches they have served */
  constructor(tell: (message: ToPrimary) => void, collecting: boolean) {
    this.tell = tell;
    this.collecting = collecting;
  }

  async start(endpoints: readonly Endpoint[]): Promise<void> {
    this.first = new FirstResults(endpoints.length);
    this.follow(endpoints);
    await this.first.all;
  }

  follow(endpoints: readonly Endpoint[]): void {
    const before = this.endpoints;
    this.endpoints = endpoints;
    for (const endpoint of endpoints) {
      if (before.includes(endpoint)) continue;
      endpoint.served.collecting = this.collecting;
      // The results so far are not known here: ask, so that nobody waits a whole interval.
      this.checkNow(endpoint);
    }
  }

  checkNow(endpoint: Endpoint): void {
    this.tell({ kind: 'suspicion', endpoint: nameOf(endpoint) });
  }

  checked({ endpoint: name, passed, detail }: Extract<ToWorker, { kind: 'checked' }>): void {
    const endpoint = this.endpoints.find((one) => isSame(one, name));
    if (endpoint === undefined) return;
    endpoint.checked(passed, detail);
    this.first?.add(endpoint.name);
  }

  stop(): void {
    this.endpoints = [];
  }
}
