// Whether what was said during faults was true. Pure: it has the rounds and the faults, with times.
import { formatDifference, isDiverged, type LagRound, type SeenMember } from './lag-round.ts';

/** Somebody was kept from its peers, and may have been called stuck with reason. */
export interface Interruption {
  readonly member: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Witness {
  readonly rounds: readonly LagRound[];
  readonly interruptions: readonly Interruption[];
  /** When the last fault was over and nobody wrote any more. */
  readonly quietAtMs: number;
}

// A member that comes back elects, connects and reads before it moves again.
const RECOVERY_MS = 6000;
// Rounds have a second of patience for each of their steps; a watch that is silent for longer hangs.
const MAX_SILENCE_MS = 8000;

/** Empty when all that was said was true and enough was said. */
export function findFalseWords({ rounds, interruptions, quietAtMs }: Witness): string[] {
  const problems = rounds.flatMap(({ members, number, seenAtMs }) => {
    const stuck = members.filter(
      ({ name, state }) => state === 'STUCK' && !isExcused(name, seenAtMs, interruptions),
    );
    return [...members.filter(isDiverged), ...stuck].map(
      ({ name, state, proof }) => `round ${number}: ${name} is called ${state}: ${proof}`,
    );
  });
  const silences = rounds.flatMap(({ seenAtMs, number }, index) => {
    const silentMs = seenAtMs - (rounds[index - 1]?.seenAtMs ?? seenAtMs);
    return silentMs > MAX_SILENCE_MS
      ? [`no round for ${silentMs.toFixed(0)} ms before ${number}`]
      : [];
  });
  const last = rounds.at(-1);
  if (last === undefined || last.seenAtMs < quietAtMs) {
    return [...problems, ...silences, 'no round after the faults were over'];
  }
  const unwell = last.members.filter(({ state }) => state !== 'OK').map(describe);
  const end = unwell.length === 0 ? [] : [`in the last round, without faults: ${unwell}`];
  return [...problems, ...silences, ...end];
}

/** Whether a round names this member, as much behind as it is made to be, and nobody else. */
export function namesExactly({ members }: LagRound, name: string, revisions: number): boolean {
  return members.every((member) =>
    member.name === name
      ? member.state === 'DIVERGED_BEHIND' &&
        member.difference?.atLeast === revisions &&
        member.difference.atMost === revisions
      : member.state === 'OK',
  );
}

/** For the row and the failure of a test. */
export function describeRound({ members }: LagRound): string {
  return members.map(describe).join(', ');
}

function describe({ name, state, difference, proof }: SeenMember): string {
  const more = difference === undefined ? proof : formatDifference(difference);
  return `${name} ${state}${more === '' ? '' : ` (${more})`}`;
}

function isExcused(name: string, atMs: number, interruptions: readonly Interruption[]): boolean {
  return interruptions.some(
    ({ member, fromMs, toMs }) => member === name && atMs >= fromMs && atMs <= toMs + RECOVERY_MS,
  );
}
