// What a process that serves clients has seen since it was last asked: plain data, so that several
// processes can tell one. Everything in it is bounded.
import type { ProxyErrorCode } from '../../errors.ts';

export interface PageFigures {
  /** Of the time, how much the event loop was at work: 0 to 1. */
  readonly busy: number;
  readonly residentBytes: number;
  /** Open watches whose client does not take what there is for it. */
  readonly slowWatches: number;
  readonly endpoints: readonly EndpointFigures[];
  readonly moves: readonly MoveFigures[];
  /** Watches that were to go on elsewhere and could not, at the first try. */
  readonly refusals: readonly RefusalFigures[];
  /** Upper bound of the longest time that a watch was without an endpoint; 0 if none was. */
  readonly longestGapSeconds: number;
  readonly failures: readonly NotedFailure[];
  /** LISTs that have ended, the longest first. */
  readonly lists: readonly NotedList[];
  /** LISTs that go on and have done so for a while. */
  readonly openLists: readonly NotedList[];
}

export interface EndpointFigures {
  /** '' for what got an answer without an endpoint. */
  readonly name: string;
  /** That are not long-running. */
  readonly requests: number;
  /** Of these, LISTs apart, how many fell into each of BUCKETS_SECONDS, and the rest. */
  readonly durations: readonly number[];
  /** Answers with a 5xx, whoever made them. */
  readonly errors: number;
  /** Changes that came later than from another endpoint, by LAG_SECONDS. */
  readonly lags: readonly number[];
  /** Changes that another endpoint has shown; undefined when no watch would tell. */
  readonly behind: number | undefined;
}

export interface MoveFigures {
  readonly reason: string;
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

export interface RefusalFigures {
  readonly reason: string;
  readonly result: string;
  readonly count: number;
}

/** What is shown of a request. No path, no query, no header but the user agent. */
export interface NotedRequest {
  /** In milliseconds since 1970. */
  readonly atMs: number;
  readonly verb: string;
  readonly group: string;
  /** With its subresource; for what is no resource, a known path or ''. */
  readonly resource: string;
  readonly namespace: string;
  readonly endpoint: string;
  readonly status: number;
  /** As the lists of who asks for most name it: never a token. */
  readonly user: string;
  readonly client: string;
  readonly userAgent: string;
}

export interface NotedList extends NotedRequest {
  readonly durationMs: number;
  readonly bytes: number;
}

/** Requests that failed alike; the rest is that of the last one. */
export interface NotedFailure extends NotedRequest {
  readonly failure: ProxyErrorCode;
  readonly detail: string;
  readonly count: number;
}
