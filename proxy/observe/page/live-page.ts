// The page at the admin port: gathers figures once a second, whether anybody looks or not, and shows
// them to a few who do. What it costs while nobody looks is the gathering.
import { readFileSync } from 'node:fs';
import type { ReplicaReport } from '../replica-metrics.ts';
import type { EndpointChanges, Sources } from '../sources.ts';
import { stateOf } from '../sources.ts';
import type { TopReport } from '../top-report.ts';
import { PageHistory } from './history.ts';
import type { PageFigures } from './page-figures.ts';
import type { PageInput } from './page-input.ts';
import { Recent } from './recent.ts';
import { type PageParts, renderPage, renderParts } from './render.ts';
import { pageView } from './view-model.ts';

export interface LivePageOptions {
  readonly version: string;
  readonly sources: Sources;
  readonly changes: EndpointChanges;
  /** What the replicas' own metrics say, where `sources` does not have it. */
  replicas?(): readonly ReplicaReport[];
  /** What has been counted since the last time, of each process that serves clients. */
  figures(): Promise<readonly PageFigures[]>;
  /** Who asks for most; asked while somebody looks. */
  top(): Promise<TopReport>;
  /** Milliseconds since 1970. */
  readonly wallMs?: () => number;
  readonly tickMs?: number;
}

export interface Asset {
  readonly contentType: string;
  readonly body: Buffer;
}

const TICK_MS = 1000;
/** Making it means asking all processes and sorting: not each second. */
const TOP_AGE_MS = 5000;
/** Each is a socket and some work a second; the admin port has 64 in all. */
export const MAX_VIEWERS = 16;
const ASSETS: Readonly<Record<string, string>> = {
  'page.css': 'text/css; charset=utf-8',
  'parts.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.svg': 'image/svg+xml',
};
/** When it is cut off, the browser is to come back after so long. */
const PREAMBLE = Buffer.from('retry: 2000\n\n');
/** A comment: it keeps connections open and shows who has gone. */
const HEARTBEAT = Buffer.from(': nothing new\n\n');

interface Frame {
  readonly title: string;
  readonly parts: PageParts;
}

const NO_TOP: TopReport = {
  clientsByRequests: [],
  clientsByBytes: [],
  resourcesByRequests: [],
  resourcesByBytes: [],
  clientsByWatches: [],
  resourcesByWatches: [],
};

export class LivePage {
  readonly assets: ReadonlyMap<string, Asset>;
  private readonly options: LivePageOptions;
  private readonly history: PageHistory;
  private readonly recent = new Recent();
  private readonly wallMs: () => number;
  private readonly timer: NodeJS.Timeout;
  private turn = Promise.withResolvers<void>();
  private viewers = 0;
  private closed = false;
  private ticking = false;
  private takenAtMs = performance.now();
  private frame: Frame | undefined;
  private topReport = NO_TOP;
  private topAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LivePageOptions) {
    this.options = options;
    this.wallMs = options.wallMs ?? Date.now;
    this.history = new PageHistory(options.sources.endpoints.map(({ name }) => name));
    const read = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
    this.assets = new Map(
      Object.entries(ASSETS).map(([name, contentType]) => [
        name,
        { contentType, body: read(name) },
      ]),
    );
    this.timer = setInterval(() => void this.tick(), options.tickMs ?? TICK_MS);
  }

  get isFull(): boolean {
    return this.viewers >= MAX_VIEWERS;
  }

  /** The whole page as it is now. */
  async html(): Promise<string> {
    await this.readTop();
    return renderPage(pageView(this.input()));
  }

  /**
   * For one who looks: first everything, then each second what has changed. Who reads slowly gets
   * less often what is then new, and nothing piles up.
   */
  async *events(): AsyncGenerator<Buffer> {
    this.viewers += 1;
    try {
      yield PREAMBLE;
      await this.readTop();
      let sent: PageParts = {};
      while (!this.closed) {
        const { title, parts } = this.currentFrame();
        const changed = Object.entries(parts).filter(([id, text]) => sent[id] !== text);
        sent = parts;
        yield changed.length === 0 ? HEARTBEAT : eventOf(title, Object.fromEntries(changed));
        await this.turn.promise;
      }
    } finally {
      this.viewers -= 1;
    }
  }

  /** Ends all streams. */
  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    this.turn.resolve();
  }

  /** Never rejects. A process that is slow to tell makes a second longer, not two at once. */
  private async tick(): Promise<void> {
    if (this.ticking) return;
    this.ticking = true;
    const figures = await this.options.figures().catch(() => []);
    if (this.viewers > 0) await this.readTop();
    this.ticking = false;
    if (!this.closed) this.take(figures);
  }

  private take(all: readonly PageFigures[]): void {
    const { history, recent, options } = this;
    const nowMs = this.wallMs();
    history.follow(options.sources.endpoints.map(({ name }) => name));
    history.begin();
    recent.begin();
    for (const figures of all) {
      history.add(figures);
      recent.add(figures, nowMs);
    }
    const loads = options.sources.endpoints.map(({ name, load }) => ({
      name,
      inFlight: load.requests,
      watches: load.longRunning,
    }));
    const tookAtMs = performance.now();
    history.end(loads, (tookAtMs - this.takenAtMs) / 1000);
    this.takenAtMs = tookAtMs;
    this.frame = undefined;
    const { turn } = this;
    this.turn = Promise.withResolvers();
    turn.resolve();
  }

  /** Made once for all who look. */
  private currentFrame(): Frame {
    if (this.frame === undefined) {
      const view = pageView(this.input());
      this.frame = { title: view.title, parts: renderParts(view) };
    }
    return this.frame;
  }

  /** Never rejects: the page is of use without. */
  private async readTop(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.topAtMs < TOP_AGE_MS) return;
    this.topAtMs = nowMs;
    this.topReport = await this.options.top().catch(() => this.topReport);
  }

  private input(): PageInput {
    const { sources, changes, version } = this.options;
    const replicas = this.options.replicas?.() ?? sources.replicas ?? [];
    return {
      nowMs: this.wallMs(),
      version,
      draining: sources.draining,
      clientConnections: sources.http2Connections + sources.http1Connections,
      tunnels: sources.openTunnels,
      endpoints: sources.endpoints.map((endpoint) => ({
        name: endpoint.name,
        url: endpoint.url,
        state: stateOf(endpoint),
        availableForMs: endpoint.availableForMs,
        inFlight: endpoint.load.requests,
        watches: endpoint.load.longRunning,
        lastChange: changes.lastOf(endpoint),
        replica: replicas.find((one) => one.endpoint === endpoint.name),
      })),
      changes: changes.recent,
      history: this.history,
      recent: this.recent,
      top: this.topReport,
    };
  }
}

/** JSON has no line breaks, so that it is one line of an event. */
function eventOf(title: string, parts: PageParts): Buffer {
  return Buffer.from(`event: parts\ndata: ${JSON.stringify({ title, parts })}\n\n`);
}
