// Verdicts in words, with the numbers that prove them. Pure.
import type { Blame } from './attribution.ts';
import { difference } from './index-aligned-test.ts';
import type { PairBound } from './pair-bound.ts';
import type { Past } from './regression.ts';
import type { Trend } from './trend.ts';
import type { MemberVerdict, RoundVerdict } from './verdict.ts';

/** The name of a member; a verdict has only ids and endpoints. */
export type NameOf = (id: bigint) => string;

/** Why the member has its state, the most important first; none for one that is well. */
export function proofLines(member: MemberVerdict, name: string, nameOf: NameOf): string[] {
  const { blame, suspicion, past, trend, silence, reason } = member;
  const lines: string[] = [];
  if (blame !== undefined) lines.push(...blameLines(blame, name, nameOf));
  if (suspicion !== undefined) {
    const [first = '', ...rest] = blameLines(suspicion, name, nameOf);
    const wait = suspicion.open
      ? 'who is wrong is still open'
      : 'not confirmed by another round yet';
    lines.push(`suspected, ${wait}: ${first}`, ...rest);
  }
  if (past !== undefined && past.rounds > 0) lines.push(regressionLine(past, name));
  if (trend !== undefined && member.state === trend.state) lines.push(...trendLines(trend, name));
  if (silence !== undefined) lines.push(silence.text);
  else if (reason !== undefined && suspicion === undefined) lines.push(`${name}: ${reason}`);
  return lines;
}

/** `exactly 500`, `497 to 503` or `at least 497`. */
export function formatAmount({ atLeast, atMost }: Pick<Blame, 'atLeast' | 'atMost'>): string {
  if (atMost === undefined) return `at least ${atLeast}`;
  return atMost === atLeast ? `exactly ${atLeast}` : `${atLeast} to ${atMost}`;
}

function blameLines(blame: Blame, name: string, nameOf: NameOf): string[] {
  const others = blame.against.map(nameOf).join(', ');
  const what =
    blame.direction === 'behind'
      ? `${name} lacks ${formatAmount(blame)} revisions that ${others} hold${blame.against.length === 1 ? 's' : ''} at the same entry of the log`
      : `${name} holds ${formatAmount(blame)} revisions more than ${others} at the same entry of the log`;
  const lines = [what, pairLine(blame.best, nameOf)];
  if (blame.ambiguous && !blame.open) {
    lines.push(
      `which of ${name} and ${others} is wrong cannot be told: no majority of the voters was ` +
        'compared; name all members in --endpoints, or compare them by hash',
    );
  }
  return lines;
}

function pairLine({ ahead, behind, test, aheadSaw, behindSaw }: PairBound, nameOf: NameOf): string {
  const [one, other] = [nameOf(ahead), nameOf(behind)];
  if (test === 'barrier') {
    return (
      `${other} was at revision ${behindSaw.revision} after a linearizable read, and ${one} had ` +
      `shown revision ${aheadSaw.revision} before that read was sent`
    );
  }
  const missing = difference(aheadSaw, behindSaw);
  const between =
    aheadSaw.index > behindSaw.index
      ? `; the ${aheadSaw.index - behindSaw.index} entries between leave ${missing} unexplained`
      : '';
  return (
    `${one} showed revision ${aheadSaw.revision} when no more than index ${aheadSaw.index} was ` +
    `committed, and ${other} revision ${behindSaw.revision} after it had applied index ` +
    `${behindSaw.index}${between}`
  );
}

function regressionLine({ shown, now, by, rounds }: Past, name: string): string {
  return (
    `${name} had shown revision ${shown.revision} and is at ${now} now: at least ${by} ` +
    `revisions are gone${rounds > 1 ? '' : ' (not confirmed by another round yet)'}`
  );
}

function trendLines(trend: Trend, name: string): string[] {
  const behind = `${trend.behind} entries`;
  const time = trend.behindMs === undefined ? '' : ` (${formatMs(trend.behindMs)})`;
  switch (trend.state) {
    case 'OK':
      return [];
    case 'CATCHING_UP':
      return [
        `${name} is ${behind} behind${time} and catches up in about ${formatMs(trend.etaMs ?? 0)}`,
      ];
    case 'SLOW':
      return [`${name} is ${behind} behind${time} and does not come closer`];
    case 'STUCK':
      return [`${name} has applied nothing for ${formatMs(trend.stillMs)} and is ${behind} behind`];
    case 'APPLY_OVERLOAD':
      return [
        `${name} knows of ${trend.applyGap} entries that it has not applied; at 5000 etcd refuses ` +
          'writes with "too many requests"',
      ];
    case 'NEEDS_SNAPSHOT':
      return [
        `${name} is ${behind} behind, more than the 5000 that the leader's log goes back, and ` +
          'waits for a snapshot',
      ];
  }
}

/** What the comparison as a whole was worth. */
export function resolutionLine({ resolution, bestResolution }: RoundVerdict): string {
  if (resolution === undefined) {
    return 'resolution: not all members could be compared with each other in this round';
  }
  const best =
    bestResolution === undefined || bestResolution === resolution
      ? ''
      : `; at best ${bestResolution} so far`;
  return `resolution: a difference of ${resolution} or more would have been seen${best}`;
}

/** With two digits or so: `12 ms`, `3.4 s`, `5 min`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
