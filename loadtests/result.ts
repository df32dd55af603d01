// One run of a suite as it is kept: NDJSON, a line for each fact, so that a run that broke off can
// be read up to there and several processes' lines can be put together. Numbers are plain numbers;
// times are milliseconds since the run began.

/** Raised when a line changes its meaning. Files of another schema are refused. */
export const RESULT_SCHEMA = 1;

/** What was loaded, with what, on what: two runs are compared only where what must be equal is. */
export interface RunLine {
  readonly type: 'run';
  readonly schema: typeof RESULT_SCHEMA;
  readonly suite: string;
  readonly profile: string;
  /** Simulated nodes, of which all rates are functions. */
  readonly nodes: number;
  readonly seed: number;
  /** SHA-256 over the suite and all it imports. */
  readonly suiteHash: string;
  /** What the run was made against, as the user named it: a version, a kubeconfig, `door`. */
  readonly target: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly environment: Environment;
}

export interface Environment {
  /** By component, as each says of itself: kube-apiserver, etcd, k6, node, evenkeel. */
  readonly versions: Readonly<Record<string, string>>;
  /** By component: the command line without what is a secret or a path. */
  readonly flags: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryMib: number;
  readonly kernel: string;
}

/** From when on lines belong to a part of the run. Only `measure` is judged. */
export interface PhaseLine {
  readonly type: 'phase';
  readonly name: 'setup' | 'warmup' | 'measure' | 'cooldown' | 'teardown';
  readonly atMs: number;
}

/** Something was done to the cluster on purpose. */
export interface FaultLine {
  readonly type: 'fault';
  readonly name: string;
  readonly atMs: number;
  readonly endMs?: number;
  /** What it was done to. */
  readonly target?: string;
}

/** A stretch of the time line of one series, for the report. */
export interface WindowLine {
  readonly type: 'window';
  /** Such as `GET pods namespace` or `watch event pods`. */
  readonly series: string;
  readonly atMs: number;
  readonly lengthMs: number;
  readonly count: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How long what belongs to one series took while it was measured. */
export interface DistributionLine {
  readonly type: 'distribution';
  readonly series: string;
  /** `LatencyHistogram.encode()`, in microseconds. */
  readonly histogram: string;
}

/** One figure of the run, the unit of comparison of the gate. */
export interface MetricLine {
  readonly type: 'metric';
  /** Such as `latency_p99{GET pods namespace}`; a run has each name once. */
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | '1' | 'bytes' | '1/s' | 'ratio';
  readonly better: 'lower' | 'higher';
  /** One that fails the gate by itself, such as lost watch events. */
  readonly critical?: boolean;
  /** How many observations it was made of, where that says whether it can be trusted. */
  readonly observations?: number;
}

/** An objective that stands by itself, whatever the baseline was. */
export interface ObjectiveLine {
  readonly type: 'objective';
  /** Such as `GET pods resource: p99 at most 1 s in each 5 min`. */
  readonly name: string;
  readonly limit: number;
  /** The worst window, or the whole run. */
  readonly value: number;
  readonly unit: MetricLine['unit'];
  readonly met: boolean;
}

/** The last line: a file without it is of a run that broke off. */
export interface EndLine {
  readonly type: 'end';
  readonly tookMs: number;
  readonly validity: Validity;
}

/** Whether what was measured was the cluster, and not who measured it. */
export interface Validity {
  readonly droppedIterations: number;
  /** Requests that were sent, over those that should have been. */
  readonly offeredRatio: number;
  /** Of one processor, of the load's own processes. */
  readonly generatorCpuShare: number;
  /** Of the swarm's event loop, 99th percentile. */
  readonly loopLagP99Ms: number;
  /** In words, and empty when the run counts. */
  readonly problems: readonly string[];
}

export type ResultLine =
  | RunLine
  | PhaseLine
  | FaultLine
  | WindowLine
  | DistributionLine
  | MetricLine
  | ObjectiveLine
  | EndLine;

/** A whole file. */
export interface RunResult {
  readonly run: RunLine;
  readonly phases: readonly PhaseLine[];
  readonly faults: readonly FaultLine[];
  readonly windows: readonly WindowLine[];
  readonly distributions: readonly DistributionLine[];
  readonly metrics: readonly MetricLine[];
  readonly objectives: readonly ObjectiveLine[];
  /** Undefined when the run broke off. */
  readonly end: EndLine | undefined;
}

/** Thrown for a file that is no result; the message names the file and the line. */
export class ResultError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ResultError';
  }
}

export function formatResultLine(line: ResultLine): string {
  return `${JSON.stringify(line)}\n`;
}

/**
 * The run that `text` is of. Lines of a type that is not known are left out, since a later version
 * may have more to say, and so is a last line that was being written when the run broke off.
 *
 * @param name what `text` came from, for errors
 */
export function parseResult(text: string, name: string): RunResult {
  const lines = withoutBrokenEnd(text)
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => parseLine(line, `${name}, line ${number}`));
  const [run] = lines;
  if (run?.type !== 'run') throw new ResultError(`${name}: the first line is not of type "run"`);
  if (run.schema !== RESULT_SCHEMA) {
    throw new ResultError(`${name}: schema ${run.schema}, expected ${RESULT_SCHEMA}`);
  }
  const pick = <T extends ResultLine['type']>(type: T): Extract<ResultLine, { type: T }>[] =>
    lines.filter((line): line is Extract<ResultLine, { type: T }> => line.type === type);
  return {
    run,
    phases: pick('phase'),
    faults: pick('fault'),
    windows: pick('window'),
    distributions: pick('distribution'),
    metrics: pick('metric'),
    objectives: pick('objective'),
    end: pick('end').at(-1),
  };
}

/** A line is whole when its end was written; one without an end may still be. */
function withoutBrokenEnd(text: string): string {
  const lastAt = text.lastIndexOf('\n') + 1;
  if (lastAt === 0 || lastAt === text.length) return text;
  try {
    JSON.parse(text.slice(lastAt));
    return text;
  } catch {
    return text.slice(0, lastAt);
  }
}

function parseLine(line: string, place: string): ResultLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new ResultError(`${place}: not JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) {
    throw new ResultError(`${place}: expected an object with a type`);
  }
  return value as ResultLine;
}
