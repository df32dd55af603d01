// Asks all members one round of questions, in the order that the tests A, B and C need. A member
// that does not answer is part of the answer.
import { leaderId } from './cluster-view.ts';
import type { MemberClient } from './member-client.ts';
import { MemberError } from './member-error.ts';
import type { MemberStatus, ReadAnswer } from './member-report.ts';
import type { MemberRound, Round, Silence } from './round.ts';

export interface SurveyOptions {
  /** Monotonic, and the one that the clients time their calls with. */
  readonly nowMs: () => number;
  /** Resolves after `ms`, or when `signal` is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * How long a round waits for one step of it. The call goes on until its own deadline, and the
   * member is left out of rounds until then: a frozen member must not slow the others' rounds down.
   */
  readonly patienceMs: number;
  /** Further Status calls one after the other at each member, where something is being written. */
  readonly burst: number;
}

type Answered<T> = { readonly value: T } | { readonly silence: Silence };

/** One member while it is asked. */
interface Asked {
  readonly line: Line;
  readonly statuses: MemberStatus[];
  first: MemberStatus | undefined;
  last: MemberStatus | undefined;
  barrier: ReadAnswer | undefined;
  silence: Silence | undefined;
  barrierSilence: Silence | undefined;
}

/** Rounds over the same members. They must not overlap. */
export class Survey {
  readonly #lines: readonly Line[];
  readonly #options: SurveyOptions;
  #rounds = 0;

  constructor(clients: readonly MemberClient[], options: SurveyOptions) {
    this.#lines = clients.map((client) => new Line(client, options.nowMs));
    this.#options = options;
  }

  /** Rejects only with the reason of `signal`. */
  async round(signal: AbortSignal): Promise<Round> {
    const { nowMs, burst } = this.#options;
    const startedAtMs = nowMs();
    this.#rounds += 1;
    const asked = this.#lines.map(ask);
    // Two at once before the barrier: the first are the leader's "before" of test C, and with the
    // second the pairs of test B that lie closest together.
    await this.#statuses(asked, signal);
    await this.#statuses(asked, signal);
    for (const one of asked) one.first = one.statuses.at(-1);
    await this.#barriers(asked, signal);
    await this.#statuses(asked, signal);
    if (isWritten(asked)) await this.#bursts(asked, burst, signal);
    // Without a whole round of answers there is no S1.
    for (const one of asked) {
      if (one.silence === undefined) one.last = one.statuses.at(-1);
    }
    return {
      number: this.#rounds,
      members: asked.map(toMemberRound),
      startedAtMs,
      tookMs: nowMs() - startedAtMs,
    };
  }

  /** One Status of each member that has answered so far, all at once. */
  async #statuses(asked: readonly Asked[], signal: AbortSignal): Promise<void> {
    await this.#step(signal, (ended) =>
      asked
        .filter(({ silence }) => silence === undefined)
        .map(async (one) => {
          take(one, await one.line.status(ended));
        }),
    );
  }

  /** Chains of Status calls, the members beside each other. */
  async #bursts(asked: readonly Asked[], count: number, signal: AbortSignal): Promise<void> {
    await this.#step(signal, (ended) =>
      asked
        .filter(({ silence }) => silence === undefined)
        .map(async (one) => {
          for (let made = 0; made < count && one.silence === undefined; made += 1) {
            take(one, await one.line.status(ended));
          }
        }),
    );
  }

  /**
   * A linearizable read on each voter. Beside them a Status of the leader, its "after" of test C: a
   * read may have to wait for long, and the interval would be as long.
   */
  async #barriers(asked: readonly Asked[], signal: AbortSignal): Promise<void> {
    const leader = leaderId(asked.flatMap(({ first }) => (first === undefined ? [] : [first])));
    await this.#step(signal, (ended) =>
      asked
        .filter(({ silence }) => silence === undefined)
        .flatMap((one) => {
          const calls: Promise<void>[] = [];
          if (one.first?.header.memberId === leader && leader !== undefined) {
            calls.push(one.line.status(ended).then((answer) => take(one, answer)));
          }
          // A learner refuses it (isRPCSupportedForLearner in etcd's api/v3rpc/util.go).
          if (one.first?.isLearner === false) {
            calls.push(
              one.line.read(ended).then((answer) => {
                if ('value' in answer) one.barrier = answer.value;
                else one.barrierSilence = answer.silence;
              }),
            );
          }
          return calls;
        }),
    );
  }

  /** Resolves when all calls have ended, each by its answer or by the end of patience. */
  async #step(
    signal: AbortSignal,
    start: (ended: Promise<void>) => readonly Promise<void>[],
  ): Promise<void> {
    signal.throwIfAborted();
    const timer = new AbortController();
    const either = AbortSignal.any([timer.signal, signal]);
    const ended = this.#options.wait(this.#options.patienceMs, either);
    await Promise.all(start(ended));
    timer.abort();
    signal.throwIfAborted();
  }
}

function ask(line: Line): Asked {
  return {
    line,
    statuses: [],
    first: undefined,
    last: undefined,
    barrier: undefined,
    silence: undefined,
    barrierSilence: undefined,
  };
}

function take(asked: Asked, answer: Answered<MemberStatus>): void {
  if ('value' in answer) asked.statuses.push(answer.value);
  else asked.silence = answer.silence;
}

function toMemberRound({ line, ...rest }: Asked): MemberRound {
  return { endpoint: line.endpoint, ...rest };
}

/** Nothing more can be learnt of a cluster that stands still. */
function isWritten(asked: readonly Asked[]): boolean {
  const moments = asked.flatMap(({ statuses }) =>
    statuses.map(({ header, raftIndex }) => `${header.memberId} ${raftIndex}`),
  );
  const members = asked.filter(({ statuses }) => statuses.length > 0).length;
  return new Set(moments).size > members;
}

/** The way to one member: one call of each kind at a time. */
class Line {
  readonly endpoint: string;
  readonly #client: MemberClient;
  readonly #nowMs: () => number;
  #statusSinceMs: number | undefined;
  #readSinceMs: number | undefined;

  constructor(client: MemberClient, nowMs: () => number) {
    this.endpoint = client.endpoint;
    this.#client = client;
    this.#nowMs = nowMs;
  }

  async status(ended: Promise<void>): Promise<Answered<MemberStatus>> {
    if (this.#statusSinceMs !== undefined) return this.#pending('Status', this.#statusSinceMs);
    this.#statusSinceMs = this.#nowMs();
    const call = settled(this.#client.status()).finally(() => {
      this.#statusSinceMs = undefined;
    });
    return (await Promise.race([call, ended])) ?? this.#pending('Status', this.#statusSinceMs ?? 0);
  }

  async read(ended: Promise<void>): Promise<Answered<ReadAnswer>> {
    if (this.#readSinceMs !== undefined) return this.#pending('Range', this.#readSinceMs);
    this.#readSinceMs = this.#nowMs();
    const call = settled(this.#client.linearizableRead()).finally(() => {
      this.#readSinceMs = undefined;
    });
    return (await Promise.race([call, ended])) ?? this.#pending('Range', this.#readSinceMs ?? 0);
  }

  #pending(call: string, sinceMs: number): { readonly silence: Silence } {
    const seconds = ((this.#nowMs() - sinceMs) / 1000).toFixed(1);
    const text = `${this.endpoint}: ${call}: no answer for ${seconds} s so far`;
    return { silence: { code: 'deadline', text } };
  }
}

async function settled<T>(call: Promise<T>): Promise<Answered<T>> {
  try {
    return { value: await call };
  } catch (error) {
    if (error instanceof MemberError) {
      return { silence: { code: error.code, text: error.message } };
    }
    const text = error instanceof Error ? error.message : String(error);
    return { silence: { code: 'other', text } };
  }
}
