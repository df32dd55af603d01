// Some rounds of the tests for lag and divergence, for somebody who is about to stop a member.
import type { ClusterView } from './cluster-view.ts';
import type { LagReport, LagVerdict } from './lag-report.ts';
import { type WatchedRound, watchLag } from './lag-watch.ts';
import { proofLines } from './proof-lines.ts';
import { endpointName, memberName, type Roster, rosterOf } from './roster.ts';
import type { MemberVerdict } from './verdict.ts';

/** How the rounds are made. */
export interface LagOptions {
  /** At least so many; more while something is suspected that another one could settle. */
  readonly rounds: number;
  /** Of one call. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const INTERVAL_MS = 300;

/** Rejects only with the reason of the signal. */
export async function measureLag(view: ClusterView, options: LagOptions): Promise<LagReport> {
  let last: WatchedRound | undefined;
  const rounds = watchLag(rosterOf(view), { ...options, intervalMs: INTERVAL_MS });
  for await (const round of rounds) last = round;
  if (last === undefined) return { rounds: 0, verdicts: [] };
  const { verdict, roster } = last;
  return {
    rounds: verdict.round,
    verdicts: verdict.members.map((member) => toVerdict(roster, member)),
  };
}

function toVerdict(roster: Roster, member: MemberVerdict): LagVerdict {
  const { id, endpoint, state } = member;
  const name = endpointName(roster, endpoint, id);
  const [text] = proofLines(member, name, (other) => memberName(roster, other));
  return { memberId: id, name, state, text: text ?? `${name} is in step` };
}
