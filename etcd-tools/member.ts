// Connections to members: the one file that knows etcd3 and gRPC. etcd3 gives typed calls for what
// its proto has (`KVClient`, `ClusterClient`). They and our own calls share one channel of ours,
// because etcd3's pool cannot be used for this:
// - it hands a bare IP address on as the TLS server name, which Node refuses, and etcd is mostly
//   dialled by IP address; and it has no way in for another check of the name;
// - it answers a refused token by authenticating again without limit, and each time is a raft entry;
// - it leaves the channel of each authentication open, and sends no token with a snapshot.
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { ClusterClient, type ICallable, KVClient } from 'etcd3';
import type { Credentials, TlsFiles } from './credentials.ts';
import { DialledSockets } from './dialled-sockets.ts';
import type { Endpoint } from './endpoints.ts';
import type { RawKeyHash, RawSnapshotPart, RawStatus } from './member-answers.ts';
import { MemberCalls, type MemberWire, type RangeRequest, type Timed } from './member-calls.ts';
import type { MemberClient } from './member-client.ts';
import { CallError, connectionLost, GRPC_CODE } from './member-error.ts';
import type { Token } from './member-token.ts';

/** How to reach one member, and as whom. */
export interface MemberOptions extends Credentials {
  readonly endpoint: Endpoint;
  /** Of every call; of a snapshot, the longest wait for its next piece. 2 s by default. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 2000;

const CHANNEL_OPTIONS: ChannelOptions = {
  // A measurement is not repeated behind our back.
  'grpc.enable_retries': 0,
  // Members are dialled directly: whatever proxy the shell is set to must not see them.
  'grpc.enable_http_proxy': 0,
  // No look-up of TXT records.
  'grpc.service_config_disable_resolution': 1,
  // Connections that nobody shares, so that they end when the client is closed.
  'grpc.use_local_subchannel_pool': 1,
  // By default a member that was away for long is not tried again for two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // Etcd ends connections that ping more often than every 5 s (--grpc-keepalive-min-time).
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
};

/** Nothing is sent before the first call. Must be closed. Throws where the PEM of `tls` is none. */
export function connectMember(options: MemberOptions): MemberClient {
  const { endpoint, user, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return new MemberCalls(
    endpoint.url,
    new Wire(clientOpener(endpoint, options.tls), timeoutMs),
    user,
  );
}

/** One channel and the sockets that it opens, which is one at a time. */
class Connection {
  readonly client: Client;
  readonly #sockets = new DialledSockets();

  constructor(open: () => Client) {
    this.client = open();
  }

  run<T>(call: (client: Client) => T): T {
    return this.#sockets.run(() => call(this.client));
  }

  close(): void {
    this.client.close();
    this.#sockets.destroy();
  }
}

/** What opens a channel to the member each time that it is called. */
function clientOpener({ host, port, secure }: Endpoint, tls: TlsFiles = {}): () => Client {
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  if (!secure) return () => new Client(target, credentials.createInsecure(), CHANNEL_OPTIONS);
  const expected = tls.serverName ?? host;
  const channelCredentials = credentials.createSsl(tls.ca, tls.key, tls.cert, {
    // Always against the name that is expected, whatever grpc-js sends as server name.
    checkServerIdentity: (_sent, certificate) => checkServerIdentity(expected, certificate),
  });
  const options = {
    ...CHANNEL_OPTIONS,
    // No IP address may be sent (RFC 6066, section 3), grpc-js sends it all the same, and Node
    // refuses; a name that is not looked at is the only way to have it send none.
    ...((tls.serverName !== undefined || isIP(host) > 0) && {
      'grpc.ssl_target_name_override': isIP(expected) > 0 ? 'etcd' : expected,
    }),
  };
  return () => new Client(target, channelCredentials, options);
}

type Service = 'KV' | 'Cluster' | 'Maintenance' | 'Auth';

class Wire implements MemberWire {
  readonly #open: () => Client;
  readonly #timeoutMs: number;
  readonly #proto: PackageDefinition;
  #connection: Connection;
  #lastAnswerAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(open: () => Client, timeoutMs: number) {
    this.#open = open;
    this.#timeoutMs = timeoutMs;
    this.#connection = new Connection(open);
    this.#proto = loadSync(fileURLToPath(new URL('member.proto', import.meta.url)), {
      keepCase: true,
      // A JavaScript number would round ids and revisions.
      longs: String,
      defaults: true,
    });
  }

  status(token: Token) {
    return this.#unary<RawStatus>('Maintenance', 'Status', {}, token);
  }

  range(request: RangeRequest, token: Token) {
    return this.#typed(token, (callable) => new KVClient(callable).range(request));
  }

  memberList(token: Token) {
    // Not linearizable: what this member itself believes is what members are compared by.
    return this.#typed(token, (callable) => new ClusterClient(callable).memberList({}));
  }

  hashKeys(revision: bigint, token: Token) {
    const request = { revision: String(revision) };
    return this.#unary<RawKeyHash>('Maintenance', 'HashKV', request, token);
  }

  async authenticate(user: { readonly name: string; readonly password: string }): Promise<Token> {
    const { answer } = await this.#unary<{ token: string }>(
      'Auth',
      'Authenticate',
      user,
      undefined,
    );
    return answer.token;
  }

  async *snapshot(token: Token, signal: AbortSignal): AsyncGenerator<RawSnapshotPart> {
    signal.throwIfAborted();
    const { path, requestSerialize, responseDeserialize } = this.#method('Maintenance', 'Snapshot');
    const metadata = metadataWith(token);
    const stream = this.#connection.run((client) =>
      client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}, metadata),
    );
    let late = false;
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      // A piece is asked for when the consumer asks, and HTTP/2's window does the rest: a slow disk
      // holds the member back, and does not fill our memory.
      const parts: AsyncIterator<RawSnapshotPart> = stream[Symbol.asyncIterator]();
      for (;;) {
        // Only our own waiting counts, and not how long the consumer takes for a piece.
        const timer = setTimeout(() => {
          late = true;
          stream.cancel();
        }, this.#timeoutMs);
        const next = await parts.next().finally(() => clearTimeout(timer));
        if (next.done === true) return;
        yield next.value;
      }
    } catch (error) {
      throw late ? idleError(error) : toCallError(error);
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  /** Lends etcd3's typed calls our channel. Each of them makes one call. */
  async #typed<T>(
    token: Token,
    ask: (callable: ICallable<unknown>) => Promise<T>,
  ): Promise<Timed<T>> {
    let times = { sentAtMs: 0, receivedAtMs: 0 };
    const answer = await ask({
      callOptionsFactory: undefined,
      exec: async <R>(service: string, method: string, request: unknown) => {
        const name = method.charAt(0).toUpperCase() + method.slice(1);
        const timed = await this.#unary<R>(service as Service, name, request as object, token);
        ({ times } = timed);
        return timed.answer;
      },
      // Only its streams use these, and we have none of them.
      withConnection: () => Promise.reject(new Error('no streams here')),
      markFailed: () => undefined,
    });
    return { answer, times };
  }

  #unary<T>(service: Service, name: string, request: object, token: Token): Promise<Timed<T>> {
    const { path, requestSerialize, responseDeserialize } = this.#method(service, name);
    if (this.#closed) throw new CallError(GRPC_CODE.cancelled, 'the client is closed');
    const connection = this.#connection;
    return new Promise((resolve, reject) => {
      const sentAtMs = performance.now();
      const answered = (error: ServiceError | null, answer?: unknown): void => {
        const receivedAtMs = performance.now();
        if (error === null) {
          this.#lastAnswerAtMs = receivedAtMs;
          resolve({ answer: answer as T, times: { sentAtMs, receivedAtMs } });
          return;
        }
        const failure = this.#nameDeadline(toCallError(error), receivedAtMs - sentAtMs);
        if (connectionLost(failure)) this.#reconnect(connection, sentAtMs);
        reject(failure);
      };
      const metadata = metadataWith(token);
      const options = { deadline: Date.now() + this.#timeoutMs };
      connection.run((client) =>
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          metadata,
          options,
          answered,
        ),
      );
    });
  }

  /**
   * The member is told the deadline, and where its clock is a little quicker it resets the stream
   * first, which looks like a call that somebody has cancelled.
   */
  #nameDeadline(failure: CallError, tookMs: number): CallError {
    const late = tookMs > 0.9 * this.#timeoutMs && failure.grpcCode === GRPC_CODE.cancelled;
    return late ? new CallError(GRPC_CODE.deadlineExceeded, failure.details, failure) : failure;
  }

  /**
   * A connection that went away without a word, such as in a firewall, looks like a member that
   * hangs. Where nothing has come over it since the call was sent, the next call gets a new one.
   */
  #reconnect(failed: Connection, sentAtMs: number): void {
    const replaced = failed !== this.#connection;
    if (this.#closed || replaced || this.#lastAnswerAtMs > sentAtMs) return;
    failed.close();
    this.#connection = new Connection(this.#open);
  }

  #method(service: Service, name: string): MethodDefinition<object, RawSnapshotPart> {
    const found = this.#proto[`etcdserverpb.${service}`] as
      | Readonly<Record<string, MethodDefinition<object, RawSnapshotPart>>>
      | undefined;
    const method = found?.[name];
    if (method === undefined) throw new Error(`member.proto has no ${service}.${name}`);
    return method;
  }
}

function metadataWith(token: Token): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  return metadata;
}

function idleError(cause: unknown): CallError {
  return new CallError(GRPC_CODE.deadlineExceeded, 'no further piece in time', cause);
}

function toCallError(error: unknown): CallError {
  if (error instanceof Error && 'code' in error && 'details' in error) {
    return new CallError(Number(error.code), String(error.details));
  }
  return new CallError(GRPC_CODE.unknown, error instanceof Error ? error.message : String(error));
}
