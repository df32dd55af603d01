// One watcher, which does what client-go's reflector does (tools/cache/reflector.go): list, watch
// from there, and after each kind of end go on as it would.
import { ReflectorBackOff } from './back-off.ts';
import type { WatchChecker } from './checker.ts';
import type { Connections, StreamEnd } from './connections.ts';
import {
  type Encoding,
  endsInitialEvents,
  readErrorCode,
  readEvent,
  readListVersion,
} from './event.ts';
import type { Figures } from './figures.ts';
import { type FrameSplitter, JsonFrames, ProtobufFrames } from './frames.ts';
import type { Mark, Marker } from './marker.ts';

export interface WatcherParts {
  readonly connections: Connections;
  readonly checker: WatchChecker;
  readonly figures: Figures;
  readonly marker: Marker;
  /** Path of the collection. */
  readonly collection: string;
  readonly mode: 'list-watch' | 'watch-list';
  readonly encoding: Encoding;
  /** The shortest that a watch is asked to last; it is up to twice as long, by chance. */
  readonly timeoutMs: number;
  readonly random: () => number;
  /** When a watcher is to be woken; the one sweep over all of them is the only timer. */
  readonly wakeAtMs: Float64Array;
}

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
/** client-go's rest/with_retry.go gives up on Retry-After after so many times. */
const RETRIES_MAX = 10;
/** A watch that ends so soon without an event is a failure: handleAnyWatch. */
const SHORT_WATCH_MS = 1000;

export class Watcher {
  readonly index: number;
  readonly #connection: number;
  readonly #selector: Readonly<Record<string, string>>;
  readonly #parts: WatcherParts;
  readonly #backOff = new ReflectorBackOff();
  #cancel: (() => void) | undefined;
  #next: 'synchronise' | 'watch' = 'synchronise';
  /** What the next list is asked for: '0' at first, then the last seen, '' when that is gone. */
  #listFrom = '0';
  #fallBack = false;
  #retries = 0;
  #watching = false;
  #startedAtMs = 0;
  #events = 0;
  #failedCode = 0;
  /** The objects of initial events; undefined when they are over. */
  #initial: Mark[] | undefined;

  /** @param selector the part of its queries that says what it wants to see */
  constructor(
    index: number,
    connection: number,
    selector: Readonly<Record<string, string>>,
    parts: WatcherParts,
  ) {
    this.index = index;
    this.#connection = connection;
    this.#selector = selector;
    this.#parts = parts;
  }

  /** Has all that its list or initial events had, and a watch. */
  get watching(): boolean {
    return this.#watching;
  }

  stop(): void {
    this.#cancel?.();
    this.#watching = false;
  }

  /** Does what is due. Called by the sweep, once for each time that was asked for. */
  wake(): void {
    if (this.#next === 'watch') this.#watch(undefined);
    else if (this.#parts.mode === 'watch-list' && !this.#fallBack) {
      this.#watch(this.#listFrom === '0' ? '' : this.#listFrom);
    } else this.#list();
  }

  #list(): void {
    const { connections, collection, encoding } = this.#parts;
    const chunks: Buffer[] = [];
    const path = `${collection}?${this.#query({ resourceVersion: this.#listFrom })}`;
    const accept = encoding === 'json' ? 'application/json' : `${PROTOBUF},application/json`;
    this.#cancel = connections.request(
      this.#connection,
      { path, accept },
      {
        data: (chunk) => void chunks.push(chunk),
        end: (end) => {
          if (end.status === 200 && end.how === 'clean') this.#listed(Buffer.concat(chunks));
          else this.#listFailed(end);
        },
      },
    );
  }

  #listed(body: Buffer): void {
    const { checker, marker } = this.#parts;
    // A server that has no protobuf answers in JSON, as Accept allows it.
    const encoding = body[0] === 0x7b ? 'json' : 'protobuf';
    const version = readListVersion(body, encoding);
    checker.replace(this.index, version, marker.all(body));
    this.#listFrom = String(version);
    this.#fallBack = false;
    this.#retries = 0;
    this.#next = 'watch';
    this.#watch(undefined);
  }

  #listFailed(end: StreamEnd): void {
    this.#parts.figures.failed(`list ${end.status ?? end.how}`);
    if (this.#retryAfter(end)) return;
    // 504 is "too large resource version": the server has not seen yet what we have.
    const gone = (end.status === 410 || end.status === 504) && this.#listFrom !== '';
    if (gone) {
      this.#listFrom = '';
      this.#wakeIn(0);
    } else this.#backOffThen('synchronise');
  }

  /** @param initialFrom revision for initial events; undefined for a plain watch */
  #watch(initialFrom: string | undefined): void {
    const { connections, collection, encoding, timeoutMs, checker } = this.#parts;
    const version = initialFrom ?? String(checker.version(this.index));
    const timeoutSeconds = Math.floor((timeoutMs * (1 + this.#parts.random())) / 1000) || 1;
    const query = this.#query({
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(timeoutSeconds),
      resourceVersion: version,
      ...(initialFrom === undefined
        ? {}
        : { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
    });
    this.#initial = initialFrom === undefined ? undefined : [];
    this.#startedAtMs = performance.now();
    this.#events = 0;
    this.#failedCode = 0;
    const frames = this.#frames();
    const accept =
      encoding === 'json' ? 'application/json' : `${PROTOBUF};stream=watch,application/json`;
    let broken = false;
    let status = 0;
    this.#cancel = connections.request(
      this.#connection,
      { path: `${collection}?${query}`, accept },
      {
        head: (code) => {
          status = code;
          if (code === 200 && this.#initial === undefined) this.#established();
        },
        data: (chunk) => {
          // The body of a refusal is a Status and no event.
          if (broken || status !== 200) return;
          try {
            frames.feed(chunk);
          } catch {
            broken = true;
          }
        },
        end: (end) => this.#watchEnded(broken ? { ...end, how: 'reset' } : end),
      },
    );
  }

  #frames(): FrameSplitter {
    const { encoding } = this.#parts;
    const sink = (frame: Buffer): void => this.#onFrame(frame);
    return encoding === 'json' ? new JsonFrames(sink) : new ProtobufFrames(sink);
  }

  #established(): void {
    this.#watching = true;
    this.#retries = 0;
    this.#parts.figures.established(this.index, performance.now());
  }

  #onFrame(frame: Buffer): void {
    const { checker, encoding, marker, figures } = this.#parts;
    const { type, version } = readEvent(frame, encoding);
    if (type === 'ERROR') {
      this.#failedCode = readErrorCode(frame, encoding);
      return;
    }
    this.#events += 1;
    if (type === 'BOOKMARK') {
      if (this.#initial === undefined) checker.bookmark(this.index, version);
      else if (endsInitialEvents(frame)) this.#initialEnded(version);
      figures.heard(this.index, performance.now());
      return;
    }
    // A deletion repeats the last change of the object.
    const mark = type === 'DELETED' ? undefined : marker.find(frame)?.mark;
    if (this.#initial !== undefined) {
      if (mark !== undefined) this.#initial.push(mark);
      return;
    }
    checker.event(this.index, version, mark);
    figures.event(this.index, performance.now(), mark);
  }

  #initialEnded(version: number): void {
    this.#parts.checker.replace(this.index, version, this.#initial ?? []);
    this.#initial = undefined;
    this.#listFrom = String(version);
    this.#next = 'watch';
    this.#established();
  }

  #watchEnded(end: StreamEnd): void {
    const { figures } = this.#parts;
    const nowMs = performance.now();
    const initial = this.#initial !== undefined;
    if (this.#watching) figures.ended(this.index, nowMs);
    this.#watching = false;
    figures.reason(this.#describe(end));
    if (this.#retryAfter(end)) return;
    const code = this.#failedCode || (end.status === 200 ? 0 : (end.status ?? 0));
    // isWatchErrorRetriable: who is refused or asked to wait keeps its place.
    if (end.how === 'refused' || code === 429) {
      this.#backOffThen(initial ? 'synchronise' : 'watch');
    } else if (initial) this.#initialFailed(code);
    else if (code !== 0 || end.how === 'reset' || this.#short(nowMs)) this.#relist();
    else {
      this.#next = 'watch';
      this.#wakeIn(0);
    }
  }

  #short(nowMs: number): boolean {
    return this.#events === 0 && nowMs - this.#startedAtMs < SHORT_WATCH_MS;
  }

  /** watchList: a revision that is gone is let go of, anything else is what a list is for. */
  #initialFailed(code: number): void {
    if ((code === 410 || code === 504) && this.#listFrom !== '') this.#listFrom = '';
    else this.#fallBack = code !== 0;
    this.#next = 'synchronise';
    this.#wakeIn(0);
  }

  #relist(): void {
    this.#parts.figures.relisted();
    // relistResourceVersion: at least as new as what was seen, from the server's cache.
    this.#listFrom = String(this.#parts.checker.version(this.index));
    this.#backOffThen('synchronise');
  }

  #describe({ status, how }: StreamEnd): string {
    if (this.#failedCode !== 0) return `error ${this.#failedCode}`;
    return status !== undefined && status !== 200 ? `status ${status}` : how;
  }

  /** True when the server has said when to come back, and that is still heeded. */
  #retryAfter({ status, retryAfterMs }: StreamEnd): boolean {
    const overloaded = status === 429 || (status !== undefined && status >= 500);
    if (!overloaded || retryAfterMs === undefined || this.#retries >= RETRIES_MAX) return false;
    this.#retries += 1;
    this.#wakeIn(retryAfterMs);
    return true;
  }

  #backOffThen(next: 'synchronise' | 'watch'): void {
    this.#next = next;
    this.#wakeIn(this.#backOff.next(performance.now(), this.#parts.random()));
  }

  #wakeIn(delayMs: number): void {
    this.#parts.wakeAtMs[this.index] = performance.now() + delayMs;
  }

  #query(fields: Readonly<Record<string, string>>): string {
    const query = new URLSearchParams({ ...fields, ...this.#selector });
    if (fields.resourceVersion === '') query.delete('resourceVersion');
    return query.toString();
  }
}
