import { PageHistory } from '../../../../proxy/observe/page/history.ts';
import type {
  EndpointFigures,
  NotedFailure,
  NotedList,
  PageFigures,
} from '../../../../proxy/observe/page/page-figures.ts';
import type { PageEndpoint, PageInput } from '../../../../proxy/observe/page/page-input.ts';
import { Recent } from '../../../../proxy/observe/page/recent.ts';
import { BUCKETS_SECONDS } from '../../../../proxy/observe/request-series.ts';
import type { TopReport } from '../../../../proxy/observe/top-report.ts';

export const NOW_MS = Date.parse('2026-01-02T03:04:05Z');

export const NO_TOP: TopReport = {
  clientsByRequests: [],
  clientsByBytes: [],
  resourcesByRequests: [],
  resourcesByBytes: [],
  clientsByWatches: [],
  resourcesByWatches: [],
};

/** So many requests, LISTs none, that took as long as the given bucket says. */
export function endpointFigures(
  name: string,
  requests = 0,
  seconds = 0.001,
  rest: Partial<EndpointFigures> = {},
): EndpointFigures {
  const at = BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
  const durations = BUCKETS_SECONDS.map((_bound, i) => (i === at ? requests : 0));
  return { name, requests, durations, errors: 0, lags: [], behind: undefined, ...rest };
}

export function figuresOf(
  endpoints: readonly EndpointFigures[],
  rest: Partial<PageFigures> = {},
): PageFigures {
  return {
    busy: 0.1,
    residentBytes: 100e6,
    slowWatches: 0,
    endpoints,
    moves: [],
    refusals: [],
    longestGapSeconds: 0,
    failures: [],
    lists: [],
    openLists: [],
    ...rest,
  };
}

const REQUEST = {
  atMs: NOW_MS,
  verb: 'LIST',
  group: '',
  resource: 'pods',
  namespace: '',
  endpoint: 'cp-1',
  status: 200,
  user: 'jane',
  client: '192.0.2.7',
  userAgent: 'kubectl/v1.34.4',
};

export function listOf(rest: Partial<NotedList> = {}): NotedList {
  return { ...REQUEST, durationMs: 2000, bytes: 5e6, ...rest };
}

export function failureOf(rest: Partial<NotedFailure> = {}): NotedFailure {
  const failure = 'outcome_unknown';
  return { ...REQUEST, verb: 'PATCH', status: 504, failure, detail: 'lost', count: 1, ...rest };
}

export function pageEndpoint(name: string, rest: Partial<PageEndpoint> = {}): PageEndpoint {
  return {
    name,
    url: `https://${name}:6443`,
    state: 'ready',
    availableForMs: 60_000,
    inFlight: 0,
    watches: 0,
    lastChange: undefined,
    replica: undefined,
    ...rest,
  };
}

/** What is known after each of these seconds, by one process. */
export function inputOf(
  endpoints: readonly PageEndpoint[],
  seconds: readonly PageFigures[],
  rest: Partial<PageInput> = {},
): PageInput {
  const history = new PageHistory(endpoints.map(({ name }) => name));
  const recent = new Recent();
  for (const figures of seconds) {
    history.begin();
    history.add(figures);
    recent.begin();
    recent.add(figures, NOW_MS);
    history.end(endpoints);
  }
  return {
    nowMs: NOW_MS,
    version: '1.2.3',
    draining: false,
    clientConnections: 0,
    tunnels: 0,
    endpoints,
    changes: [],
    history,
    recent,
    top: NO_TOP,
    ...rest,
  };
}
