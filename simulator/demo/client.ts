// The state machine of a client-go informer: list, then watch from there, again and again, and what
// its user would notice. Transport and time come from outside.
import { afterWatch, backOffMs, type WatchEnding } from './watch-rules.ts';

/** An event of a watch, as far as an informer's bookkeeping needs it. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly resourceVersion: string;
}

/** What an informer asks of its connection. */
export interface InformerApi {
  /** Returns the revision of the list. Rejects when the list cannot be had. */
  list(resourceVersion: string): Promise<string>;
  /** Resolves when the watch is over; never rejects. */
  watch(from: WatchStart, onEvent: (event: WatchEvent) => void): Promise<WatchEnding>;
  /** Rejects when the informer is to stop. */
  sleep(ms: number): Promise<void>;
  nowMs(): number;
  /** 0 to 1. */
  random(): number;
}

export interface WatchStart {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

export interface InformerFigures {
  /** Lists beyond the first one. */
  relists: number;
  watchesOpened: number;
  /** Watches that ended before the time they had asked for. */
  watchesCut: number;
  /** Lists and watches that failed for good. */
  readonly errors: string[];
  /** Longest time between two events since the first list. */
  longestSilenceMs: number;
}

/**
 * Our clock starts before the server's, so that a watch that has its whole time seems longer to us;
 * timers may still be a little early.
 */
const EARLY_MS = 100;

export class Informer {
  readonly figures: InformerFigures = {
    relists: 0,
    watchesOpened: 0,
    watchesCut: 0,
    errors: [],
    longestSilenceMs: 0,
  };
  readonly #api: InformerApi;
  readonly #minWatchSeconds: number;
  #resourceVersion = '0'; // The first list may come from any cache.
  #lastEventMs: number | undefined;
  // client-go begins anew after two minutes of peace, which is longer than the demo.
  #failures = 0;

  /** Each watch lasts `minWatchSeconds` to twice that, by chance; 300 in client-go. */
  constructor(api: InformerApi, minWatchSeconds: number) {
    this.#api = api;
    this.#minWatchSeconds = minWatchSeconds;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  /** Runs until `sleep` rejects or the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    for (let lists = 0; !signal.aborted; lists++) {
      if (lists > 0) this.figures.relists++;
      if (await this.#list(signal)) await this.#watchUntilRelist(signal);
      if (!signal.aborted) await this.#backOff();
    }
  }

  /** Counts a silence that still lasts. */
  noteSilence(): void {
    const nowMs = this.#api.nowMs();
    const silenceMs = this.#lastEventMs === undefined ? 0 : nowMs - this.#lastEventMs;
    this.figures.longestSilenceMs = Math.max(this.figures.longestSilenceMs, silenceMs);
  }

  async #list(signal: AbortSignal): Promise<boolean> {
    try {
      this.#resourceVersion = await this.#api.list(this.#resourceVersion);
      this.#lastEventMs ??= this.#api.nowMs();
      return true;
    } catch (error) {
      if (!signal.aborted) this.figures.errors.push(String(error));
      return false;
    }
  }

  async #watchUntilRelist(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const timeoutSeconds = Math.floor(this.#minWatchSeconds * (1 + this.#api.random()));
      const start = { resourceVersion: this.#resourceVersion, timeoutSeconds };
      const ending = await this.#api.watch(start, (event) => this.#receive(event));
      if (signal.aborted) return;
      this.#count(ending, timeoutSeconds);
      const next = afterWatch(ending);
      if (next === 'back off, then list') return;
      if (next === 'back off, then watch') await this.#backOff();
    }
  }

  #receive(event: WatchEvent): void {
    this.noteSilence();
    this.#lastEventMs = this.#api.nowMs();
    this.#resourceVersion = event.resourceVersion;
  }

  #count(ending: WatchEnding, timeoutSeconds: number): void {
    if (ending.kind === 'not opened') {
      this.figures.errors.push(`watch not opened: ${ending.status ?? 'no answer'}`);
      return;
    }
    this.figures.watchesOpened++;
    const inTime = ending.kind === 'end' && ending.lastedMs >= timeoutSeconds * 1000 - EARLY_MS;
    if (!inTime) this.figures.watchesCut++;
  }

  async #backOff(): Promise<void> {
    await this.#api.sleep(backOffMs(this.#failures++, this.#api.random()));
  }
}
