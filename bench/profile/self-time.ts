// Sums up a CPU profile as Node's --cpu-prof writes it. Pure.

/** The parts of the format that count: Profiler.Profile of the DevTools protocol. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** The node that was on top at each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
  /** Of the first one's delta, in microseconds of the monotonic clock, as `process.hrtime` has it. */
  readonly startTime: number;
}

/** Microseconds of the same clock. */
export interface Stretch {
  readonly fromMicros: number;
  readonly untilMicros: number;
}

export interface SelfTime {
  readonly name: string;
  readonly ms: number;
  /** Of all that is not idle. */
  readonly percent: number;
}

/**
 * Largest first, of the samples in one stretch of time: a profile begins with the start of the
 * process, and reading sources takes longer than many requests. `root` is cut off from the names of
 * files.
 */
export function selfTimes(
  { nodes, samples, timeDeltas, startTime }: CpuProfile,
  root: string,
  { fromMicros, untilMicros }: Stretch,
): { functions: SelfTime[]; modules: SelfTime[] } {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const modules = new Map<string, number>();
  let atMicros = startTime;
  for (const [index, id] of samples.entries()) {
    const micros = timeDeltas[index] ?? 0;
    atMicros += micros;
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') continue;
    if (atMicros < fromMicros || atMicros > untilMicros) continue;
    const module = moduleName(frame.url, root);
    add(modules, module, micros);
    add(functions, `${frame.functionName || '(anonymous)'}  ${placeOf(frame, module)}`, micros);
  }
  return { functions: ranked(functions), modules: ranked(modules) };
}

/** What has no file is the engine's own: `(program)` is native code, system calls among it. */
function moduleName(url: string, root: string): string {
  if (url === '') return '(native)';
  const path = url.replace(/^file:\/\//, '');
  return path.startsWith(root) ? path.slice(root.length) : path;
}

function placeOf({ lineNumber }: { lineNumber: number }, module: string): string {
  return module === '(native)' ? module : `${module}:${lineNumber + 1}`;
}

function add(sums: Map<string, number>, name: string, micros: number): void {
  sums.set(name, (sums.get(name) ?? 0) + micros);
}

function ranked(sums: ReadonlyMap<string, number>): SelfTime[] {
  const total = [...sums.values()].reduce((sum, micros) => sum + micros, 0);
  return [...sums]
    .map(([name, micros]) => ({ name, ms: micros / 1000, percent: (micros / total) * 100 }))
    .toSorted((a, b) => b.ms - a.ms);
}
