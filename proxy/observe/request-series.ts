// The door's own families about requests: by endpoint, and finer than kube-apiserver's.
import type { RequestRecord } from './request-record.ts';
import type { RouteLabels } from './route-table.ts';
import { type Series, SeriesTable } from './series-table.ts';

/** Requests of one kind that had the same answer from the same endpoint. */
interface Outcome {
  readonly code: number;
  readonly endpoint: string;
  readonly requests: number;
  readonly duration: number;
  readonly queue: number;
}

/** What is counted for requests of one kind; offsets into the tables. */
export interface OwnRows {
  readonly labels: RouteLabels;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly outcomes: Outcome[];
}

/** Finer than kube-apiserver's (5 ms and up): the door must show that it adds less than that. */
export const BUCKETS_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** Without a queue it takes some hundredths of a millisecond. */
const QUEUE_SECONDS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30];

export class RequestSeries {
  readonly requests = new SeriesTable({
    name: 'evenkeel_requests_total',
    help:
      'Requests that have ended. code is 499 when the client left before the answer; resource is ' +
      '"other" until an endpoint has shown that it exists.',
    type: 'counter',
    labelNames: ['verb', 'group', 'resource', 'subresource', 'scope', 'code', 'endpoint'],
  });
  readonly durations = new SeriesTable({
    name: 'evenkeel_request_duration_seconds',
    help: 'From entry to the last byte of the answer. Watches, logs and tunnels are not in it.',
    type: 'histogram',
    labelNames: ['verb', 'scope', 'endpoint'],
    bounds: BUCKETS_SECONDS,
  });
  private readonly queues = new SeriesTable({
    name: 'evenkeel_request_queue_seconds',
    help:
      'From entry until a request could leave for the endpoint that it went to last: what earlier ' +
      'attempts took, and the wait for a connection that was still being opened. Watches, logs and ' +
      'tunnels are not in it.',
    type: 'histogram',
    labelNames: ['endpoint'],
    bounds: QUEUE_SECONDS,
  });
  private readonly requestBytes = new SeriesTable({
    name: 'evenkeel_request_bytes_total',
    help: 'Bytes of request bodies. Tunnels are not counted.',
    type: 'counter',
    labelNames: ['verb', 'group', 'resource'],
  });
  private readonly responseBytes = new SeriesTable({
    name: 'evenkeel_response_bytes_total',
    help: 'Bytes of response bodies, those of open watches included. Tunnels are not counted.',
    type: 'counter',
    labelNames: ['verb', 'group', 'resource'],
  });
  private readonly maxSeries: number;
  private readonly byLabels = new Map<string, OwnRows>();

  constructor(maxSeries: number) {
    this.maxSeries = maxSeries;
  }

  get all(): readonly Series[] {
    const { requests, durations, queues, requestBytes, responseBytes } = this;
    return [requests, durations, queues, requestBytes, responseBytes];
  }

  /** What several routes share that differ in what these families do not show. */
  rowsOf(labels: RouteLabels): OwnRows {
    const { verb, scope, group, resource } = labels;
    const subresource = resource === '' ? '' : labels.subresource;
    const key = [verb, scope, group, resource, subresource].join('/');
    let rows = this.byLabels.get(key);
    if (rows === undefined) {
      const names = [verb, group, resource];
      rows = {
        labels: { ...labels, subresource },
        requestBytes: this.requestBytes.row(names),
        responseBytes: this.responseBytes.row(names),
        outcomes: [],
      };
      this.byLabels.set(key, rows);
    }
    return rows;
  }

  /** @returns false when it would be one series too many */
  count(rows: OwnRows, record: RequestRecord, seconds: number): boolean {
    const outcome = findOutcome(rows, record) ?? this.addOutcome(rows, record);
    if (outcome === undefined) return false;
    this.requests.add(outcome.requests, 1);
    if (record.longRunning) return true;
    this.durations.observe(outcome.duration, seconds);
    if (outcome.queue >= 0) this.queues.observe(outcome.queue, record.queuedMs / 1000);
    return true;
  }

  countBytes(rows: OwnRows, requestBytes: number, responseBytes: number): void {
    if (requestBytes > 0) this.requestBytes.add(rows.requestBytes, requestBytes);
    if (responseBytes > 0) this.responseBytes.add(rows.responseBytes, responseBytes);
  }

  private addOutcome(rows: OwnRows, record: RequestRecord): Outcome | undefined {
    const { verb, group, resource, subresource, scope } = rows.labels;
    const bounded = record.info.isResourceRequest && resource !== 'other';
    if (bounded && this.requests.rows.length >= this.maxSeries) return undefined;
    const { endpoint } = record;
    const code = codeOf(record);
    const labels = [verb, group, resource, subresource, scope, String(code), endpoint];
    const outcome = {
      code,
      endpoint,
      requests: this.requests.row(labels),
      duration: record.longRunning ? -1 : this.durations.row([verb, scope, endpoint]),
      // What was never sent had nothing to wait for.
      queue: record.longRunning || endpoint === '' ? -1 : this.queues.row([endpoint]),
    };
    rows.outcomes.push(outcome);
    return outcome;
  }
}

/** Endpoints times codes in use: a handful, and quicker to look through than any table. */
function findOutcome({ outcomes }: OwnRows, record: RequestRecord): Outcome | undefined {
  const code = codeOf(record);
  for (let i = 0; i < outcomes.length; i += 1) {
    const outcome = outcomes[i];
    if (outcome?.code === code && outcome.endpoint === record.endpoint) return outcome;
  }
  return undefined;
}

/** The status that the client got; 499 when it went away first, 0 when it got none. */
function codeOf({ status, failure }: RequestRecord): number {
  return status === 0 && failure === 'client_gone' ? 499 : status;
}
