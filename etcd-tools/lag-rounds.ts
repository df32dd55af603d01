// Some rounds of the tests for lag and divergence, for somebody who is about to stop a member.
import { setTimeout as delay } from 'node:timers/promises';
import { type ClusterView, nameOf } from './cluster-view.ts';
import { formatId } from './endpoints.ts';
import type { LagReport, LagVerdict } from './lag-report.ts';
import { Survey } from './survey.ts';
import { judgeRound, type MemberVerdict, NO_HISTORY, type RoundVerdict } from './verdict.ts';

/** How the rounds are made. */
export interface LagOptions {
  /** At least so many; more while something is suspected that another one could settle. */
  readonly rounds: number;
  /** Of one step of a round. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const ROUND_GAP_MS = 300;
const MAX_ROUNDS = 20;
// Under load the samples that lie closest together say the most.
const BURST = 8;

/** Rejects only with the reason of the signal. */
export async function measureLag(view: ClusterView, options: LagOptions): Promise<LagReport> {
  const { rounds, timeoutMs, signal } = options;
  const survey = new Survey(
    view.members.map(({ client }) => client),
    { nowMs: () => performance.now(), wait: waitOrEnd, patienceMs: timeoutMs, burst: BURST },
  );
  const voters = view.listed.filter(({ isLearner }) => !isLearner).length;
  let history = NO_HISTORY;
  let verdict: RoundVerdict | undefined;
  let made = 0;
  while (made < rounds || (verdict?.undecided === true && made < MAX_ROUNDS)) {
    if (made > 0) await waitOrEnd(ROUND_GAP_MS, signal);
    const judged = judgeRound(history, await survey.round(signal), voters);
    history = judged.history;
    verdict = judged.verdict;
    made += 1;
  }
  const members = verdict?.members ?? [];
  return { rounds: made, verdicts: members.map((member) => toVerdict(view, member)) };
}

async function waitOrEnd(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function toVerdict(view: ClusterView, member: MemberVerdict): LagVerdict {
  const name = (id: bigint): string =>
    view.listed.find((listed) => listed.id === id)?.name || formatId(id);
  const viewed = view.members.find(({ endpoint }) => endpoint === member.endpoint);
  return {
    memberId: member.id,
    name: viewed === undefined ? member.endpoint : nameOf(view, viewed),
    state: member.state,
    text: explain(member, name),
  };
}

function explain(
  { blame, suspicion, reason, silence, trend, past, state }: MemberVerdict,
  name: (id: bigint) => string,
): string {
  const held = blame ?? suspicion;
  if (held !== undefined) {
    const most = held.atMost === undefined ? '' : ` and at most ${held.atMost}`;
    const what = held.direction === 'behind' ? 'lacks' : 'has too many, at least';
    const against = held.against.map(name).join(' and ');
    const sure = blame === undefined ? ', not confirmed yet' : '';
    const who = held.ambiguous ? '; which of them is right is not told by a majority' : '';
    return `${what} ${held.atLeast}${most} revisions, against ${against}${sure}${who}`;
  }
  if (state === 'REV_REGRESSION' && past !== undefined) return 'its revision went back';
  if (silence !== undefined) return silence.text;
  if (reason !== undefined) return reason;
  return trend === undefined ? 'nothing could be measured' : `${trend.behind} entries behind`;
}
