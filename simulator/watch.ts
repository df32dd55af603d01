// One watch: initial events, then every change of its scope until the client leaves, the time is
// up or the replica stops. It always ends cleanly; what is wrong with the request's revision is
// told in band, after a 200, as kube-apiserver does (pkg/storage/cacher/cacher.go Watch).
import type { Writable } from 'node:stream';
import type { WatchEncoding } from './encoder.ts';
import { type Exchange, header } from './exchange.ts';
import { type ListOptions, parseListOptions } from './list-options.ts';
import type { EventType, StoredObject, StoreEvent } from './objects.ts';
import { encodeProtobufEvent, encodeProtobufStatus } from './protobuf-watch.ts';
import type { ResourceRequest } from './request-path.ts';
import { apiVersion, type Resource, resourceKey } from './resources.ts';
import type { LongRunning, Serving } from './serving.ts';
import { StatusError } from './status.ts';
import type { Scheduled } from './timer-wheel.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const PROTOBUF_STREAM = `${PROTOBUF};stream=watch`;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
// Without timeoutSeconds kube-apiserver picks a time between --min-request-timeout and its double.
const MIN_REQUEST_TIMEOUT_SECONDS = 1800;
// cacher.go: the last bookmark comes this long before the deadline, so that the client resumes
// from a revision that is hardly old.
const LAST_BOOKMARK_BEFORE_END_MS = 2000;

/** Answers a watch request. Returns the status code for the counters. */
export async function serveWatch(
  exchange: Exchange,
  request: ResourceRequest,
  query: URLSearchParams,
  serving: Serving,
  headers: Record<string, string>,
): Promise<number> {
  const options = parseListOptions(request, query);
  const encoding = watchEncoding(header(exchange, 'accept'));
  let failure: StatusError | undefined;
  if (options.sendInitialEvents) failure = await waitUntilFresh(options, serving);
  const stream = exchange.open(200, {
    ...headers,
    'content-type': encoding === 'json' ? 'application/json' : PROTOBUF_STREAM,
  });
  const watch = new Watch(stream, request.resource, encoding, options, serving);
  watch.start(failure);
  return 200;
}

/** Initial events must not be older than what was asked for, or than now when nothing was. */
async function waitUntilFresh(
  { resourceVersion }: ListOptions,
  { view, store, config }: Serving,
): Promise<StatusError | undefined> {
  const wanted = resourceVersion === '' ? store.revision : Number(resourceVersion);
  try {
    await view.waitFor(wanted, config.freshnessTimeoutMs);
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}

class Watch implements LongRunning {
  readonly #stream: Writable;
  readonly #resource: Resource;
  readonly #encoding: WatchEncoding;
  readonly #options: ListOptions;
  readonly #serving: Serving;
  #unlisten: (() => void) | undefined;
  #bookmark: Scheduled | undefined;
  #deadline: Scheduled | undefined;
  // A watch may start from the future (a lagging replica): older events are not for it.
  #after: number;
  #ended = false;

  constructor(
    stream: Writable,
    resource: Resource,
    encoding: WatchEncoding,
    options: ListOptions,
    serving: Serving,
  ) {
    this.#stream = stream;
    this.#resource = resource;
    this.#encoding = encoding;
    this.#options = options;
    this.#serving = serving;
    this.#after = Number(options.resourceVersion || '0');
    const { counters, longRunning } = serving;
    counters.openWatches++;
    counters.watchesStarted++;
    longRunning.add(this);
    if (stream.destroyed) this.#release();
    else stream.once('close', () => this.#release());
  }

  /** Sends what is due at once and subscribes; no await in between, so nothing can be missed. */
  start(failure: StatusError | undefined): void {
    if (this.#ended) return;
    if (failure) {
      this.#fail(failure);
      return;
    }
    this.#stream.cork();
    try {
      this.#sendStart();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#fail(error);
      return;
    } finally {
      process.nextTick(() => this.#stream.uncork());
    }
    this.#unlisten = this.#serving.view.listen(resourceKey(this.#resource), (event) =>
      this.#deliver(event),
    );
    this.#schedule();
  }

  end(): void {
    if (this.#ended) return;
    this.#release();
    this.#stream.end();
  }

  #sendStart(): void {
    const { resourceVersion, prefix, predicate, sendInitialEvents } = this.#options;
    const { view } = this.#serving;
    const fromNow = resourceVersion === '' || resourceVersion === '0' || sendInitialEvents;
    if (!fromNow) {
      const missed = view.eventsSince(resourceKey(this.#resource), Number(resourceVersion));
      for (const event of missed) this.#deliver(event);
      return;
    }
    for (const object of view.list(resourceKey(this.#resource), prefix)) {
      if (!predicate || predicate(object)) this.#send('ADDED', object);
    }
    this.#after = view.revision;
    if (sendInitialEvents && this.#options.allowBookmarks) {
      this.#sendBookmark({ [INITIAL_EVENTS_END]: 'true' });
    }
  }

  #deliver(event: StoreEvent): void {
    if (event.revision <= this.#after || this.#ended) return;
    if (!event.key.startsWith(this.#options.prefix)) return;
    if (this.#stream.writableLength > this.#serving.config.watchBufferMaxBytes) {
      // A client that does not read is cut off, cleanly: it resumes from where it stopped.
      this.#serving.counters.watchesTerminated++;
      this.end();
      return;
    }
    const seen = visibleChange(event, this.#options.predicate);
    if (seen) this.#send(seen.type, seen.object);
  }

  #send(type: EventType, object: StoredObject): void {
    const { encoder } = this.#serving;
    this.#stream.write(encoder.frame(this.#encoding, type, this.#resource, object));
  }

  #sendBookmark(annotations?: Record<string, string>): void {
    // A watch from the future must never be told an older revision than it asked for.
    const revision = Math.max(this.#serving.view.revision, this.#after);
    const metadata = {
      name: '',
      uid: '',
      resourceVersion: String(revision),
      ...(annotations ? { annotations } : {}),
    };
    if (this.#encoding === 'protobuf') {
      this.#stream.write(encodeProtobufEvent('BOOKMARK', this.#resource, { metadata }));
      return;
    }
    const object = {
      kind: this.#resource.kind,
      apiVersion: apiVersion(this.#resource),
      metadata: { resourceVersion: metadata.resourceVersion, ...(annotations && { annotations }) },
    };
    this.#stream.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #fail(error: StatusError): void {
    const status = error.body();
    this.#stream.write(
      this.#encoding === 'protobuf'
        ? encodeProtobufStatus(status)
        : `${JSON.stringify({ type: 'ERROR', object: status })}\n`,
    );
    this.end();
  }

  #schedule(): void {
    const { wheel, config } = this.#serving;
    const seconds =
      this.#options.timeoutSeconds || MIN_REQUEST_TIMEOUT_SECONDS * (1 + Math.random());
    this.#deadline = wheel.schedule(seconds * 1000, () => this.end());
    if (!this.#options.allowBookmarks) return;
    const lastBookmarkMs = seconds * 1000 - LAST_BOOKMARK_BEFORE_END_MS;
    const startedMs = performance.now();
    const next = (): void => {
      const untilLastMs = lastBookmarkMs - (performance.now() - startedMs);
      const { bookmarkIntervalMs } = config;
      const delayMs =
        untilLastMs > 0 ? Math.min(bookmarkIntervalMs, untilLastMs) : bookmarkIntervalMs;
      this.#bookmark = wheel.schedule(delayMs, () => {
        this.#sendBookmark();
        next();
      });
    };
    next();
  }

  #release(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unlisten?.();
    this.#bookmark?.cancel();
    this.#deadline?.cancel();
    this.#serving.longRunning.delete(this);
    this.#serving.counters.openWatches--;
  }
}

/** What an event is for a watcher with selectors: objects may enter and leave the selection. */
function visibleChange(
  event: StoreEvent,
  predicate: ListOptions['predicate'],
): Pick<StoreEvent, 'type' | 'object'> | undefined {
  if (!predicate) return event;
  const { type, object, previous, revision } = event;
  const was = previous !== undefined && predicate(previous);
  if (type === 'DELETED') return was ? event : undefined;
  if (predicate(object)) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was) return undefined;
  // The client learns the old state at the new revision, or it would resume from too far back.
  const metadata = { ...previous.metadata, resourceVersion: String(revision) };
  return { type: 'DELETED', object: { ...previous, metadata } };
}

function watchEncoding(accept: string | undefined): WatchEncoding {
  const first = (accept ?? '')
    .split(',')
    .map((part) => part.trim())
    .find((part) => part.startsWith(PROTOBUF) || /^(application\/json|\*\/\*)/.test(part));
  return first?.startsWith(PROTOBUF) && !first.includes('as=') ? 'protobuf' : 'json';
}
