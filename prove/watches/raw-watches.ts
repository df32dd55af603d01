// Plain watches without client-go: many of them on few connections. Each counts what it has missed
// or got twice, how it ended, and how long it got nothing.
import { type ClientHttp2Session, connect } from 'node:http2';
import { SEQUENCE_ANNOTATION } from '../../tools/informers.ts';
import { CONFIGMAPS } from './numbered-writer.ts';

export interface RawWatchesOptions {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly watches: number;
  /** From which all of them begin. */
  readonly resourceVersion: string;
}

export interface RawCounts {
  readonly open: number;
  readonly ends: number;
  readonly lost: number;
  readonly doubled: number;
  readonly maxSilenceMs: number;
}

const WATCHES_PER_CONNECTION = 80;
const REOPEN_MS = 200;
const FIRST_ANSWERS_LIMIT_MS = 60_000;

/** What all watches share. */
interface Tally {
  open: number;
  ends: number;
  lost: number;
  doubled: number;
  maxSilenceMs: number;
  closed: boolean;
}

export class RawWatches {
  readonly #tally: Tally = {
    open: 0,
    ends: 0,
    lost: 0,
    doubled: 0,
    maxSilenceMs: 0,
    closed: false,
  };
  readonly #watches: RawWatch[] = [];
  readonly #connections: Connections;

  constructor(options: RawWatchesOptions) {
    this.#connections = new Connections(options);
    for (let index = 0; index < options.watches; index += 1) {
      const slot = Math.floor(index / WATCHES_PER_CONNECTION);
      this.#watches.push(new RawWatch(this.#tally, this.#connections, slot, options));
    }
  }

  /** Resolves when all are open. */
  async start(): Promise<void> {
    const deadlineMs = performance.now() + FIRST_ANSWERS_LIMIT_MS;
    for (const watch of this.#watches) watch.open();
    while (this.#tally.open < this.#watches.length) {
      if (performance.now() > deadlineMs) {
        throw new Error(
          `only ${this.#tally.open} of ${this.#watches.length} watches were answered`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
    }
  }

  counts(): RawCounts {
    const nowMs = performance.now();
    const running = this.#watches.map((watch) => nowMs - watch.lastEventAtMs);
    return { ...this.#tally, maxSilenceMs: Math.max(this.#tally.maxSilenceMs, ...running) };
  }

  /** Watches without an event since then. */
  silentSince(sinceMs: number): number {
    return this.#watches.filter((watch) => watch.lastEventAtMs < sinceMs).length;
  }

  reset(): void {
    const nowMs = performance.now();
    Object.assign(this.#tally, { ends: 0, lost: 0, doubled: 0, maxSilenceMs: 0 });
    for (const watch of this.#watches) watch.lastEventAtMs = nowMs;
  }

  close(): void {
    this.#tally.closed = true;
    this.#connections.close();
  }
}

class Connections {
  readonly #options: RawWatchesOptions;
  readonly #sessions: (ClientHttp2Session | undefined)[] = [];

  constructor(options: RawWatchesOptions) {
    this.#options = options;
  }

  get(slot: number): ClientHttp2Session {
    const present = this.#sessions[slot];
    if (present !== undefined && !present.closed && !present.destroyed) return present;
    const fresh = connect(this.#options.url, { ca: this.#options.ca });
    fresh.on('error', () => undefined);
    this.#sessions[slot] = fresh;
    return fresh;
  }

  close(): void {
    for (const session of this.#sessions) session?.destroy();
  }
}

class RawWatch {
  lastEventAtMs = performance.now();
  readonly #tally: Tally;
  readonly #connections: Connections;
  readonly #slot: number;
  readonly #token: string;
  readonly #sequences = new Map<string, number>();
  #resourceVersion: string;
  #text = '';

  constructor(tally: Tally, connections: Connections, slot: number, options: RawWatchesOptions) {
    this.#tally = tally;
    this.#connections = connections;
    this.#slot = slot;
    this.#token = options.token;
    this.#resourceVersion = options.resourceVersion;
  }

  open(): void {
    if (this.#tally.closed) return;
    this.#text = '';
    let answered = false;
    const stream = this.#connections.get(this.#slot).request({
      ':path': `${CONFIGMAPS}?watch=true&resourceVersion=${this.#resourceVersion}`,
      authorization: `Bearer ${this.#token}`,
    });
    stream.setEncoding('latin1');
    stream.on('response', (headers) => {
      answered = headers[':status'] === 200;
      if (answered) this.#tally.open += 1;
    });
    stream.on('data', (text: string) => {
      // Anything else is a proxy's own page.
      if (answered) this.#read(text);
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (this.#tally.closed) return;
      if (answered) {
        this.#tally.open -= 1;
        this.#tally.ends += 1;
      }
      setTimeout(() => this.open(), REOPEN_MS);
    });
  }

  #read(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#event(JSON.parse(line));
  }

  #event({ type, object }: { readonly type: string; readonly object: WatchedObject }): void {
    if (type === 'ERROR') {
      // Too old: it begins anew with what there is, and counts from there.
      this.#resourceVersion = '0';
      this.#sequences.clear();
      return;
    }
    const nowMs = performance.now();
    this.#tally.maxSilenceMs = Math.max(this.#tally.maxSilenceMs, nowMs - this.lastEventAtMs);
    this.lastEventAtMs = nowMs;
    const { name = '', resourceVersion = '', annotations } = object.metadata;
    this.#resourceVersion = resourceVersion;
    const sequence = Number(annotations?.[SEQUENCE_ANNOTATION]);
    if (!(sequence > 0)) return;
    const last = this.#sequences.get(name);
    this.#sequences.set(name, sequence);
    if (last === undefined || sequence === last + 1) return;
    if (sequence > last) this.#tally.lost += sequence - last - 1;
    else this.#tally.doubled += 1;
  }
}

interface WatchedObject {
  readonly metadata: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}
