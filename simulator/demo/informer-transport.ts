// Lists and watches of an informer as HTTP requests.
import { setTimeout as delay } from 'node:timers/promises';
import { type OpenStream, TransportError } from './api-connection.ts';
import type { InformerApi, WatchEvent, WatchStart } from './client.ts';
import { RequestError, type RestClient } from './rest-client.ts';
import type { WatchEnding } from './watch-rules.ts';

interface Frame {
  readonly type: WatchEvent['type'] | 'ERROR';
  readonly object: {
    readonly code?: number;
    readonly metadata?: { readonly resourceVersion?: string };
  };
}

/** Watches a collection such as `/api/v1/namespaces/demo/configmaps`. */
export class InformerTransport implements InformerApi {
  readonly #rest: RestClient;
  readonly #path: string;
  readonly #signal: AbortSignal;
  #watching = false;
  #watchedReplica: string | undefined;

  constructor(rest: RestClient, path: string, signal: AbortSignal) {
    this.#rest = rest;
    this.#path = path;
    this.#signal = signal;
  }

  get watching(): boolean {
    return this.#watching;
  }

  /** Where the open watch is, if one is open and its place is known. */
  get watchedReplica(): string | undefined {
    return this.#watchedReplica;
  }

  async list(resourceVersion: string): Promise<string> {
    const body = await this.#rest.call({
      method: 'GET',
      path: `${this.#path}?resourceVersion=${resourceVersion}`,
    });
    const list: { readonly metadata: { readonly resourceVersion: string } } = JSON.parse(body);
    return list.metadata.resourceVersion;
  }

  async watch(from: WatchStart, onEvent: (event: WatchEvent) => void): Promise<WatchEnding> {
    // The clock runs from before the request: some proxies keep the head back (reflector.go).
    const startedMs = this.nowMs();
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from.resourceVersion,
      timeoutSeconds: String(from.timeoutSeconds),
    });
    let open: OpenStream;
    try {
      open = await this.#rest.watch(`${this.#path}?${query}`);
    } catch (error) {
      return notOpened(error);
    }
    this.#watching = true;
    this.#watchedReplica = open.replica;
    let events = 0;
    let errorCode: number | undefined;
    readLines(open, (line) => {
      const { type, object }: Frame = JSON.parse(line);
      if (type === 'ERROR') {
        errorCode = object.code ?? 0;
        return;
      }
      events++;
      onEvent({ type, resourceVersion: object.metadata?.resourceVersion ?? '' });
    });
    const failure = await open.ended.then(
      () => undefined,
      (error: unknown) => (error instanceof TransportError ? error.failure : 'lost'),
    );
    this.#watching = false;
    this.#watchedReplica = undefined;
    if (errorCode !== undefined) return { kind: 'error event', code: errorCode };
    if (failure === 'reset') return { kind: 'reset' };
    const lastedMs = this.nowMs() - startedMs;
    return { kind: failure === undefined ? 'end' : 'lost', events, lastedMs };
  }

  sleep(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#signal });
  }

  nowMs(): number {
    return performance.now();
  }

  random(): number {
    return Math.random();
  }
}

/** Frames in JSON are lines; what a cut leaves of the last one is dropped, as client-go does. */
function readLines({ stream }: OpenStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

function notOpened(error: unknown): WatchEnding {
  const request = error instanceof RequestError ? error : undefined;
  const refused = request?.cause instanceof TransportError && request.cause.failure === 'refused';
  return { kind: 'not opened', status: request?.status, refused };
}
