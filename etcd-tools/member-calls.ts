// What a client of one member does beside the wire: the token, when to go on without one, errors in
// words, and answers in our own types.
import {
  type RawKeyHash,
  type RawMemberList,
  type RawRange,
  type RawSnapshotPart,
  type RawStatus,
  type Times,
  toHeader,
  toKeyHash,
  toListedMember,
  toSnapshotPart,
  toStatus,
} from './member-answers.ts';
import type { MemberClient, SnapshotPart } from './member-client.ts';
import {
  authNotEnabled,
  CallError,
  type CallFailure,
  type MemberCall,
  MemberError,
  permissionDenied,
  tokenRefused,
} from './member-error.ts';
import type { ReadAnswer } from './member-report.ts';
import { type Token, TokenKeeper } from './member-token.ts';

/** An answer and when it was asked for and came. */
export interface Timed<T> {
  readonly answer: T;
  readonly times: Times;
}

/** `RangeRequest`, as far as it is used. */
export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly serializable?: boolean;
  readonly count_only: true;
}

/** One call each, sent once, with a deadline. They reject with a `CallError`. */
export interface MemberWire {
  status(token: Token): Promise<Timed<RawStatus>>;
  range(request: RangeRequest, token: Token): Promise<Timed<RawRange>>;
  memberList(token: Token): Promise<Timed<RawMemberList>>;
  hashKeys(revision: bigint, token: Token): Promise<Timed<RawKeyHash>>;
  authenticate(user: { readonly name: string; readonly password: string }): Promise<Token>;
  snapshot(token: Token, signal: AbortSignal): AsyncIterable<RawSnapshotPart>;
  close(): void;
}

/** A key that nobody has: it is how far the store is that matters, and a count is short. */
const PROBED_KEY = Buffer.from('evenkeel-etcd/probe');
/** From the first key to the last: an end of `\0` is no bound in etcd's API. */
const ALL_KEYS = { key: Buffer.from([0]), range_end: Buffer.from([0]) };

/** A client of the member behind `wire`, which is closed with it. */
export class MemberCalls implements MemberClient {
  readonly endpoint: string;
  readonly #wire: MemberWire;
  readonly #token: TokenKeeper;

  constructor(
    endpoint: string,
    wire: MemberWire,
    user: { readonly name: string; readonly password: string } | undefined,
  ) {
    this.endpoint = endpoint;
    this.#wire = wire;
    const authenticate = async (): Promise<Token> => {
      if (user === undefined) return undefined;
      try {
        return await wire.authenticate(user);
      } catch (error) {
        const failure = toFailure(error);
        // The cluster has no users, so that none is needed: etcdctl goes on as well.
        if (authNotEnabled(failure)) return undefined;
        throw this.#memberError('Authenticate', failure);
      }
    };
    this.#token = new TokenKeeper(authenticate, () => performance.now());
  }

  async status() {
    const { answer, times } = await this.#ask('Status', (token) => this.#wire.status(token));
    return toStatus(answer, times);
  }

  linearizableRead() {
    return this.#read(false);
  }

  serializableRead() {
    return this.#read(true);
  }

  async memberList() {
    const { answer } = await this.#ask('MemberList', (token) => this.#wire.memberList(token));
    return { header: toHeader(answer.header), members: answer.members.map(toListedMember) };
  }

  async hashKeys(revision: bigint) {
    const { answer, times } = await this.#ask('HashKV', (token) =>
      this.#wire.hashKeys(revision, token),
    );
    return toKeyHash(answer, times);
  }

  async countKeys() {
    const { answer } = await this.#ask('Range', (token) =>
      this.#wire.range({ ...ALL_KEYS, count_only: true }, token),
    );
    return { count: BigInt(answer.count), header: toHeader(answer.header) };
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<SnapshotPart> {
    const token = await this.#tokenFor('Snapshot');
    let begun = false;
    try {
      for await (const part of this.#wire.snapshot(token, signal)) {
        begun = true;
        yield toSnapshotPart(part);
      }
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error);
      if (begun || !tokenRefused(failure)) throw this.#memberError('Snapshot', failure);
      // Nothing has been handed out yet, so that it can begin again with another token.
      if ((await this.#token.replacementOf(token)) === undefined) {
        throw this.#memberError('Snapshot', failure);
      }
      yield* this.snapshot(signal);
    }
  }

  close(): void {
    this.#wire.close();
  }

  async #read(serializable: boolean): Promise<ReadAnswer> {
    const request = { key: PROBED_KEY, limit: 1, serializable, count_only: true } as const;
    const { answer, times } = await this.#ask('Range', async (token) => {
      const sentAtMs = performance.now();
      try {
        return await this.#wire.range(request, token);
      } catch (error) {
        if (!permissionDenied(toFailure(error))) throw error;
        return { answer: undefined, times: { sentAtMs, receivedAtMs: performance.now() } };
      }
    });
    if (answer !== undefined) {
      return { ...times, revision: BigInt(answer.header.revision), permissionDenied: false };
    }
    // The permission is looked at after the barrier (EtcdServer.Range in etcd's
    // server/etcdserver/v3_server.go), so that a Status after the refusal shows what an answer
    // would have shown.
    const { header } = await this.status();
    return { ...times, revision: header.revision, permissionDenied: true };
  }

  /** Asks with a token, and once more where the member refuses one that has grown old. */
  async #ask<T>(name: MemberCall, ask: (token: Token) => Promise<Timed<T>>): Promise<Timed<T>> {
    const token = await this.#tokenFor(name);
    try {
      return await ask(token);
    } catch (error) {
      const failure = toFailure(error);
      if (!tokenRefused(failure)) throw this.#memberError(name, failure);
      const replacement = await this.#token.replacementOf(token);
      if (replacement === undefined) throw this.#memberError(name, failure);
      return await ask(replacement).catch((again: unknown) => {
        throw this.#memberError(name, toFailure(again));
      });
    }
  }

  /**
   * A token takes a quorum. Status and the member list are what a cluster without one is asked for,
   * and most releases give them to anybody, so they are tried without a token then.
   */
  async #tokenFor(name: MemberCall): Promise<Token> {
    try {
      return await this.#token.current();
    } catch (error) {
      const sick = error instanceof MemberError && NO_TOKEN_TO_BE_HAD.has(error.code);
      if (sick && (name === 'Status' || name === 'MemberList')) return undefined;
      throw error;
    }
  }

  #memberError(call: MemberCall, failure: CallFailure): MemberError {
    return new MemberError({ endpoint: this.endpoint, call }, failure);
  }
}

const NO_TOKEN_TO_BE_HAD: ReadonlySet<string> = new Set(['deadline', 'no-leader', 'learner']);

/** A failure that is none of the wire's is a mistake of ours, and goes on as it is. */
function toFailure(error: unknown): CallFailure {
  if (error instanceof CallError) return error;
  throw error;
}
