// A cluster as far as Status and reads show it, whose every step is picked at random: what is
// written, committed, learnt, applied and read, and where one member is in the middle of another's
// answer. Everything that etcd's source allows may happen, however unlikely it is on a machine.
import type { MemberClient } from '../../etcd-tools/member-client.ts';
import { MemberError } from '../../etcd-tools/member-error.ts';
import type { MemberStatus, ReadAnswer } from '../../etcd-tools/member-report.ts';
import { Survey } from '../../etcd-tools/survey.ts';
import {
  type Happening,
  type ModelMember,
  type ModelOptions,
  RaftCluster,
} from './raft-cluster.ts';

/** One call under way: each `next` is one step of it at the member. */
interface Call {
  readonly member: ModelMember;
  readonly steps: Iterator<undefined, unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const WAITED_TOO_LONG = 3000;

/** Runs a survey over a cluster in which something happens between any two steps of a call. */
export class RaftModel {
  readonly survey: Survey;
  readonly weights: Record<Happening, number>;
  #clock = 0;
  readonly #cluster: RaftCluster;
  readonly #calls = new Set<Call>();
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  constructor(options: ModelOptions) {
    this.weights = { ...options.weights };
    this.#cluster = new RaftCluster(options, (member) => this.#breakCalls(member));
    this.survey = new Survey(
      this.#cluster.members.map((member) => this.#clientOf(member)),
      {
        nowMs: () => this.#clock,
        wait: (ms, signal) => this.#wait(ms, signal),
        patienceMs: options.patience,
        burst: 3,
        burstMs: 1000,
      },
    );
  }

  /** Lets things happen until `promise` is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const finish = (): void => {
      done = true;
    };
    promise.then(finish, finish);
    await drain();
    while (!done) if (this.#step()) await drain();
    return await promise;
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = { at: this.#clock + ms, fire: resolve };
      this.#timers.add(timer);
      signal.addEventListener('abort', () => {
        this.#timers.delete(timer);
        resolve();
      });
    });
  }

  /** True when somebody who waits has to be let run. */
  #step(): boolean {
    this.#clock += 1;
    let resolved = false;
    for (const timer of this.#timers) {
      if (timer.at > this.#clock) continue;
      this.#timers.delete(timer);
      timer.fire();
      resolved = true;
    }
    this.#cluster.tick();
    return this.#happen() || resolved;
  }

  #happen(): boolean {
    const entries = Object.entries(this.weights) as [Happening, number][];
    let ticket = this.#cluster.random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [happening, weight] of entries) {
      ticket -= weight;
      if (ticket >= 0) continue;
      if (happening === 'call') return this.#advanceCall();
      this.#cluster.do(happening);
      return false;
    }
    return false;
  }

  #advanceCall(): boolean {
    const ready = [...this.#calls].filter(({ member }) => member.frozenFor === 0);
    const call = ready[Math.floor(this.#cluster.random() * ready.length)];
    if (call === undefined) return false;
    try {
      const { done, value } = call.steps.next();
      if (done !== true) return false;
      call.resolve(value);
    } catch (error) {
      call.reject(error);
    }
    this.#calls.delete(call);
    return true;
  }

  #breakCalls(member: ModelMember): void {
    for (const call of this.#calls) {
      if (call.member !== member) continue;
      this.#calls.delete(call);
      call.reject(unreachable(member));
    }
  }

  #call<T>(member: ModelMember, steps: Iterator<undefined, T>): Promise<T> {
    if (member.downFor > 0) return Promise.reject(unreachable(member));
    return new Promise<T>((resolve, reject) => {
      const settle = resolve as (value: unknown) => void;
      this.#calls.add({ member, steps, resolve: settle, reject });
    });
  }

  #clientOf(member: ModelMember): MemberClient {
    const client = {
      endpoint: `http://m${member.id}:1`,
      status: () => this.#call(member, this.#status(member)),
      linearizableRead: () => this.#call(member, this.#read(member)),
    };
    return client as unknown as MemberClient;
  }

  /** The order of etcd's Status: the revision, the committed index, the applied index. */
  *#status(member: ModelMember): Generator<undefined, MemberStatus> {
    const sentAtMs = this.#clock;
    yield undefined;
    const raftTerm = BigInt(member.term);
    const revision = this.#cluster.revisionOf(member);
    yield undefined;
    const { leaderId } = member;
    const raftIndex = BigInt(member.known);
    yield undefined;
    const raftAppliedIndex = BigInt(member.applied);
    yield undefined;
    return {
      sentAtMs,
      receivedAtMs: this.#clock,
      header: { clusterId: 7n, memberId: member.id, revision, raftTerm },
      version: '3.6.14',
      dbSizeBytes: 0n,
      dbSizeInUseBytes: 0n,
      leaderId,
      raftIndex,
      raftAppliedIndex,
      raftTerm: BigInt(member.term),
      errors: [],
      isLearner: member.isLearner,
      storageVersion: '',
      dbSizeQuotaBytes: 0n,
    };
  }

  /** Asks the leader for its committed index, waits to have applied it, and reads. */
  *#read(member: ModelMember): Generator<undefined, ReadAnswer> {
    const sentAtMs = this.#clock;
    yield undefined;
    while (!this.#cluster.hearsLeader(member)) {
      if (this.#clock - sentAtMs > WAITED_TOO_LONG) throw noLeader(member);
      yield undefined;
    }
    const readIndex = this.#cluster.committed;
    while (member.stored < readIndex) {
      if (this.#clock - sentAtMs > WAITED_TOO_LONG) throw noLeader(member);
      yield undefined;
    }
    yield undefined;
    const revision = this.#cluster.revisionOf(member);
    yield undefined;
    return { sentAtMs, receivedAtMs: this.#clock, revision, permissionDenied: false };
  }
}

function unreachable({ id }: ModelMember): MemberError {
  const failure = { grpcCode: 14, details: 'ECONNREFUSED' };
  return new MemberError({ endpoint: `http://m${id}:1`, call: 'Status' }, failure);
}

function noLeader({ id }: ModelMember): MemberError {
  const failure = { grpcCode: 14, details: 'etcdserver: request timed out' };
  return new MemberError({ endpoint: `http://m${id}:1`, call: 'Range' }, failure);
}

/** Lets everybody run whose promise has been settled. */
function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
