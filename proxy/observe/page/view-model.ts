// Makes what is shown out of what is known. Pure.
import { REMEMBERED } from '../freshness.ts';
import type { TopEntry } from '../top-list.ts';
import type { OpenCount } from '../top-report.ts';
import {
  ageText,
  bytesText,
  clockText,
  numberText,
  percentText,
  secondsText,
  UNKNOWN,
} from './figures-text.ts';
import type { Track } from './history.ts';
import type { NotedList } from './page-figures.ts';
import type { PageEndpoint, PageInput } from './page-input.ts';
import type {
  Figure,
  LineView,
  ListRow,
  PageView,
  Ranking,
  RankingRow,
  ReplicaRow,
} from './page-view.ts';
import { isLate, isSlower, SLOW_SECONDS, verdictOf } from './problems.ts';
import { failureRows, watchView } from './time-line.ts';

/** Rates are of this many seconds: fewer would jump about, more would be late. */
const RATE_SLOTS = 10;
const SHOWN_RANKS = 6;
const SHOWN_LISTS = 8;

export function pageView(input: PageInput): PageView {
  const verdict = verdictOf(input);
  const worries = verdict.problems.filter(({ severity }) => severity !== 'note').length;
  const { top } = input;
  return {
    title: worries === 0 ? 'evenkeel' : `(${worries}) evenkeel`,
    version: input.version,
    clock: clockText(input.nowMs),
    verdict,
    figures: figuresOf(input),
    replicas: input.endpoints.map((endpoint) => replicaRow(endpoint, input)),
    watches: watchView(input),
    failures: failureRows(input.recent.failures(input.nowMs)),
    clients: [
      rates('by requests', top.clientsByRequests, clientNames, requestRate),
      rates('by bytes', top.clientsByBytes, clientNames, byteRate),
      opens('by open watches', top.clientsByWatches, clientNames),
    ],
    resources: [
      rates('by requests', top.resourcesByRequests, resourceNames, requestRate),
      rates('by bytes', top.resourcesByBytes, resourceNames, byteRate),
      opens('by open watches', top.resourcesByWatches, resourceNames),
    ],
    lists: listRows(input),
  };
}

function figuresOf({ history, clientConnections, tunnels }: PageInput): Figure[] {
  const { door } = history;
  const line = (name: Parameters<Track['values']>[0], join: LineView['join'], words: string) =>
    lineOf(door, name, join, words);
  const watches = numberText(door.recent('watches', 1));
  return [
    {
      name: 'requests',
      value: numberText(door.recent('requests', RATE_SLOTS)),
      unit: '/s',
      line: line('requests', 'mean', 'requests a second'),
    },
    {
      name: 'p99 without LISTs',
      value: secondsText(door.duration(0.99)),
      unit: '',
      line: line('p99', 'max', 'p99 in seconds'),
    },
    {
      name: 'in flight',
      value: numberText(door.recent('inFlight', 1)),
      unit: '',
      line: line('inFlight', 'max', 'requests in flight'),
    },
    {
      name: 'open watches',
      value: watches,
      unit: '',
      line: line('watches', 'mean', 'open watches'),
    },
    {
      name: 'client connections',
      value: numberText(clientConnections),
      unit: tunnels > 0 ? `+ ${numberText(tunnels)} tunnels` : '',
      line: undefined,
    },
    {
      name: 'door at work',
      value: percentText(door.recent('busy', RATE_SLOTS)),
      unit: `of the time, ${bytesText(history.residentBytes)}`,
      line: line('busy', 'max', 'part of the time at work'),
    },
  ];
}

function lineOf(
  track: Track | undefined,
  line: Parameters<Track['values']>[0],
  join: LineView['join'],
  words: string,
): LineView {
  const values = track?.values(line) ?? [];
  const known = values.filter((value) => !Number.isNaN(value));
  const most = known.reduce((most, value) => Math.max(most, value), 0);
  return { values, join, label: `${words} in the last minutes, at most ${numberText(most)}` };
}

function replicaRow(endpoint: PageEndpoint, input: PageInput): ReplicaRow {
  const { name, url, replica } = endpoint;
  const track = input.history.of(name);
  const p99 = track?.duration(0.99);
  const errors = track?.recent('errors', RATE_SLOTS) ?? 0;
  const late = { lag: track?.lag, behind: track?.behind };
  const ready = endpoint.state === 'ready';
  return {
    name,
    url,
    ...stateOf(endpoint),
    version: replica?.version || UNKNOWN,
    requests: numberText(track?.recent('requests', RATE_SLOTS) ?? 0),
    requestsLine: lineOf(track, 'requests', 'mean', `requests a second at ${name}`),
    errors: errors === 0 ? '' : `${numberText(errors)} /s failed (5xx)`,
    inFlight: numberText(endpoint.inFlight),
    watches: numberText(endpoint.watches),
    watchesLine: lineOf(track, 'watches', 'mean', `watches at ${name}`),
    p50: secondsText(track?.duration(0.5)),
    p99: secondsText(p99),
    p99Line: lineOf(track, 'p99', 'max', `p99 in seconds at ${name}`),
    slow: (p99 ?? 0) > SLOW_SECONDS || isSlower(endpoint, input),
    freshness: ready ? freshnessText(late) : UNKNOWN,
    late: ready && isLate(late),
    ...restartsOf(endpoint, input.nowMs),
  };
}

function stateOf({ state, lastChange, availableForMs }: PageEndpoint) {
  const since = lastChange === undefined ? '' : ` since ${clockText(lastChange.at.getTime())}`;
  if (state === 'ready') {
    return { state: 'ready' as const, stateDetail: `for ${ageText(availableForMs)}` };
  }
  const reason = lastChange?.what.replace(/^not ready: /, '') ?? 'not checked yet';
  const word = state === 'ejected' ? ('ejected' as const) : ('not ready' as const);
  return { state: word, stateDetail: `${reason}${since}` };
}

function freshnessText({ lag, behind }: { lag: number | undefined; behind: number | undefined }) {
  if (behind !== undefined && behind >= REMEMBERED) return `${REMEMBERED} changes or more behind`;
  if (lag !== undefined) return `within ${secondsText(lag)}`;
  return behind === undefined ? UNKNOWN : 'in step';
}

function restartsOf({ replica, state }: PageEndpoint, nowMs: number) {
  const { startedAtSeconds, restarts = 0 } = replica ?? {};
  if (startedAtSeconds === undefined) return { restarts: UNKNOWN, restartsDetail: '' };
  return {
    restarts: numberText(restarts),
    // Of one that is out nobody knows whether it still runs.
    restartsDetail:
      state === 'not_ready' ? '' : `up for ${ageText(nowMs - startedAtSeconds * 1000)}`,
  };
}

type Names = (names: readonly string[]) => Pick<RankingRow, 'name' | 'detail'>;

/** The user is known; the agent is what the client says of itself. */
const clientNames: Names = ([user, agent, address]) => ({
  name: user || '(not known)',
  detail: `${agent || '(no user agent)'} ${address}`,
});

const resourceNames: Names = ([group = '', resource]) => ({
  name: resource || '(no resource)',
  detail: group,
});

function requestRate(perSecond: number): string {
  return `${numberText(perSecond)} /s`;
}

function byteRate(perSecond: number): string {
  return `${bytesText(perSecond)}/s`;
}

function rates(
  title: string,
  entries: readonly TopEntry[],
  names: Names,
  text: (perSecond: number) => string,
): Ranking {
  const most = entries[0]?.perSecond ?? 1;
  const rows = entries.slice(0, SHOWN_RANKS).map((entry) => ({
    ...names(entry.names),
    value: text(entry.perSecond),
    part: entry.perSecond / most,
  }));
  return { title, rows };
}

function opens(title: string, counts: readonly OpenCount[], names: Names): Ranking {
  const most = counts[0]?.open ?? 1;
  const rows = counts.slice(0, SHOWN_RANKS).map((count) => ({
    ...names(count.names),
    value: numberText(count.open),
    part: count.open / most,
  }));
  return { title, rows };
}

/** Those that go on now come first: they can still be looked for. */
function listRows({ recent, nowMs }: PageInput): ListRow[] {
  const running = recent.openLists.map((list) => listRow(list, true));
  const over = distinct(recent.longLists(nowMs)).map((list) => listRow(list, false));
  return [...running, ...over].slice(0, SHOWN_LISTS);
}

/** Of those that one client makes again and again the longest, which is the first. */
function distinct(lists: readonly NotedList[]): NotedList[] {
  const firsts = new Map<string, NotedList>();
  for (const list of lists) {
    const { group, resource, namespace, user, client, userAgent } = list;
    const key = JSON.stringify([group, resource, namespace, user, client, userAgent]);
    if (!firsts.has(key)) firsts.set(key, list);
  }
  return [...firsts.values()];
}

function listRow(list: NotedList, running: boolean): ListRow {
  const resource = list.group === '' ? list.resource : `${list.resource}.${list.group}`;
  const where = list.namespace === '' ? 'of the whole cluster' : `in ${list.namespace}`;
  return {
    clock: clockText(list.atMs),
    running,
    what: `${resource} ${where}`,
    duration: secondsText(list.durationMs / 1000),
    size: bytesText(list.bytes),
    endpoint: list.endpoint === '' ? UNKNOWN : list.endpoint,
    status: running ? 'goes on' : String(list.status || UNKNOWN),
    client: `${list.user} ${list.userAgent} ${list.client}`,
  };
}
