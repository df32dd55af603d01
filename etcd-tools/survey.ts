// Asks all members one round of questions, in the order that the tests A, B and C need. A member
// that does not answer is part of the answer.
import { largest } from './bigints.ts';
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
  /** Most further Status calls, one after the other, at each member where something is written. */
  readonly burst: number;
  /** None of them is begun later than this after the first; 150 ms by default. */
  readonly burstMs?: number;
}

const DEFAULT_BURST_MS = 150;
const FAR_BEHIND_ENTRIES = 1000n;
// Long enough to measure how fast the member catches up, and to end before it has.
const HURRIED_MS = 300;

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
  #return = Promise.withResolvers<void>();

  constructor(clients: readonly MemberClient[], options: SurveyOptions) {
    const onReturn = (): void => this.#return.resolve();
    this.#lines = clients.map((client) => new Line(client, options.nowMs, onReturn));
    this.#options = options;
  }

  /**
   * Resolves when a member answers for whom the last round did not wait any more: what it has to
   * catch up with can be seen now, and perhaps not a second later.
   */
  get returned(): Promise<void> {
    return this.#return.promise;
  }

  /** Rejects only with the reason of `signal`. */
  async round(signal: AbortSignal): Promise<Round> {
    const { nowMs } = this.#options;
    const startedAtMs = nowMs();
    this.#return = Promise.withResolvers();
    this.#rounds += 1;
    const asked = this.#lines.map(ask);
    // Two at once before the barrier: the first are the leader's "before" of test C, and with the
    // second the pairs of test B that lie closest together.
    await this.#statuses(asked, signal);
    await this.#statuses(asked, signal);
    for (const one of asked) one.first = one.statuses.at(-1);
    await this.#barriers(asked, signal);
    await this.#statuses(asked, signal);
    if (isWritten(asked)) await this.#bursts(asked, signal);
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
    await this.#step(signal, this.#options.patienceMs, (ended) =>
      asked
        .filter(({ silence }) => silence === undefined)
        .map(async (one) => {
          take(one, await one.line.status(ended));
        }),
    );
  }

  /** Chains of Status calls, the members beside each other. */
  async #bursts(asked: readonly Asked[], signal: AbortSignal): Promise<void> {
    const { nowMs, burst, burstMs = DEFAULT_BURST_MS } = this.#options;
    const endsAtMs = nowMs() + burstMs;
    const goesOn = ({ silence }: Asked): boolean => silence === undefined && nowMs() < endsAtMs;
    await this.#step(signal, this.#options.patienceMs, (ended) =>
      asked
        .filter(({ silence }) => silence === undefined)
        .map(async (one) => {
          for (let made = 0; made < burst && goesOn(one); made += 1) {
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
    const firsts = asked.flatMap(({ first }) => (first === undefined ? [] : [first]));
    const leader = leaderId(firsts);
    const patienceMs = isFarBehind(firsts) ? HURRIED_MS : this.#options.patienceMs;
    await this.#step(signal, patienceMs, (ended) =>
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
    patienceMs: number,
    start: (ended: Promise<void>) => readonly Promise<void>[],
  ): Promise<void> {
    signal.throwIfAborted();
    const timer = new AbortController();
    const either = AbortSignal.any([timer.signal, signal]);
    const ended = this.#options.wait(Math.min(patienceMs, this.#options.patienceMs), either);
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

/** A member is, and its read may have to wait until it has caught up. */
function isFarBehind(statuses: readonly MemberStatus[]): boolean {
  const committed = largest(statuses.map(({ raftIndex }) => raftIndex));
  return statuses.some(({ raftAppliedIndex }) => committed - raftAppliedIndex > FAR_BEHIND_ENTRIES);
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
  readonly #onReturn: () => void;
  #statusSinceMs: number | undefined;
  #readSinceMs: number | undefined;

  constructor(client: MemberClient, nowMs: () => number, onReturn: () => void) {
    this.endpoint = client.endpoint;
    this.#onReturn = onReturn;
    this.#client = client;
    this.#nowMs = nowMs;
  }

  async status(ended: Promise<void>): Promise<Answered<MemberStatus>> {
    if (this.#statusSinceMs !== undefined) return this.#pending('Status', this.#statusSinceMs);
    this.#statusSinceMs = this.#nowMs();
    const call = settled(this.#client.status()).finally(() => {
      this.#statusSinceMs = undefined;
    });
    const answer = await Promise.race([call, ended]);
    if (answer !== undefined) return answer;
    // Never rejects: a failure is an answer.
    void call.then((late) => {
      if ('value' in late) this.#onReturn();
    });
    return this.#pending('Status', this.#statusSinceMs ?? 0);
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
