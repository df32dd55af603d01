// A client that writes down what its watch brought: type and version of each event, when it came,
// and how it all ended. HTTP/2 or HTTP/1.1, JSON or protobuf.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { request } from 'node:https';
import type { Readable } from 'node:stream';
import { createWatchFramer } from '../../../../proxy/kube/watch-framer.ts';
import type { Pki } from '../../../../tools/pki.ts';

export interface Seen {
  readonly type: string;
  readonly version: string;
}

export interface WatchOptions {
  readonly port: number;
  readonly pki: Pki;
  readonly protocol?: 'h2' | 'http1';
  readonly encoding?: 'json' | 'protobuf';
  /** A connection to share; of its own by default. */
  readonly session?: ClientHttp2Session | undefined;
  /** Reads nothing until `read` is called. */
  readonly paused?: boolean;
}

export interface WatchClient {
  readonly status: number;
  /** Everything but bookmarks. */
  readonly events: readonly Seen[];
  readonly bookmarks: readonly Seen[];
  readonly bytes: number;
  /** The longest time without an event so far, the running one not included. */
  readonly longestSilenceMs: number;
  /** `end`: END_STREAM or the last chunk. `cut`: anything else. Undefined while it is open. */
  readonly end: 'end' | 'cut' | undefined;
  /** Bytes after the last whole event when it ended. */
  readonly restBytes: number;
  read(): void;
  cancel(): void;
}

export async function openWatch(path: string, options: WatchOptions): Promise<WatchClient> {
  const { status, stream, cancel } =
    options.protocol === 'http1' ? await openHttp1(path, options) : await openHttp2(path, options);
  const { encoding = 'json' } = options;
  const events: Seen[] = [];
  const bookmarks: Seen[] = [];
  const state = { end: undefined as WatchClient['end'], rest: 0, bytes: 0, silence: 0 };
  let lastAtMs = performance.now();
  const take = (seen: Seen): void => {
    (seen.type === 'BOOKMARK' ? bookmarks : events).push(seen);
    state.silence = Math.max(state.silence, performance.now() - lastAtMs);
    lastAtMs = performance.now();
  };
  const reader = encoding === 'json' ? readLines(take) : readProtobuf(take);
  stream.on('data', (chunk: Buffer) => {
    state.bytes += chunk.length;
    state.rest = reader(chunk);
  });
  if (options.paused === true) stream.pause();
  stream.on('error', () => {});
  stream.on('close', () => {
    state.end = stream.readableEnded ? 'end' : 'cut';
  });
  return {
    status,
    events,
    bookmarks,
    get bytes() {
      return state.bytes;
    },
    get longestSilenceMs() {
      return state.silence;
    },
    get end() {
      return state.end;
    },
    get restBytes() {
      return state.rest;
    },
    read: () => stream.resume(),
    cancel,
  };
}

/** As clients in JavaScript and Python do it, so an event that shares a line with another fails. */
function readLines(take: (seen: Seen) => void): (chunk: Buffer) => number {
  let text = '';
  return (chunk) => {
    const lines = (text + chunk.toString('latin1')).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const { type, object } = JSON.parse(line);
      take({ type, version: object.metadata?.resourceVersion ?? `${object.code}` });
    }
    return text.length;
  };
}

function readProtobuf(take: (seen: Seen) => void): (chunk: Buffer) => number {
  const framer = createWatchFramer('application/vnd.kubernetes.protobuf;stream=watch');
  if (framer === undefined) throw new Error('protobuf is framed');
  return (chunk) => {
    framer.push(chunk, ({ type, resourceVersion, errorCode }) =>
      take({ type, version: resourceVersion ?? `${errorCode}` }),
    );
    return framer.bufferedBytes;
  };
}

interface Opened {
  readonly status: number;
  readonly stream: Readable;
  cancel(): void;
}

function acceptOf({ encoding }: WatchOptions): string {
  return encoding === 'protobuf'
    ? 'application/vnd.kubernetes.protobuf;stream=watch'
    : 'application/json';
}

async function openHttp2(path: string, options: WatchOptions): Promise<Opened> {
  const { port, pki } = options;
  const session =
    options.session ??
    connect(`https://127.0.0.1:${port}`, {
      ca: pki.clusterCa.cert,
      cert: pki.admin.cert,
      key: pki.admin.key,
    });
  if (options.session === undefined) session.on('error', () => {});
  const stream = session.request({ ':path': path, accept: acceptOf(options) });
  stream.on('error', () => {});
  const [headers] = await once(stream, 'response');
  return {
    status: Number(headers[':status']),
    stream,
    cancel() {
      stream.close(8);
      if (options.session === undefined) session.destroy();
    },
  };
}

async function openHttp1(path: string, options: WatchOptions): Promise<Opened> {
  const { port, pki } = options;
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    ca: pki.clusterCa.cert,
    cert: pki.admin.cert,
    key: pki.admin.key,
    headers: { accept: acceptOf(options) },
  });
  sent.on('error', () => {});
  sent.end();
  const [answer] = await once(sent, 'response');
  return { status: answer.statusCode, stream: answer, cancel: () => sent.destroy() };
}
