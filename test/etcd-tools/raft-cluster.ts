// A raft log and the members that learn, apply and lose it, in steps as small as etcd's own.

export interface ModelOptions {
  readonly seed: number;
  readonly size: number;
  readonly learners: number;
  /** Of each thing, how often it happens beside the others. */
  readonly weights: Readonly<Record<Happening, number>>;
  /** The share of entries that raise the revision. */
  readonly putShare: number;
  /** Steps after which a round goes on without an answer. */
  readonly patience: number;
  /** By member: how much its store is ahead from the beginning; negative is behind. */
  readonly offsets: readonly number[];
}

export type Happening =
  | 'call'
  | 'write'
  | 'learn'
  | 'apply'
  | 'freeze'
  | 'restart'
  | 'snapshot'
  | 'elect'
  | 'hear'
  | 'lose';

export interface ModelMember {
  readonly id: bigint;
  readonly speed: number;
  readonly isLearner: boolean;
  offset: number;
  /** The last entry in the store, in the applied index, and announced as committed. */
  stored: number;
  applied: number;
  known: number;
  leaderId: bigint;
  term: number;
  frozenFor: number;
  downFor: number;
  /** A snapshot on the way into the store. */
  installing: number | undefined;
}

/** What there is, and every single thing that may happen to it. */
export class RaftCluster {
  readonly members: ModelMember[];
  readonly #options: ModelOptions;
  readonly #whenDown: (member: ModelMember) => void;
  /** The revision after each entry. */
  readonly #revisions = [1];
  /** Whose store is ahead of the applied index by an entry, and not by a snapshot. */
  readonly #fromEntry = new Set<ModelMember>();
  #committed = 0;
  #leader: ModelMember;
  #term = 2;
  #state: number;

  constructor(options: ModelOptions, whenDown: (member: ModelMember) => void) {
    this.#options = options;
    this.#whenDown = whenDown;
    this.#state = options.seed;
    this.members = Array.from({ length: options.size + options.learners }, (_, index) => ({
      id: BigInt(index + 1),
      speed: 1 + Math.floor(this.random() ** 2 * 20),
      isLearner: index >= options.size,
      offset: options.offsets[index] ?? 0,
      stored: 0,
      applied: 0,
      known: 0,
      leaderId: 1n,
      term: 2,
      frozenFor: 0,
      downFor: 0,
      installing: undefined,
    }));
    this.#leader = this.members[0] as ModelMember;
    // Some history, so that no store is at the revision where all begin.
    for (let made = 0; made < 200; made += 1) this.#write();
    this.settle();
  }

  get committed(): number {
    return this.#committed;
  }

  /** Follows a leader that runs. */
  hearsLeader({ leaderId }: ModelMember): boolean {
    return leaderId === this.#leader.id && this.#leader.downFor === 0;
  }

  /** Mulberry32: in 0 to 1. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  revisionOf({ stored, offset }: ModelMember): bigint {
    return BigInt((this.#revisions[stored] ?? 0) + offset);
  }

  /** Everybody up, and everything applied everywhere. */
  settle(): void {
    for (const member of this.members) {
      member.frozenFor = 0;
      member.downFor = 0;
      member.installing = undefined;
      member.leaderId = this.#leader.id;
      member.term = this.#term;
      member.known = this.#committed;
      member.stored = this.#committed;
      member.applied = this.#committed;
    }
  }

  /** Time goes by for those who are frozen or down. */
  tick(): void {
    for (const member of this.members) {
      if (member.frozenFor > 0) member.frozenFor -= 1;
      if (member.downFor > 0) {
        member.downFor -= 1;
        if (member.downFor === 0) this.#comeBack(member);
      }
    }
  }

  #anyMember(): ModelMember {
    return this.members[Math.floor(this.random() * this.members.length)] as ModelMember;
  }

  /** To any member. */
  do(happening: Exclude<Happening, 'call'>): void {
    const member = this.#anyMember();
    const runs = member.frozenFor === 0 && member.downFor === 0;
    const actions: Record<typeof happening, () => void> = {
      write: () => this.#write(),
      learn: () => {
        if (runs && member.leaderId !== 0n && member.installing === undefined) {
          const gap = this.#committed - member.known;
          member.known += Math.ceil(this.random() * gap);
        }
      },
      apply: () => {
        if (runs) for (let made = 0; made < member.speed; made += 1) this.#apply(member);
      },
      freeze: () => {
        member.frozenFor = Math.floor(this.random() * 200);
      },
      restart: () => this.#goDown(member),
      snapshot: () => {
        if (runs && member !== this.#leader && this.#leader.stored > member.stored) {
          member.installing ??= this.#leader.stored;
          member.known = Math.max(member.known, member.installing);
        }
      },
      elect: () => this.#elect(member),
      lose: () => {
        if (runs && member !== this.#leader) member.leaderId = 0n;
      },
      hear: () => {
        if (!runs) return;
        member.leaderId = this.#leader.id;
        member.term = this.#term;
      },
    };
    actions[happening]();
  }

  /** False where nothing can be committed. */
  #write(): boolean {
    // A commit takes a majority, and the leader.
    const up = this.members.filter(
      ({ isLearner, downFor, frozenFor }) => !isLearner && downFor === 0 && frozenFor === 0,
    );
    if (up.length * 2 <= this.#options.size || !up.includes(this.#leader)) return false;
    for (let made = Math.floor(this.random() * 4); made >= 0; made -= 1) {
      const raised = this.random() < this.#options.putShare ? 1 : 0;
      this.#revisions.push((this.#revisions.at(-1) ?? 1) + raised);
      this.#committed += 1;
    }
    return true;
  }

  /** One small step: into the store, or from there into the applied index, or a snapshot. */
  #apply(member: ModelMember): void {
    if (member.installing !== undefined) {
      // The store is another at once; the applied index stays old until the next entry.
      member.stored = Math.max(member.stored, member.installing);
      member.offset = this.#leader.offset;
      member.installing = undefined;
    } else if (member.applied < member.stored && this.#fromEntry.has(member)) {
      member.applied = member.stored;
      this.#fromEntry.delete(member);
    } else if (member.stored < member.known) {
      member.stored += 1;
      this.#fromEntry.add(member);
    }
  }

  #goDown(member: ModelMember): void {
    if (member.downFor > 0) return;
    member.downFor = 1 + Math.floor(this.random() * 400);
    member.frozenFor = 0;
    this.#whenDown(member);
    if (member === this.#leader) this.#elect(this.#anyMember());
  }

  /** It serves when an entry of its own is applied, and waits where there is no quorum for one. */
  #comeBack(member: ModelMember): void {
    if (!this.#write()) {
      member.downFor = 10;
      return;
    }
    member.installing = undefined;
    this.#fromEntry.delete(member);
    member.known = this.#committed;
    member.stored = this.#committed;
    member.applied = this.#committed;
    member.leaderId = this.#leader.id;
    member.term = this.#term;
  }

  #elect(candidate: ModelMember): void {
    if (candidate.isLearner || candidate.downFor > 0 || candidate.frozenFor > 0) return;
    this.#leader = candidate;
    this.#term += 1;
    candidate.leaderId = candidate.id;
    candidate.term = this.#term;
    this.#revisions.push(this.#revisions.at(-1) ?? 1);
    this.#committed += 1;
  }
}
