// The process that keeps the workers: it starts them, checks the endpoints for all of them, and
// shows their figures as one. It serves no client itself.

import cluster, { type Worker } from 'node:cluster';
import type { Log } from '../../common/log.ts';
import type { Config } from '../config.ts';
import { createBalancer, followList, noteChange, upstreamTls } from '../create-balancer.ts';
import { WriteBuffers } from '../http2/write-buffers.ts';
import { AdminServer } from '../observe/admin-server.ts';
import { METRICS_CONTENT_TYPE, mergeMetrics } from '../observe/metrics.ts';
import { LivePage } from '../observe/page/live-page.ts';
import type { PageFigures } from '../observe/page/page-figures.ts';
import type { ReplicaMetrics } from '../observe/replica-metrics.ts';
import { replicaSnapshot } from '../observe/replica-snapshot.ts';
import { EndpointChanges } from '../observe/sources.ts';
import { mergeReports, type TopReport } from '../observe/top-report.ts';
import { createReplicaMetrics, healthCheckOptions } from '../server.ts';
import { OwnChecks } from '../upstream/health-check.ts';
import { MergedSources } from './merged-sources.ts';
import {
  type Asked,
  type EndpointName,
  isSame,
  nameOf,
  type ToPrimary,
  type ToWorker,
  type WorkerLoad,
} from './messages.ts';
import { RestartPace } from './restart-pace.ts';

export interface PrimaryDoor {
  readonly port: number;
  readonly adminPort: number;
  /** Takes over what it can of another configuration, and tells all workers. */
  reload(next: Config): void;
  /** Ends all workers in good order, within the configured time. */
  drain(): Promise<void>;
}

/** A worker that does not answer is left out after this time. */
const ANSWER_TIMEOUT_MS = 2000;
/** Endpoints that were removed are looked after this often. */
const SETTLE_MS = 100;
/** And may take so long to close: this process only has its checks there, which it has stopped. */
const CLOSE_MS = 1000;

/** Starts `count` workers. Rejects when the first of them cannot open the port. */
export async function openWithWorkers(
  config: Config,
  log: Log,
  version: string,
  count: number,
): Promise<PrimaryDoor> {
  const nowMs = (): number => performance.now();
  const changes = new EndpointChanges();
  const workers = new Workers(log, nowMs);
  const live = { config };
  const balancer = createBalancer(
    config,
    log,
    { nowMs, writeBuffers: new WriteBuffers(), tls: () => upstreamTls(live.config) },
    {
      onChange: noteChange(log, changes),
      onSuspicion: (endpoint) => checks.checkNow(endpoint),
      onSilent() {},
    },
  );
  const checks = new OwnChecks(healthCheckOptions(config), (endpoint, passed, detail) =>
    workers.tellAll({ kind: 'checked', endpoint: nameOf(endpoint), passed, detail }),
  );
  const sources = new MergedSources(
    () => balancer.endpoints,
    () => workers.loads(),
  );
  workers.onSuspicion = (name) => {
    const endpoint = balancer.endpoints.find((one) => isSame(one, name));
    if (endpoint !== undefined) checks.checkNow(endpoint);
  };
  const replicas = createReplicaMetrics(config, log);
  workers.onLoad = ({ endpoints }) => {
    for (const report of endpoints) {
      const endpoint = balancer.endpoints.find((one) => isSame(one, report));
      endpoint?.served.append(report.served ?? []);
    }
  };
  followList(balancer, { log, changes, health: checks, replicas, graceMs: CLOSE_MS });
  const admin = createAdmin(config, log, version, { workers, sources, changes, replicas });
  const adminPort = await admin.listen();
  await checks.start(balancer.endpoints);
  replicas?.follow(balancer.endpoints);
  const timer = setInterval(() => balancer.list.settle(), SETTLE_MS);
  const close = async (): Promise<void> => {
    await workers.drain();
    clearInterval(timer);
    checks.stop();
    replicas?.stop();
    for (const endpoint of balancer.list.all) endpoint.close('the front door closes');
    await admin.close();
  };
  try {
    const port = await workers.start(count);
    return {
      port,
      adminPort,
      reload(next) {
        live.config = next;
        // Before the workers, who ask at once for a check of what is new to them.
        balancer.list.replace(next.upstream.endpoints);
        workers.tellAll({ kind: 'reload' });
      },
      drain() {
        sources.draining = true;
        return close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The admin port, which shows all workers as one door. */
function createAdmin(
  config: Config,
  log: Log,
  version: string,
  { workers, sources, changes, replicas }: Shown,
): AdminServer {
  const allMetrics = async (): Promise<unknown[]> => [
    ...(await workers.ask('metrics')),
    replicaSnapshot(replicas?.reports ?? []),
  ];
  const top = async (): Promise<TopReport> =>
    mergeReports((await workers.ask('top')) as readonly TopReport[]);
  const page = new LivePage({
    version,
    sources,
    replicas: () => replicas?.reports ?? [],
    changes,
    figures: async () => (await workers.ask('figures')) as readonly PageFigures[],
    top,
  });
  return new AdminServer({
    ...config.admin,
    metrics: {
      contentType: METRICS_CONTENT_TYPE,
      text: async (format) => mergeMetrics(await allMetrics(), format),
      top,
    },
    sources,
    changes,
    replicas,
    page,
    log,
  });
}

interface Shown {
  readonly workers: Workers;
  readonly sources: MergedSources;
  readonly changes: EndpointChanges;
  readonly replicas: ReplicaMetrics | undefined;
}

interface Member {
  readonly worker: Worker;
  readonly startedAtMs: number;
  open: boolean;
}

/** The worker processes, and the conversation with them. */
class Workers {
  onSuspicion: (endpoint: EndpointName) => void = () => {};
  onLoad: (load: WorkerLoad) => void = () => {};
  private readonly log: Log;
  private readonly nowMs: () => number;
  private readonly pace = new RestartPace();
  private readonly members = new Map<number, Member>();
  private readonly lastLoads = new Map<number, Extract<ToPrimary, { kind: 'load' }>['load']>();
  private readonly answers = new Map<number, (answer: unknown) => void>();
  private readonly restarts = new Set<NodeJS.Timeout>();
  private readonly opened = Promise.withResolvers<number>();
  private readonly allGone = Promise.withResolvers<void>();
  private asked = 0;
  private ending = false;

  constructor(log: Log, nowMs: () => number) {
    this.log = log;
    this.nowMs = nowMs;
  }

  /** @returns the port, once the first worker has opened it */
  start(count: number): Promise<number> {
    for (let i = 0; i < count; i++) this.fork();
    return this.opened.promise;
  }

  tellAll(message: ToWorker): void {
    for (const { worker } of this.members.values()) {
      if (worker.isConnected()) worker.send(message);
    }
  }

  loads(): Extract<ToPrimary, { kind: 'load' }>['load'][] {
    return [...this.lastLoads.values()];
  }

  /** The answers of all workers that answer in time. */
  async ask(what: Asked): Promise<unknown[]> {
    const open = [...this.members.values()].filter((member) => member.open);
    const answers = await Promise.all(open.map(({ worker }) => this.askOne(worker, what)));
    return answers.filter((answer) => answer !== undefined);
  }

  async drain(): Promise<void> {
    this.ending = true;
    for (const timer of this.restarts) clearTimeout(timer);
    this.tellAll({ kind: 'drain' });
    // One that has only just been started would not hear it, and serves nobody yet.
    for (const { worker, open } of this.members.values()) {
      if (!open) worker.process.kill('SIGKILL');
    }
    if (this.members.size > 0) await this.allGone.promise;
  }

  private fork(): void {
    const worker = cluster.fork();
    this.members.set(worker.id, { worker, startedAtMs: this.nowMs(), open: false });
    worker.on('message', (message: ToPrimary) => this.onMessage(worker, message));
    worker.on('exit', (code, signal) => this.onExit(worker, signal ?? `exit code ${code}`));
    worker.on('error', (error) => this.log.warn({ err: error }, 'a worker could not be reached'));
  }

  private onMessage(worker: Worker, message: ToPrimary): void {
    const member = this.members.get(worker.id);
    switch (message.kind) {
      case 'open':
        if (member !== undefined) member.open = true;
        this.opened.resolve(message.port);
        break;
      case 'failed':
        this.log.error({ worker: worker.id, reason: message.message }, 'a worker could not open');
        this.opened.reject(new Error(message.message));
        break;
      case 'suspicion':
        this.onSuspicion(message.endpoint);
        break;
      case 'load':
        this.lastLoads.set(worker.id, message.load);
        this.onLoad(message.load);
        break;
      case 'answer':
        this.answers.get(message.id)?.(message.answer);
        break;
    }
  }

  private onExit(worker: Worker, how: string): void {
    const member = this.members.get(worker.id);
    this.members.delete(worker.id);
    this.lastLoads.delete(worker.id);
    if (this.ending) {
      if (this.members.size === 0) this.allGone.resolve();
      return;
    }
    const delayMs = this.pace.next(this.nowMs() - (member?.startedAtMs ?? 0));
    this.log.error({ worker: worker.id, how, delayMs }, 'a worker is gone and is started again');
    const timer = setTimeout(() => {
      this.restarts.delete(timer);
      this.fork();
    }, delayMs);
    this.restarts.add(timer);
  }

  private askOne(worker: Worker, what: Asked): Promise<unknown> {
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve) => {
      const done = (answer: unknown): void => {
        clearTimeout(timer);
        this.answers.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => done(undefined), ANSWER_TIMEOUT_MS);
      this.answers.set(id, done);
      worker.send({ kind: 'ask', id, what } satisfies ToWorker);
    });
  }
}
