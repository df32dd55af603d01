// One etcd member through its JSON gateway, for tests and proofs: no library and no process for each
// call, and none of the code that etcd-tools asks members with, so that the two cannot share a
// mistake.
import { once } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** What a TLS connection to a member needs; all PEM. */
export interface GatewayTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface GatewayOptions {
  /** A member's client URL. */
  readonly url: string;
  readonly tls?: GatewayTls;
  /** Most connections at a time; 16 by default. */
  readonly connections?: number;
  /** Of one call; 5 s by default. */
  readonly timeoutMs?: number;
}

/** A call that etcd refused. What got no answer is thrown as node:http's own error. */
export class GatewayError extends Error {
  /** Of gRPC: 11 is OUT_OF_RANGE, 16 UNAUTHENTICATED. */
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.name = 'GatewayError';
    this.code = code;
  }
}

/** Numbers of 64 bits are decimal text, and what is zero is left out: proto3's rules for JSON. */
export type GatewayAnswer = Readonly<Record<string, unknown>>;

/** One key as a Range gives it. */
export interface StoredKey {
  readonly key: string;
  readonly value: string;
  /** How often it has been put since it was made. */
  readonly version: bigint;
  readonly modRevision: bigint;
}

const DEFAULT_CONNECTIONS = 16;
const DEFAULT_TIMEOUT_MS = 5000;
const RANGE_PAGE_KEYS = 2000;

/** Calls of one member over kept connections. Must be closed. */
export class EtcdGateway {
  readonly url: string;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #timeoutMs: number;
  #user: { readonly name: string; readonly password: string } | undefined;
  #token: Promise<string> | undefined;

  constructor({ url, tls, connections = DEFAULT_CONNECTIONS, timeoutMs }: GatewayOptions) {
    this.url = url;
    this.#timeoutMs = timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const options = { keepAlive: true, maxSockets: connections };
    this.#agent = url.startsWith('https:')
      ? new HttpsAgent({ ...options, ...tls })
      : new HttpAgent(options);
  }

  /** Calls from now on are this user's. Every new token is one raft entry. */
  signInAs(name: string, password: string): void {
    this.#user = { name, password };
    this.#token = undefined;
  }

  /** Calls from now on are nobody's. */
  signOut(): void {
    this.#user = undefined;
    this.#token = undefined;
  }

  /** `path` is such as `kv/put`; bytes in `body` must be base64. */
  async call(path: string, body: GatewayAnswer): Promise<GatewayAnswer> {
    try {
      return await this.#send(path, body, await this.#authorization());
    } catch (error) {
      // A member forgets the tokens that it has given when it restarts.
      if (this.#user === undefined || !(error instanceof GatewayError) || error.code !== 16) {
        throw error;
      }
      this.#token = undefined;
      return await this.#send(path, body, await this.#authorization());
    }
  }

  /** The store's revision after it. */
  async put(key: string, value: string): Promise<bigint> {
    return headerOf(await this.call('kv/put', { key: base64(key), value: base64(value) })).revision;
  }

  /** All keys that begin with `prefix`, in pages of one revision. */
  async range(prefix: string, { serializable = false } = {}): Promise<StoredKey[]> {
    const keys: StoredKey[] = [];
    let from = base64(prefix);
    let revision: bigint | undefined;
    for (;;) {
      const answer = await this.call('kv/range', {
        key: from,
        range_end: base64(endOfPrefix(prefix)),
        limit: String(RANGE_PAGE_KEYS),
        serializable,
        ...(revision === undefined ? {} : { revision: String(revision) }),
      });
      const page = listOf(answer, 'kvs').map(parseKey);
      keys.push(...page);
      const last = page.at(-1);
      if (answer.more !== true || last === undefined) return keys;
      revision ??= headerOf(answer).revision;
      from = base64(`${last.key}\0`);
    }
  }

  /** The member's own answer, without asking others. */
  async status(): Promise<GatewayStatus> {
    const answer = await this.call('maintenance/status', {});
    return {
      ...headerOf(answer),
      version: typeof answer.version === 'string' ? answer.version : '',
      leaderId: integer(answer.leader),
      raftIndex: integer(answer.raftIndex),
      raftAppliedIndex: integer(answer.raftAppliedIndex),
      dbSizeBytes: integer(answer.dbSize),
      isLearner: answer.isLearner === true,
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #authorization(): Promise<string | undefined> {
    if (this.#user === undefined) return undefined;
    // The promise is kept, so that calls at the same time ask for one token together.
    this.#token ??= this.#send('auth/authenticate', this.#user, undefined).then(({ token }) =>
      typeof token === 'string' ? token : '',
    );
    try {
      return await this.#token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }

  async #send(
    path: string,
    body: GatewayAnswer,
    authorization: string | undefined,
  ): Promise<GatewayAnswer> {
    const text = JSON.stringify(body);
    const send = this.url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(`${this.url}/v3/${path}`, {
      method: 'POST',
      agent: this.#agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    // The socket's own timeout starts again with every byte, and a frozen member sends none.
    const timer = setTimeout(() => {
      request.destroy(new Error(`${this.url}/v3/${path}: no answer in ${this.#timeoutMs} ms`));
    }, this.#timeoutMs);
    try {
      request.end(text);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const answer = parseAnswer(await readText(response));
      if (response.statusCode === 200) return answer;
      const code = typeof answer.code === 'number' ? answer.code : 2;
      throw new GatewayError(`${this.url}/v3/${path}: ${String(answer.message)}`, code);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a member's status says, by the names of `StatusResponse`. */
export interface GatewayStatus extends GatewayHeader {
  readonly version: string;
  readonly leaderId: bigint;
  readonly raftIndex: bigint;
  readonly raftAppliedIndex: bigint;
  readonly dbSizeBytes: bigint;
  readonly isLearner: boolean;
}

export interface GatewayHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

/** The header that every answer begins with. */
export function headerOf(answer: GatewayAnswer): GatewayHeader {
  const header = objectOf(answer.header);
  return {
    clusterId: integer(header.cluster_id),
    memberId: integer(header.member_id),
    revision: integer(header.revision),
    raftTerm: integer(header.raft_term),
  };
}

/** A repeated field, which is left out when it is empty. */
export function listOf(answer: GatewayAnswer, name: string): GatewayAnswer[] {
  const list = answer[name];
  return Array.isArray(list) ? list.map(objectOf) : [];
}

/** A field of 64 bits, which is left out when it is zero. */
export function integer(value: unknown): bigint {
  return typeof value === 'string' || typeof value === 'number' ? BigInt(value) : 0n;
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function parseKey(stored: GatewayAnswer): StoredKey {
  return {
    key: fromBase64(stored.key),
    value: fromBase64(stored.value),
    version: integer(stored.version),
    modRevision: integer(stored.mod_revision),
  };
}

function fromBase64(value: unknown): string {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '';
}

/** The first key after all that begin with `prefix`; prefixes here are ASCII. */
function endOfPrefix(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

function objectOf(value: unknown): GatewayAnswer {
  return typeof value === 'object' && value !== null ? (value as GatewayAnswer) : {};
}

async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** Of an HTTP error that is not JSON, such as that of a wrong path, the text is the message. */
function parseAnswer(text: string): GatewayAnswer {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return { message: text.trim() };
  }
}
