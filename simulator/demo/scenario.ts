// The story that the demo plays: steady, one replica killed, the replica back.
import { setTimeout as delay } from 'node:timers/promises';
import type { Pki } from '../../tools/pki.ts';
import { ApiConnection } from './api-connection.ts';
import { Census, type KnownCounts, type Sample } from './census.ts';
import { Fleet, objectName } from './fleet.ts';
import { configMap, updateOf } from './load.ts';
import { phaseFigures, type ReplicaLoad } from './phase-figures.ts';
import { type DemoReplica, type DemoReplicas, RESOURCE } from './replica.ts';
import type { DemoReport, Phase } from './report.ts';
import { RequestError, RestClient } from './rest-client.ts';
import { TcpBalancer } from './tcp-balancer.ts';

export interface ScenarioOptions {
  readonly replicas: DemoReplicas;
  readonly pki: Pki;
  readonly doorUrl: string;
  /** Both sides together; even. */
  readonly clients: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly onUpdate: (report: DemoReport) => void;
  readonly onPhaseEnd: (report: DemoReport) => void;
}

const NAMESPACE = 'evenkeel-demo';
const COLLECTION = `/api/v1/namespaces/${NAMESPACE}/${RESOURCE}`;
const MEAN_REQUESTS_PER_SECOND = 3;
/** 5 to 10 s a watch, where client-go has minutes: one minute here is an hour there. */
const MIN_WATCH_SECONDS = 5;
const WRITER_OBJECT = 'ticker';
const WRITER_PAUSE_MS = 100;
/** Requests are counted over the last seconds of a phase. */
const RATE_WINDOW_MS = 4000;
const OUTAGE_SECONDS = 5;
const VICTIM_INDEX = 1;

/** Length of each phase in seconds. */
export function phaseSeconds(total: number): Readonly<Record<Phase, number>> {
  const down = Math.min(OUTAGE_SECONDS, total / 4);
  const before = (total - down) * 0.35;
  // Watches come back to the replica as they end one by one: the last phase needs the most time.
  return { before, down, after: total - down - before };
}

/** Plays the story and returns the last report. Rejects with the signal's reason when aborted. */
export async function playScenario(options: ScenarioOptions): Promise<DemoReport> {
  const balancer = new TcpBalancer(options.replicas.replicas);
  let stage: Stage | undefined;
  try {
    const balancerPort = await balancer.listen();
    stage = await Stage.open(options, balancer, balancerPort);
    return await stage.play();
  } finally {
    await stage?.close();
    await balancer.close();
  }
}

/** All that moves while the story is played. */
class Stage {
  readonly #options: ScenarioOptions;
  readonly #victim: DemoReplica;
  readonly #census: Census;
  readonly #tcp: Fleet;
  readonly #door: Fleet;
  readonly #writer: Writer;
  #playedSeconds = 0;
  readonly #loads: Partial<Record<Phase, readonly ReplicaLoad[]>> = {};

  private constructor(
    options: ScenarioOptions,
    parts: { census: Census; tcp: Fleet; door: Fleet; writer: Writer; victim: DemoReplica },
  ) {
    this.#options = options;
    this.#census = parts.census;
    this.#tcp = parts.tcp;
    this.#door = parts.door;
    this.#writer = parts.writer;
    this.#victim = parts.victim;
  }

  static async open(
    options: ScenarioOptions,
    balancer: TcpBalancer,
    balancerPort: number,
  ): Promise<Stage> {
    const { pki, doorUrl, clients } = options;
    const { replicas } = options.replicas;
    const victim = replicas[VICTIM_INDEX];
    const steady = replicas.at(-1);
    if (!victim || !steady || victim === steady) throw new Error('the demo needs three replicas');
    const trust = { ca: pki.clusterCa.cert, cert: pki.admin.cert, key: pki.admin.key };
    const writer = new Writer(
      new ApiConnection({ ...trust, url: steady.url, replicaOf: () => steady.name }),
    );
    const fleet = (url: string, replicaOf: (port: number) => string | undefined): Fleet =>
      new Fleet({
        count: clients / 2,
        target: { ...trust, url, replicaOf },
        path: COLLECTION,
        meanRequestsPerSecond: MEAN_REQUESTS_PER_SECOND,
        minWatchSeconds: MIN_WATCH_SECONDS,
      });
    const tcp = fleet(`https://127.0.0.1:${balancerPort}`, (port) => balancer.backendOf(port));
    const door = fleet(doorUrl, () => undefined);
    try {
      await writer.prepare(clients / 2);
      const census = await Census.begin(replicas);
      writer.start();
      await tcp.start();
      await door.start();
      return new Stage(options, { census, tcp, door, writer, victim });
    } catch (error) {
      await Promise.all([writer.stop(), tcp.stop(), door.stop()]);
      throw error;
    }
  }

  async play(): Promise<DemoReport> {
    const seconds = phaseSeconds(this.#options.seconds);
    await this.#phase('before', seconds.before);
    await this.#victim.kill();
    await this.#phase('down', seconds.down);
    await this.#victim.restart();
    const last = await this.#phase('after', seconds.after);
    return { ...last, finished: true };
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.stop(), this.#tcp.stop(), this.#door.stop()]);
  }

  async #phase(phase: Phase, seconds: number): Promise<DemoReport> {
    const { signal, replicas, onUpdate, onPhaseEnd } = this.#options;
    const endMs = performance.now() + seconds * 1000;
    const samples: Sample[] = [];
    for (;;) {
      samples.push(await this.#census.sample(() => this.#known()));
      this.#loads[phase] = phaseFigures(samples, RATE_WINDOW_MS);
      const leftMs = endMs - performance.now();
      const report = this.#report(phase, seconds, leftMs);
      if (leftMs <= 0) {
        this.#playedSeconds += seconds;
        onPhaseEnd(report);
        return report;
      }
      onUpdate(report);
      await delay(Math.min(replicas.countIntervalMs, leftMs), undefined, { signal });
    }
  }

  #known(): KnownCounts {
    return { tcp: this.#tcp.countsByReplica(), writer: this.#writer.answersByReplica };
  }

  #report(phase: Phase, phaseLengthSeconds: number, leftMs: number): DemoReport {
    const phaseSecondsLeft = Math.max(0, leftMs / 1000);
    const { seconds, replicas } = this.#options;
    return {
      kind: replicas.kind,
      phase,
      finished: false,
      elapsedSeconds: this.#playedSeconds + phaseLengthSeconds - phaseSecondsLeft,
      totalSeconds: seconds,
      phaseSecondsLeft,
      replicaNames: replicas.replicas.map(({ name }) => name),
      victim: this.#victim.name,
      loads: { ...this.#loads },
      clients: { tcp: this.#tcp.figures(), door: this.#door.figures() },
    };
  }
}

/** Makes the objects, then changes one of them all the time, straight at a replica that stays up. */
class Writer {
  readonly #connection: ApiConnection;
  readonly #rest: RestClient;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(connection: ApiConnection) {
    this.#connection = connection;
    this.#rest = new RestClient(connection, this.#stop.signal);
  }

  get answersByReplica(): ReadonlyMap<string, number> {
    return this.#rest.figures.answersByReplica;
  }

  async prepare(objects: number): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
    await this.#rest.call({ method: 'POST', path: '/api/v1/namespaces', body: namespace });
    const names = [WRITER_OBJECT, ...Array.from({ length: objects }, (_, k) => objectName(k))];
    await Promise.all(
      names.map((name) =>
        this.#rest.call({ method: 'POST', path: COLLECTION, body: configMap(name) }),
      ),
    );
    // What was sent until here was not part of the demo; see Census.begin.
    this.#rest.figures.answersByReplica.clear();
  }

  start(): void {
    this.#running = this.#write();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#connection.close();
    await this.#running;
  }

  async #write(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await delay(WRITER_PAUSE_MS, undefined, { signal });
        await this.#rest.call(updateOf(COLLECTION, WRITER_OBJECT));
      } catch (error) {
        // A failed update shows as silence, on both sides alike.
        if (!signal.aborted && !(error instanceof RequestError)) throw error;
      }
    }
  }
}
