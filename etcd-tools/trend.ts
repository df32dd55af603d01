// From the lag of one member over the rounds to a word for it. Pure.
import { largest } from './bigints.ts';
import { type BoundedLag, boundedLag } from './bounded-lag.ts';
import type { MemberRound, Round } from './round.ts';

/** What a member that holds the right data may be up to. */
export type TrendState =
  | 'OK'
  | 'CATCHING_UP'
  | 'SLOW'
  | 'STUCK'
  | 'APPLY_OVERLOAD'
  | 'NEEDS_SNAPSHOT';

/** One look at how far the member and the cluster were. */
export interface TrendPoint {
  readonly atMs: number;
  readonly round: number;
  readonly applied: bigint;
  /** Known as committed by the member. */
  readonly known: bigint;
  /** Known as committed by anybody before the member was asked. */
  readonly committed: bigint;
}

/** The looks at one member since it was last interrupted, the oldest first. */
export interface TrendRun {
  readonly leaderId: bigint;
  readonly raftTerm: bigint;
  readonly isLearner: boolean;
  readonly points: readonly TrendPoint[];
}

/** The word, and the figures that it rests on. */
export interface Trend {
  readonly state: TrendState;
  /** Entries behind at the end of the round. */
  readonly behind: bigint;
  /** Until it has caught up; undefined where it does not come closer. */
  readonly etaMs: number | undefined;
  /** Behind in time, at the rate at which the cluster commits; undefined when nothing is written. */
  readonly behindMs: number | undefined;
  /** For how long its applied index has stood still, where it had anything to apply. */
  readonly stillMs: number;
  /** Committed and not applied, as the member itself says. */
  readonly applyGap: bigint;
}

// A follower learns of a commit with the next message, so a few entries are under way at any time.
const IN_STEP_ENTRIES = 100n;
const IN_STEP_MS = 250;
const FAR_ENTRIES = 1000n;
// Etcd refuses proposals at 5000 (maxGapBetweenApplyAndCommitIndex in v3_server.go).
const APPLY_GAP_WARNING = 1000n;
// What the leader keeps of its log behind a snapshot (DefaultSnapshotCatchUpEntries).
const LOG_KEPT_ENTRIES = 5000n;
const STUCK_MS = 3000;
const STUCK_POINTS = 3;
// A learner stands still for as long as its snapshot is on the way.
const LEARNER_STUCK_MS = 30_000;
const SNAPSHOT_STILL_MS = 500;
// A member that answers late was itself held up, as by SIGSTOP, a defragmentation or a full
// machine, and time that it did not have must not count against it.
const QUICK_ANSWER_MS = 500;
const WINDOW_MS = 60_000;
const RATE_WINDOW_MS = 5000;
const MIN_RATE_MS = 50;

/** Adds a round; undefined when the member was not to be judged in it. */
export function foldTrend(
  run: TrendRun | undefined,
  member: MemberRound,
  round: Round,
): TrendRun | undefined {
  const lag = boundedLag(member, round);
  const { first, last } = member;
  if (lag === undefined || first === undefined || last === undefined) return undefined;
  if (appliedIndexIsOld(member, round) || wasHeldUp(member)) return undefined;
  const points = [pointOf(first, round), pointOf(last, round)];
  const goesOn =
    run !== undefined &&
    run.leaderId === lag.leaderId &&
    run.raftTerm === lag.raftTerm &&
    (run.points.at(-1)?.applied ?? 0n) <= lag.appliedIndex;
  const kept = goesOn ? run.points.filter(({ atMs }) => last.receivedAtMs - atMs <= WINDOW_MS) : [];
  return {
    leaderId: lag.leaderId,
    raftTerm: lag.raftTerm,
    isLearner: last.isLearner,
    points: [...kept, ...points],
  };
}

/**
 * After a snapshot the applied index stays what it was until the next entry, for as long as nobody
 * writes (applySnapshot in etcd's server.go does not set it). A read that passed the barrier gives
 * it away: the member has then applied all that was committed before.
 */
export function appliedIndexIsOld({ barrier, last }: MemberRound, round: Round): boolean {
  if (barrier === undefined || last === undefined) return false;
  return last.raftAppliedIndex < committedBefore(round, barrier.sentAtMs);
}

function wasHeldUp({ statuses }: MemberRound): boolean {
  return statuses.some(({ sentAtMs, receivedAtMs }) => receivedAtMs - sentAtMs > QUICK_ANSWER_MS);
}

function committedBefore({ members }: Round, atMs: number): bigint {
  return largest(
    members.flatMap(({ statuses }) =>
      statuses.filter(({ receivedAtMs }) => receivedAtMs <= atMs).map(({ raftIndex }) => raftIndex),
    ),
  );
}

function pointOf(
  status: Pick<MemberRound['statuses'][number], 'raftIndex' | 'raftAppliedIndex'> & {
    readonly sentAtMs: number;
    readonly receivedAtMs: number;
  },
  round: Round,
): TrendPoint {
  return {
    atMs: status.receivedAtMs,
    round: round.number,
    applied: status.raftAppliedIndex,
    known: status.raftIndex,
    committed: largest([committedBefore(round, status.sentAtMs), status.raftIndex]),
  };
}

/** Says what the member is up to; `lag` is of the last round, whose read passed or not. */
export function judgeTrend(run: TrendRun, lag: BoundedLag, barrierPassed: boolean): Trend {
  const last = run.points.at(-1);
  if (last === undefined) throw new Error('a trend without a point');
  const behind = behindAt(last);
  const { commitsPerMs, closingPerMs, proven } = rates(run, lag);
  const closes = proven && closingPerMs > 0;
  const trend = {
    behind,
    behindMs: commitsPerMs > 0 ? Number(behind) / commitsPerMs : undefined,
    etaMs: closes ? Number(behind) / closingPerMs : undefined,
    stillMs: stillFor(run),
    applyGap: gapAt(last),
  };
  // Who has passed the barrier is not held up, whatever its indexes are.
  const held = barrierPassed ? undefined : heldUp(run, trend);
  return { ...trend, state: held ?? pace(run, lag, trend, barrierPassed) };
}

function heldUp(
  run: TrendRun,
  { behind, stillMs }: Omit<Trend, 'state'>,
): 'NEEDS_SNAPSHOT' | 'STUCK' | undefined {
  if (behind > LOG_KEPT_ENTRIES && waitsForSnapshot(run)) return 'NEEDS_SNAPSHOT';
  return isStuck(run, stillMs) ? 'STUCK' : undefined;
}

function pace(
  run: TrendRun,
  { entries }: BoundedLag,
  { behind, behindMs, etaMs }: Omit<Trend, 'state'>,
  barrierPassed: boolean,
): TrendState {
  const inStep = behind <= IN_STEP_ENTRIES || (behindMs !== undefined && behindMs <= IN_STEP_MS);
  const closes = etaMs !== undefined;
  // It has been behind in this very round, so that it arrives just now.
  const arrives = closes && entries.atLeast > (barrierPassed ? FAR_ENTRIES : IN_STEP_ENTRIES);
  if (inStep && !arrives) return 'OK';
  if (closes) return 'CATCHING_UP';
  return isOverloaded(run) ? 'APPLY_OVERLOAD' : 'SLOW';
}

function behindAt({ committed, applied }: TrendPoint): bigint {
  return largest([0n, committed - applied]);
}

function gapAt({ known, applied }: TrendPoint): bigint {
  return largest([0n, known - applied]);
}

/** Of the newest few seconds, and whether the distance closes by more than it is unsure. */
function rates(
  { points }: TrendRun,
  { entries }: BoundedLag,
): { commitsPerMs: number; closingPerMs: number; proven: boolean } {
  const last = points.at(-1);
  const first = points.find(({ atMs }) => (last?.atMs ?? 0) - atMs <= RATE_WINDOW_MS);
  const ms = (last?.atMs ?? 0) - (first?.atMs ?? 0);
  if (first === undefined || last === undefined || ms < MIN_RATE_MS) {
    return { commitsPerMs: 0, closingPerMs: 0, proven: false };
  }
  const closed = behindAt(first) - behindAt(last);
  const unsure = entries.atMost === undefined ? 0n : entries.atMost - entries.atLeast;
  return {
    commitsPerMs: Number(last.committed - first.committed) / ms,
    closingPerMs: Number(closed) / ms,
    proven: closed > unsure,
  };
}

/** For how long the applied index has not moved although something is there to be applied. */
function stillFor({ points }: TrendRun): number {
  const last = points.at(-1);
  if (last === undefined) return 0;
  const since = points.find(
    ({ applied, committed }) => applied === last.applied && committed > applied,
  );
  return since === undefined ? 0 : last.atMs - since.atMs;
}

/**
 * Its commit may stand still as well, as when it is cut off from its peers. What must move is the
 * cluster: where nothing is written, an applied index may be old without harm.
 */
function isStuck({ points, isLearner }: TrendRun, stillMs: number): boolean {
  const last = points.at(-1);
  const still = points.filter(
    ({ applied, committed }) => applied === last?.applied && committed > applied,
  );
  const [first] = still;
  if (first === undefined || last === undefined || still.length < STUCK_POINTS) return false;
  return (
    first.round !== last.round &&
    stillMs >= (isLearner ? LEARNER_STUCK_MS : STUCK_MS) &&
    last.committed > first.committed
  );
}

/** It hears of nothing new, since the leader's log does not reach back to where it is. */
function waitsForSnapshot({ points }: TrendRun): boolean {
  const last = points.at(-1);
  const since = points.find(
    ({ applied, known }) => applied === last?.applied && known === last.known,
  );
  return last !== undefined && since !== undefined && last.atMs - since.atMs >= SNAPSHOT_STILL_MS;
}

/** Knows of much more than it can apply, in two rounds, and not of less and less. */
function isOverloaded({ points }: TrendRun): boolean {
  const last = points.at(-1);
  const before = points.findLast(({ round }) => round !== last?.round);
  if (last === undefined || before === undefined) return false;
  return gapAt(last) >= APPLY_GAP_WARNING && gapAt(before) >= APPLY_GAP_WARNING;
}
