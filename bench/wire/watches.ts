// Watches through all subjects: what one costs that waits, and what events cost.
import { setTimeout as delay } from 'node:timers/promises';
import type { NotRun } from '../benchmark.ts';
import { interleave, median, spreadPercent } from '../statistics.ts';
import type { OwnBackend } from './backends.ts';
import type { Target } from './load.ts';
import type { WatchResult, WatchRow } from './result.ts';
import type { Stage } from './stage.ts';
import { watchEvent } from './watch-groups.ts';
import { WATCHES_PER_CONNECTION, WatchLoad } from './watch-load.ts';

export interface WatchCounts {
  readonly watches: number;
  readonly idleWatches: number;
}

type Proxy = Target & { readonly pid: number };

const EVENTS_PER_SECOND = 10;
/** Compilers need some 50,000 deliveries until they have done with what an event runs through. */
const WARM_UP_EVENTS = 100;
/** Before the memory is looked at: what opening has allocated for a moment is given back. */
const SETTLE_MS = 500;

/** By name of the subject. */
export interface IdleMemory {
  readonly bytesPerWatch: ReadonlyMap<string, number>;
  readonly notRun: readonly NotRun[];
}

export async function measureIdleWatches(
  stage: Stage<OwnBackend>,
  watches: number,
): Promise<IdleMemory> {
  const notRun: NotRun[] = [];
  const bytesPerWatch = new Map<string, number>();
  for (const proxy of proxiesOf(stage)) {
    stage.context.signal.throwIfAborted();
    try {
      bytesPerWatch.set(proxy.name, await measureIdle(stage, proxy, watches));
    } catch (error) {
      notRun.push(failureOf(`${proxy.name}, idle watches`, error));
    }
  }
  return { bytesPerWatch, notRun };
}

/** In a stage of its own: a collector that still cleans up after closed watches is on the bill. */
export async function measureWatchEvents(
  stage: Stage<OwnBackend>,
  { watches, idleWatches }: WatchCounts,
  idle: IdleMemory,
): Promise<{ result: WatchResult; notRun: NotRun[] }> {
  const notRun = [...idle.notRun];
  const loads = await measureEvents(stage, { proxies: proxiesOf(stage), watches, notRun });
  const rows = loads.map((load) => rowOf(load, idle.bytesPerWatch.get(load.target.name)));
  const eventBytes = watchEvent(1000).length;
  const watchesPerConnection = WATCHES_PER_CONNECTION;
  return { result: { watches, watchesPerConnection, idleWatches, eventBytes, rows }, notRun };
}

function proxiesOf({ targets }: Stage<OwnBackend>): Proxy[] {
  return targets.flatMap((target) =>
    target.pid === undefined ? [] : [{ ...target, pid: target.pid }],
  );
}

/** Bytes of resident memory for each watch that waits. */
async function measureIdle(
  { backend, children, folder, context }: Stage<OwnBackend>,
  proxy: Proxy,
  watches: number,
): Promise<number> {
  const environment = { children, directory: folder, maxWatches: watches, group: 'idle' };
  const load = new WatchLoad(proxy, backend, environment);
  try {
    // So many that code is loaded and connections to the backends are there.
    const first = Math.min(WATCHES_PER_CONNECTION, watches - 1);
    await load.open(first);
    await load.deliver(1, 0);
    const before = load.residentBytes();
    await load.open(watches - first);
    await delay(SETTLE_MS);
    const bytes = (load.residentBytes() - before) / (watches - first);
    context.say(`${watches} idle watches: ${proxy.name} ${(bytes / 1024).toFixed(1)} KiB each`);
    return bytes;
  } finally {
    await load.close();
  }
}

/** Some have limits that so many watches run into: that is a result, and no end for the others. */
function failureOf(name: string, error: unknown): NotRun {
  return { name, reason: error instanceof Error ? error.message : String(error) };
}

async function measureEvents(
  { backend, children, folder, context, seconds, rounds }: Stage<OwnBackend>,
  { proxies, watches, notRun }: { proxies: readonly Proxy[]; watches: number; notRun: NotRun[] },
): Promise<WatchLoad[]> {
  const environment = { children, directory: folder, maxWatches: watches, group: 'busy' };
  const loads = new Set<WatchLoad>();
  const attempt = async (load: WatchLoad, work: () => Promise<unknown>): Promise<void> => {
    context.signal.throwIfAborted();
    if (!loads.has(load)) return; // It has failed before.
    try {
      await work();
    } catch (error) {
      context.signal.throwIfAborted();
      loads.delete(load);
      await load.close();
      notRun.push(failureOf(`${load.target.name}, events to watches`, error));
    }
  };
  for (const proxy of proxies) {
    const load = new WatchLoad(proxy, backend, environment);
    loads.add(load);
    await attempt(load, async () => {
      await load.open(watches);
      // They do not count: compilers get warm. They also show that each one comes to each watch.
      await load.deliver(WARM_UP_EVENTS, 0);
    });
  }
  for (const load of interleave([...loads], rounds)) {
    await attempt(load, () => load.measure(seconds, EVENTS_PER_SECOND));
  }
  context.say(`an event to ${watches} watches: ${[...loads].map(shortly).join(', ')}`);
  for (const load of loads) await load.close();
  return [...loads];
}

function shortly({ target, samples }: WatchLoad): string {
  const micros = median(samples.map(({ cpuMicrosPerEvent }) => cpuMicrosPerEvent));
  return `${target.name} ${micros.toFixed(1)} us`;
}

function rowOf({ target, samples }: WatchLoad, idleBytesPerWatch: number | undefined): WatchRow {
  const micros = samples.map(({ cpuMicrosPerEvent }) => cpuMicrosPerEvent);
  return {
    subject: target.name,
    cpuMicrosPerEvent: median(micros),
    spreadPercent: spreadPercent(micros),
    eventsPerSecond: median(samples.map(({ eventsPerSecond }) => eventsPerSecond)),
    ...(idleBytesPerWatch === undefined ? {} : { idleBytesPerWatch }),
    samples,
  };
}
