// What the equality rule of etcd-diagnosis would have made of the same rounds. Pure.
import type { LagRound, SeenMember, SeenStatus } from './lag-round.ts';

// It asks up to three times, a second apart, and keeps the last answer.
const TRIES = 3;
const TRY_GAP_MS = 1000;

/** From its first look to its last. */
export const EQUALITY_TRIES_MS = (TRIES - 1) * TRY_GAP_MS;

/** How often it would have printed an inconsistency. */
export interface EqualityAlarms {
  /** By one look alone. */
  readonly single: number;
  /** Begun at a round that had enough others after it, and not satisfied by any of its looks. */
  readonly retried: number;
  readonly tried: number;
}

export function equalityAlarms(rounds: readonly LagRound[]): EqualityAlarms {
  const series = rounds.flatMap((_, index) => {
    const looks = looksFrom(rounds, index);
    return looks === undefined ? [] : [looks];
  });
  return {
    single: rounds.filter(differs).length,
    retried: series.filter((looks) => looks.every(differs)).length,
    tried: series.length,
  };
}

/**
 * Any difference at all (compareHardInfo and compareSoftInfo in its plugins/epstatus). Where a member
 * gave no answer it is right to raise an alarm, and the round does not count.
 */
function differs({ members }: LagRound): boolean {
  const statuses = members.flatMap(({ status }: SeenMember) => status ?? []);
  if (statuses.length < members.length) return false;
  const text = (status: SeenStatus): string => Object.values(status).join(' ');
  return new Set(statuses.map(text)).size > 1;
}

/** The rounds that it would have looked at; undefined where the watch ended before. */
function looksFrom(rounds: readonly LagRound[], index: number): LagRound[] | undefined {
  const first = rounds[index];
  if (first === undefined) return undefined;
  const looks: LagRound[] = [first];
  for (const round of rounds.slice(index + 1)) {
    if (looks.length === TRIES) break;
    if (round.seenAtMs - (looks.at(-1)?.seenAtMs ?? 0) >= TRY_GAP_MS) looks.push(round);
  }
  return looks.length === TRIES ? looks : undefined;
}
