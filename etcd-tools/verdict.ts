// One round after the other becomes a verdict about every member. Pure: all that is remembered is
// handed in and out.
import { attribute, type Blame } from './attribution.ts';
import { barrierTest } from './barrier-test.ts';
import { closeBounds, lowerBounds } from './bound-closure.ts';
import { type BoundedLag, boundedLag, roundLeader } from './bounded-lag.ts';
import { type Evidence, foldEvidence } from './evidence.ts';
import { indexAlignedTest } from './index-aligned-test.ts';
import { type PairBound, PairMap, resolutionOf, tightest } from './pair-bound.ts';
import { foldPast, hasRegressed, type Past } from './regression.ts';
import { type MemberRound, type Round, type Silence, steadyMembers } from './round.ts';
import { appliedIndexIsOld, foldTrend, judgeTrend, type Trend, type TrendRun } from './trend.ts';

/** In the order of the documents. */
export const MEMBER_STATES = [
  'OK',
  'CATCHING_UP',
  'SLOW',
  'STUCK',
  'APPLY_OVERLOAD',
  'NEEDS_SNAPSHOT',
  'DIVERGED_BEHIND',
  'DIVERGED_AHEAD',
  'REV_REGRESSION',
  'UNKNOWN',
] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

interface KnownMember {
  readonly id: bigint;
  readonly isLearner: boolean;
}

/** What the rounds so far have taught; begin with `NO_HISTORY`. */
export interface History {
  readonly rounds: number;
  readonly evidence: PairMap<Evidence>;
  readonly pasts: ReadonlyMap<bigint, Past>;
  readonly trends: ReadonlyMap<bigint, TrendRun>;
  /** Who answered last at each endpoint. */
  readonly known: ReadonlyMap<string, KnownMember>;
  /** Bounds of the last rounds, the oldest first. */
  readonly recent: readonly PairMap<PairBound>[];
  /** The finest resolution of any round so far. */
  readonly bestResolution: bigint | undefined;
}

export const NO_HISTORY: History = {
  rounds: 0,
  evidence: new PairMap(),
  pasts: new Map(),
  trends: new Map(),
  known: new Map(),
  recent: [],
  bestResolution: undefined,
};

/** What one round and those before it say about one member. */
export interface MemberVerdict {
  readonly endpoint: string;
  /** Undefined when the endpoint has never answered. */
  readonly id: bigint | undefined;
  readonly state: MemberState;
  /** The round's, as far as there is one. */
  readonly answer: MemberRound;
  readonly lag: BoundedLag | undefined;
  readonly trend: Trend | undefined;
  /** Held against the member, and confirmed by a second round. */
  readonly blame: Blame | undefined;
  /** Held against it by one round so far. */
  readonly suspicion: Blame | undefined;
  readonly past: Past | undefined;
  /** Why the state is UNKNOWN where no silence says it. */
  readonly reason: string | undefined;
  readonly silence: Silence | undefined;
}

/** Of all members, after one more round. */
export interface RoundVerdict {
  readonly round: number;
  readonly tookMs: number;
  readonly leaderId: bigint | undefined;
  readonly members: readonly MemberVerdict[];
  /** The smallest difference that this round was certain to show between any two members. */
  readonly resolution: bigint | undefined;
  readonly bestResolution: bigint | undefined;
  /** Something is suspected that another round could confirm. */
  readonly undecided: boolean;
}

// Who is wrong is decided with the tightest bounds of so many rounds: under load one round may tell
// a member from one of the others only.
const RECENT_ROUNDS = 20;

/** Judges `round`. `voterCount` is of the whole cluster, also of voters that were not asked. */
export function judgeRound(
  history: History,
  round: Round,
  voterCount: number,
): { readonly history: History; readonly verdict: RoundVerdict } {
  const steady = steadyMembers(round);
  const bounds = tightest([...barrierTest(steady), ...indexAlignedTest(steady)]);
  const known = new Map([...history.known, ...round.members.flatMap(introduce)]);
  const evidence = foldEvidence(history.evidence, round.number, bounds, steady);
  const pasts = new Map(history.pasts);
  for (const member of steady) pasts.set(member.id, foldPast(pasts.get(member.id), member));
  const trends = new Map(
    round.members.flatMap((member) => {
      const id = idOf(member);
      const run = id === undefined ? undefined : foldTrend(history.trends.get(id), member, round);
      return id === undefined || run === undefined ? [] : [[id, run] as const];
    }),
  );
  const recent = [...stillTrue(history.recent, bounds), bounds].slice(-RECENT_ROUNDS);
  const together = tightest(recent.flatMap((of) => [...of.entries()].map(([, , bound]) => bound)));
  // Also who could not be compared in this very round: it may be told by the others.
  const voters = new Set(
    [...known.values()]
      .filter(({ id, isLearner }) => !isLearner && together.has(id))
      .map(({ id }) => id),
  );
  const blamesOf = (confirmed: boolean): Map<bigint, Blame> =>
    blameBy(evidence, together, { confirmed, voters, voterCount });
  const suspicions = blamesOf(false);
  // A pair of which the wrong one may yet be told stays a suspicion against both.
  const blames = new Map([...blamesOf(true)].filter(([, { open }]) => !open));
  const members = round.members.map((member) =>
    judgeMember(member, round, { blames, suspicions, pasts, trends, known }),
  );
  const answered = [...new Set(round.members.flatMap((member) => idOf(member) ?? []))];
  const resolution = resolutionOf(bounds, answered);
  const bestResolution = finest(history.bestResolution, resolution);
  const leader = roundLeader(round);
  return {
    history: { rounds: history.rounds + 1, evidence, pasts, trends, known, recent, bestResolution },
    verdict: {
      round: round.number,
      tookMs: round.tookMs,
      leaderId: 'none' in leader ? undefined : leader.id,
      members,
      resolution,
      bestResolution,
      undecided: members.some(({ suspicion }) => suspicion !== undefined),
    },
  };
}

/** Earlier bounds, unless they contradict the new ones: a difference has come or gone since. */
function stillTrue(
  recent: readonly PairMap<PairBound>[],
  bounds: PairMap<PairBound>,
): readonly PairMap<PairBound>[] {
  const together = tightest(
    [...recent, bounds].flatMap((of) => [...of.entries()].map(([, , bound]) => bound)),
  );
  const ids = new Set<bigint>();
  for (const [ahead, behind] of together.entries()) ids.add(ahead).add(behind);
  return closeBounds([...ids], lowerBounds(together)) === undefined ? [] : recent;
}

function idOf({ first, statuses }: MemberRound): bigint | undefined {
  return (first ?? statuses[0])?.header.memberId;
}

function introduce({ endpoint, statuses }: MemberRound): (readonly [string, KnownMember])[] {
  const status = statuses.at(-1);
  if (status === undefined) return [];
  return [[endpoint, { id: status.header.memberId, isLearner: status.isLearner }]];
}

function blameBy(
  evidence: PairMap<Evidence>,
  bounds: PairMap<PairBound>,
  how: {
    readonly confirmed: boolean;
    readonly voters: ReadonlySet<bigint>;
    readonly voterCount: number;
  },
): Map<bigint, Blame> {
  const all = [...evidence.entries()].map(([, , one]) => one);
  // What is confirmed helps to say whom a suspicion is about, and is not suspected again.
  const counted = how.confirmed ? all.filter(({ confirmed }) => confirmed) : all;
  return new Map(attribute(counted, bounds, how).map((blame) => [blame.id, blame]));
}

function finest(best: bigint | undefined, one: bigint | undefined): bigint | undefined {
  if (best === undefined || one === undefined) return best ?? one;
  return one < best ? one : best;
}

interface Findings {
  readonly known: ReadonlyMap<string, KnownMember>;
  readonly blames: ReadonlyMap<bigint, Blame>;
  readonly suspicions: ReadonlyMap<bigint, Blame>;
  readonly pasts: ReadonlyMap<bigint, Past>;
  readonly trends: ReadonlyMap<bigint, TrendRun>;
}

function judgeMember(
  member: MemberRound,
  round: Round,
  { blames, suspicions, pasts, trends, known }: Findings,
): MemberVerdict {
  // What was proven of a member stays proven while it is silent.
  const id = known.get(member.endpoint)?.id;
  const lag = boundedLag(member, round);
  const run = id === undefined ? undefined : trends.get(id);
  const trend =
    run === undefined || lag === undefined
      ? undefined
      : judgeTrend(run, lag, member.barrier !== undefined);
  const blame = id === undefined ? undefined : blames.get(id);
  const suspicion = blame || id === undefined ? undefined : suspicions.get(id);
  const past = id === undefined ? undefined : pasts.get(id);
  const facts = {
    endpoint: member.endpoint,
    id,
    answer: member,
    lag,
    trend,
    blame,
    suspicion,
    past,
  };
  const [state, reason] = decide(facts, member, round);
  return { ...facts, state, reason, silence: member.silence ?? member.barrierSilence };
}

type Decision = readonly [state: MemberState, reason: string | undefined];

/** What is proven comes before what could not be seen, and that before what is only slow. */
function decide(
  { blame, suspicion, past, trend }: Pick<MemberVerdict, 'blame' | 'suspicion' | 'past' | 'trend'>,
  member: MemberRound,
  round: Round,
): Decision {
  if (blame !== undefined) {
    return [blame.direction === 'behind' ? 'DIVERGED_BEHIND' : 'DIVERGED_AHEAD', undefined];
  }
  if (past !== undefined && hasRegressed(past)) return ['REV_REGRESSION', undefined];
  if (suspicion !== undefined) return ['UNKNOWN', 'a difference is suspected'];
  if (member.silence !== undefined || member.last === undefined) return ['UNKNOWN', undefined];
  const leader = roundLeader(round);
  if ('none' in leader) return ['UNKNOWN', leader.none];
  if (trend !== undefined && trend.state !== 'OK') return [trend.state, undefined];
  // In step by its indexes, but the barrier did not let it through. A learner has none.
  if (member.barrier === undefined && !member.last.isLearner && cannotRead(member)) {
    return ['UNKNOWN', 'a linearizable read was not answered'];
  }
  if (trend !== undefined) return ['OK', undefined];
  if (appliedIndexIsOld(member, round)) return ['OK', undefined];
  return ['UNKNOWN', 'it answered late, so that nothing could be measured'];
}

function cannotRead({ barrierSilence }: MemberRound): boolean {
  return barrierSilence !== undefined && barrierSilence.code !== 'learner';
}
