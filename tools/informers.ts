// Starts the informers program of test/cluster/programs: many client-go clients that count what
// their watches go through.
import { join } from 'node:path';
import { binaryPath, requireBinaries } from './binaries.ts';
import type { Child } from './child.ts';
import type { ControlPlane } from './control-plane.ts';
import { JsonLines } from './json-lines.ts';

/** What happened to one kind of informer, or to all. Described at the top of informers/main.go. */
export interface InformerCounters {
  readonly lists: number;
  readonly relists: number;
  readonly watches: number;
  readonly watchEnds: number;
  readonly watchErrors: number;
  readonly watchTimeouts: number;
  readonly refused: number;
  readonly listWatchErrors: number;
  readonly events: number;
  readonly regressions: number;
  readonly maxSilenceMs: number;
  readonly lost: number;
  readonly doubled: number;
}

/** Annotations by which an informer counts and times the events of an object; see source.go. */
export const SEQUENCE_ANNOTATION = 'evenkeel.example/sequence';
export const SENT_ANNOTATION = 'evenkeel.example/sent-ms';

export interface InformerStats extends InformerCounters {
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly latencyMaxMs: number;
  /** GETs of `requestIntervalMs`: answered ones, and those that failed even so. */
  readonly requests: number;
  readonly requestErrors: number;
  readonly bySource: Readonly<Record<string, InformerCounters>>;
}

export interface InformerCheck extends InformerStats {
  /** Whether every store equals a direct LIST. */
  readonly equal: boolean;
  readonly differenceCount: number;
  /** The first twenty. */
  readonly differences: readonly string[];
  readonly objects: Readonly<Record<string, number>>;
  readonly tookMs: number;
}

export interface InformersOptions {
  /** What the clients use. */
  readonly kubeconfig: string;
  /** What `check` lists with; it may name a replica that the clients do not. */
  readonly directKubeconfig: string;
  readonly clients?: number;
  readonly resources?: readonly string[];
  readonly protobuf?: boolean;
  readonly namespace?: string;
  /** Initial lists as watches (client-go's feature WatchListClient); client-go decides by default. */
  readonly watchList?: boolean;
  /** A watch lasts this long to twice as long; client-go's own 300 s by default. */
  readonly watchSeconds?: number;
  /** Each client asks for a small object this often, beside its watches; never by default. */
  readonly requestIntervalMs?: number;
  /** How long `check` lets stores become equal; 20 s by default. */
  readonly checkLimitMs?: number;
}

export interface Informers {
  readonly child: Child;
  stats(): Promise<InformerStats>;
  /** Starts all counters anew. */
  reset(): Promise<void>;
  /** Compares every store with a direct LIST until all are equal or the limit is over. */
  check(): Promise<InformerCheck>;
  /** Ends it in good order. */
  quit(): Promise<void>;
}

const SYNC_LIMIT_MS = 90_000;
// Beyond the limit of a check: a LIST may take its time on a busy machine.
const ANSWER_LIMIT_MS = 60_000;
const DEFAULT_RESOURCES = ['configmaps', 'secrets', 'pods', 'nodes', 'services'];

/** Resolves when every informer has its first list. Ends with the control plane, or by `quit`. */
export async function startInformers(
  controlPlane: ControlPlane,
  options: InformersOptions,
): Promise<Informers> {
  requireBinaries(['informers']);
  const {
    clients = 30,
    resources = DEFAULT_RESOURCES,
    protobuf = false,
    namespace = '',
    watchList,
    watchSeconds = 0,
    requestIntervalMs = 0,
  } = options;
  const child = controlPlane.children.start({
    name: 'informers',
    command: '/usr/bin/env',
    logPath: join(controlPlane.directory, 'log', 'informers.log'),
    interactive: true,
    args: [
      ...(watchList === undefined ? [] : [`KUBE_FEATURE_WatchListClient=${watchList}`]),
      binaryPath('informers'),
      `--kubeconfig=${options.kubeconfig}`,
      `--direct-kubeconfig=${options.directKubeconfig}`,
      `--clients=${clients}`,
      `--resources=${resources.join(',')}`,
      `--protobuf=${protobuf}`,
      `--namespace=${namespace}`,
      `--watch-seconds=${watchSeconds}`,
      `--request-interval=${requestIntervalMs}ms`,
      `--check-timeout=${options.checkLimitMs ?? 20_000}ms`,
      // A line that nobody asked for could be taken for an answer.
      '--interval=0',
    ],
  });
  const lines = new JsonLines(child.name, child.requireStdout());
  const limit = AbortSignal.timeout(SYNC_LIMIT_MS);
  await child.untilReady((ended) =>
    lines.next(({ event }) => event === 'synced', AbortSignal.any([ended, limit])),
  );
  const ask = async (command: string): Promise<unknown> => {
    const answer = lines.next(
      ({ event }) => event === command || event === 'error',
      AbortSignal.timeout(ANSWER_LIMIT_MS),
    );
    child.stdin?.write(`${command}\n`);
    const line = await answer;
    if (line.event === 'error') throw new Error(`informers: ${command}: ${line.message}`);
    return line;
  };
  return {
    child,
    stats: () => ask('stats') as Promise<InformerStats>,
    check: () => ask('check') as Promise<InformerCheck>,
    async reset() {
      await ask('reset');
    },
    async quit() {
      child.stdin?.end('quit\n');
      await child.exited;
    },
  };
}
