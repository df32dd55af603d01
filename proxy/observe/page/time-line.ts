// What became of watches and endpoints, and the last failures: one line each. Pure.
import { clockText, numberText, plural, secondsText } from './figures-text.ts';
import type { PageInput } from './page-input.ts';
import type { FailureRow, TimeEntry, WatchView } from './page-view.ts';
import { RECENT_MS, type RecentFailure, type WatchEntry } from './recent.ts';
import { FAILURE_WORDS, moveWords, refusalWords } from './words.ts';

const SHOWN_ENTRIES = 12;
const SHOWN_FAILURES = 12;
/** Evening out and leaving are what the door is there for. */
const PLANNED: readonly string[] = ['rebalance', 'leaving', 'removed'];
/** Changes of endpoints that somebody has asked for. */
const ASKED_FOR: readonly string[] = ['added', 'removed'];

export function watchView({ history, recent, changes, nowMs }: PageInput): WatchView {
  const { door } = history;
  const moved = door.values('moves');
  const refused = door.values('refusals');
  const sum = (values: readonly number[]): number =>
    values.reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0);
  const entries = [
    ...recent.watchEntries(nowMs).map((entry) => ({ atMs: entry.atMs, entry: watchEntry(entry) })),
    ...changes
      .filter(({ at }) => at.getTime() > nowMs - RECENT_MS)
      .map((change) => ({ atMs: change.at.getTime(), entry: changeEntry(change) })),
  ];
  return {
    bars: {
      moved,
      refused,
      label:
        `${plural(sum(moved), 'watch', 'watches')} went on at another replica in the last minutes, ` +
        `${numberText(sum(refused))} not at once`,
    },
    entries: entries
      .toSorted((one, other) => other.atMs - one.atMs)
      .slice(0, SHOWN_ENTRIES)
      .map(({ entry }) => entry),
  };
}

function watchEntry(entry: WatchEntry): TimeEntry {
  const clock = clockText(entry.atMs);
  if (entry.kind === 'refused') {
    const tone = entry.result === 'denied' || entry.result === 'failed' ? 'bad' : 'plain';
    const count = plural(entry.count, 'watch', 'watches');
    const text = `${count} could not go on at once: ${refusalWords(entry.result)}`;
    return { clock, tone, text, detail: moveWords(entry.reason) };
  }
  const { to, from, reason, longestGapSeconds } = entry;
  const count = [...to.values()].reduce((sum, one) => sum + one, 0);
  const places = [...to]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, some]) => `${numberText(some)} at ${name}`)
    .join(', ');
  const planned = PLANNED.includes(reason);
  const gap =
    longestGapSeconds === 0 || planned
      ? ''
      : `; longest silence under ${secondsText(longestGapSeconds)}`;
  return {
    clock,
    tone: planned ? 'plain' : 'good',
    text: `${plural(count, 'watch', 'watches')} of ${from} went on: ${places}`,
    detail: `${moveWords(reason)}${gap}`,
  };
}

function changeEntry({ endpoint, what, at }: PageInput['changes'][number]): TimeEntry {
  const unasked = what === 'ready' ? 'good' : 'bad';
  const tone = ASKED_FOR.includes(what) ? 'plain' : unasked;
  return { clock: clockText(at.getTime()), tone, text: `${endpoint}: ${what}`, detail: '' };
}

export function failureRows(failures: readonly RecentFailure[]): FailureRow[] {
  return failures.slice(0, SHOWN_FAILURES).map((failure) => {
    const { whose, what, advice } = FAILURE_WORDS[failure.failure];
    const namespace = failure.namespace === '' ? '' : ` in ${failure.namespace}`;
    const at = failure.endpoint === '' ? '' : ` at ${failure.endpoint}`;
    const status = failure.status === 0 ? 'no answer' : `answered ${failure.status}`;
    const client = [failure.user, failure.userAgent, failure.client]
      .filter((text) => text !== '')
      .join(' ');
    return {
      clock: clockText(failure.atMs),
      count: numberText(failure.count),
      code: failure.failure,
      what,
      detail: failure.detail,
      last: `${failure.verb} ${failure.resource}${namespace}${at}, ${status}, from ${client}`,
      advice,
      tone: whose === 'apiserver' || whose === 'door' ? 'bad' : 'plain',
    };
  });
}
