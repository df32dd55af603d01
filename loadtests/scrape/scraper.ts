// Asks every server for its figures, again and again while a run is measured, and adds up what has
// grown since: by component over the whole phase, and of each stretch for the time lines.
import type { ScrapedComponent, ScrapeTarget } from '../local/site.ts';
import { ETCD_VERSION, GAUGES, STARTED, WANTED } from './families.ts';
import { Counted, Increases } from './increases.ts';
import { parsePrometheusText, type Sample } from './prometheus-text.ts';

// Clocks of two machines, and the start as Linux has it: whole ticks after a boot time in seconds.
const CLOCK_TOLERANCE_MS = 2000;

export interface ScraperOptions {
  readonly targets: readonly ScrapeTarget[];
  readonly read: (url: string) => Promise<string>;
}

/** How much was counted between two rounds. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly apiserver: Increases;
}

interface Process {
  readonly target: ScrapeTarget;
  readonly counted: Counted;
  startedAtMs: number | undefined;
  askedAtMs: number | undefined;
}

/** Rounds are asked for one after the other. */
export class Scraper {
  readonly #processes: readonly Process[];
  readonly #read: (url: string) => Promise<string>;
  readonly #grown = new Map<ScrapedComponent, Increases>();
  readonly #peaks = new Map<string, number>();
  readonly #troubles = new Map<string, string>();
  readonly #mixed = new Set<ScrapedComponent>();
  readonly stretches: Stretch[] = [];
  #lastRoundMs: number | undefined;
  etcdVersion: string | undefined;

  constructor({ targets, read }: ScraperOptions) {
    this.#read = read;
    this.#processes = targets.map((target) => ({
      target,
      counted: new Counted(),
      startedAtMs: undefined,
      askedAtMs: undefined,
    }));
  }

  /** Why figures of a target are missing or not whole, in words. */
  get troubles(): readonly string[] {
    return [...this.#troubles.values()];
  }

  /** Undefined when none of the component has answered twice, or one address leads to several. */
  grown(component: ScrapedComponent): Increases | undefined {
    return this.#mixed.has(component) ? undefined : this.#grown.get(component);
  }

  /** The largest sum over the component's processes of what a gauge showed in one round. */
  peak(component: ScrapedComponent, gauge: string): number | undefined {
    return this.#peaks.get(`${component} ${gauge}`);
  }

  /** How many of them have answered. */
  processes(component: ScrapedComponent): number {
    const answered = this.#processes.filter(({ askedAtMs }) => askedAtMs !== undefined);
    return answered.filter(({ target }) => target.component === component).length;
  }

  /** @param atMs of the clock that the time lines are in */
  async round(atMs: number): Promise<void> {
    const stretch = new Increases();
    const gauges = new Map<string, number>();
    await Promise.all(this.#processes.map((process) => this.#ask(process, stretch, gauges)));
    for (const [key, sum] of gauges) {
      this.#peaks.set(key, Math.max(sum, this.#peaks.get(key) ?? 0));
    }
    if (this.#lastRoundMs !== undefined) {
      this.stretches.push({ fromMs: this.#lastRoundMs, toMs: atMs, apiserver: stretch });
    }
    this.#lastRoundMs = atMs;
  }

  async #ask(process: Process, stretch: Increases, gauges: Map<string, number>): Promise<void> {
    const { component, instance, url } = process.target;
    let samples: Sample[];
    try {
      samples = parsePrometheusText(await this.#read(url), WANTED);
    } catch (error) {
      // One that is down on purpose is no reason to end a run.
      this.#troubles.set(instance, `${instance}: /metrics: ${(error as Error).message}`);
      return;
    }
    const startedAt = samples.find(({ name }) => name === STARTED)?.value;
    if (!this.#isWhole(process, startedAt)) return;
    for (const sample of samples.filter(({ name }) => GAUGES.has(name))) {
      const key = `${component} ${sample.name}`;
      gauges.set(key, (gauges.get(key) ?? 0) + sample.value);
      if (sample.name === ETCD_VERSION) this.etcdVersion = sample.labels.server_version;
    }
    const counters = samples.filter(({ name }) => !GAUGES.has(name));
    const known = process.askedAtMs !== undefined;
    process.askedAtMs = Date.now();
    const grown = process.counted.grow(counters, startedAt);
    if (!known) return;
    const sums = this.#grown.get(component) ?? new Increases();
    this.#grown.set(component, sums);
    for (const each of grown) {
      sums.add(each);
      if (component === 'kube-apiserver') stretch.add(each);
    }
  }

  /** False where a load balancer brings us to another process than the last time. */
  #isWhole(process: Process, startedAt: number | undefined): boolean {
    const startedAtMs = startedAt === undefined ? undefined : startedAt * 1000;
    const { askedAtMs } = process;
    const before = process.startedAtMs;
    if (before === undefined || startedAtMs === undefined || askedAtMs === undefined) {
      process.startedAtMs = startedAtMs;
      return true;
    }
    // The same process gives the same number, and one that took its place began after we asked.
    if (startedAtMs !== before && startedAtMs < askedAtMs - CLOCK_TOLERANCE_MS) {
      const { component, instance, url } = process.target;
      this.#mixed.add(component);
      this.#troubles.set(instance, `${url} leads to several servers: name each with --scrape`);
      return false;
    }
    process.startedAtMs = startedAtMs;
    return true;
  }
}

/** Rounds at the beginning, each `intervalMs` after the last, and when it is stopped. */
export function scrapeUntil(
  scraper: Scraper,
  { intervalMs, nowMs }: { readonly intervalMs: number; readonly nowMs: () => number },
): { stop(): Promise<void> } {
  const controller = new AbortController();
  const running = (async () => {
    while (!controller.signal.aborted) {
      const beganMs = performance.now();
      await scraper.round(nowMs());
      await pause(intervalMs - (performance.now() - beganMs), controller.signal);
    }
    await scraper.round(nowMs());
  })();
  return {
    stop: () => {
      controller.abort();
      return running;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, Math.max(0, ms));
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
