// kube-apiserver's own request metrics, as the door sees the requests: names, labels, help and
// buckets of k8s.io/apiserver pkg/endpoints/metrics/metrics.go (v0.34), so that dashboards and alerts
// that were written for it work on the door. Where the apiserver misfiles, the door does not;
// docs/metrics.md has the list.
import type { RequestRecord } from './request-record.ts';
import type { RouteLabels } from './route-table.ts';
import { type Series, SeriesTable } from './series-table.ts';

const COMPONENT = 'evenkeel';
const NAMES = ['group', 'version', 'resource', 'subresource', 'scope', 'component'];
const DURATION_SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];
const SLI_SECONDS = DURATION_SECONDS.filter((bound) => bound >= 0.05);
const SIZE_BYTES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const IN_FLIGHT_WINDOW_MS = 1000;
const NONE = -1;

/** Offsets into the tables, looked up at first use. */
export interface ApiserverRows {
  readonly labels: RouteLabels;
  duration: number;
  sli: number;
  sizes: number;
  longRunning: number;
  readonly codes: number[];
  readonly totals: number[];
}

export class ApiserverSeries {
  private readonly totals = new SeriesTable({
    name: 'apiserver_request_total',
    help:
      'Counter of apiserver requests broken out for each verb, dry run value, group, version, ' +
      'resource, scope, component, and HTTP response code.',
    type: 'counter',
    labelNames: ['verb', 'dry_run', ...NAMES, 'code'],
  });
  private readonly durations = new SeriesTable({
    name: 'apiserver_request_duration_seconds',
    help:
      'Response latency distribution in seconds for each verb, dry run value, group, version, ' +
      'resource, subresource, scope and component.',
    type: 'histogram',
    labelNames: ['verb', 'dry_run', ...NAMES],
    bounds: DURATION_SECONDS,
  });
  private readonly slis = new SeriesTable({
    name: 'apiserver_request_sli_duration_seconds',
    help:
      'Response latency distribution (not counting webhook duration and priority & fairness queue ' +
      'wait times) in seconds for each verb, group, version, resource, subresource, scope and ' +
      'component.',
    type: 'histogram',
    labelNames: ['verb', ...NAMES],
    bounds: SLI_SECONDS,
  });
  private readonly sizes = new SeriesTable({
    name: 'apiserver_response_sizes',
    help:
      'Response size distribution in bytes for each group, version, verb, resource, subresource, ' +
      'scope and component.',
    type: 'histogram',
    labelNames: ['verb', ...NAMES],
    bounds: SIZE_BYTES,
  });
  private readonly longRunning = new SeriesTable({
    name: 'apiserver_longrunning_requests',
    help:
      'Gauge of all active long-running apiserver requests broken out by verb, group, version, ' +
      'resource, scope and component. Not all requests are tracked this way.',
    type: 'gauge',
    labelNames: ['verb', ...NAMES],
  });
  private readonly terminations = new SeriesTable({
    name: 'apiserver_request_terminations_total',
    help: 'Number of requests which apiserver terminated in self-defense.',
    type: 'counter',
    labelNames: ['verb', ...NAMES, 'code'],
  });
  private readonly aborts = new SeriesTable({
    name: 'apiserver_request_aborts_total',
    help:
      'Number of requests which apiserver aborted possibly due to a timeout, for each group, ' +
      'version, verb, resource, subresource and scope',
    type: 'counter',
    labelNames: ['verb', ...NAMES.slice(0, -1)],
  });
  private readonly inFlight = new SeriesTable({
    name: 'apiserver_current_inflight_requests',
    help:
      'Maximal number of currently used inflight request limit of this apiserver per request kind ' +
      'in last second.',
    type: 'gauge',
    labelNames: ['request_kind'],
  });
  private readonly readOnly = new HighWater();
  private readonly mutating = new HighWater();

  get all(): readonly Series[] {
    const { totals, durations, slis, sizes, longRunning, terminations, aborts, inFlight } = this;
    return [totals, durations, slis, sizes, longRunning, inFlight, terminations, aborts];
  }

  rowsOf(labels: RouteLabels): ApiserverRows {
    const rows = { duration: NONE, sli: NONE, sizes: NONE, longRunning: NONE };
    return { labels, ...rows, codes: [], totals: [] };
  }

  entered({ mutating, enteredAtMs }: RequestRecord): void {
    (mutating ? this.mutating : this.readOnly).change(1, enteredAtMs);
  }

  /** It had no place among the requests in flight any more, or never. */
  ended({ mutating }: RequestRecord, nowMs: number): void {
    (mutating ? this.mutating : this.readOnly).change(-1, nowMs);
  }

  /** Counts a request that has left. */
  count(rows: ApiserverRows, record: RequestRecord, seconds: number): void {
    const { status } = record;
    if (status === 0) {
      this.aborts.add(this.aborts.row(shortLabels(rows.labels)), 1);
      return;
    }
    this.totals.add(this.totalOf(rows, status), 1);
    if (rows.duration === NONE) this.addRows(rows);
    this.durations.observe(rows.duration, seconds);
    if (rows.sli !== NONE) this.slis.observe(rows.sli, seconds);
    if (rows.sizes !== NONE) this.sizes.observe(rows.sizes, record.responseBytes);
    if (record.failure !== undefined && (status === 429 || status >= 500)) {
      const labels = [...shortLabels(rows.labels), COMPONENT, String(status)];
      this.terminations.add(this.terminations.row(labels), 1);
    }
  }

  /** Begins to count open requests anew, and ends it. */
  beginLongRunning(): void {
    this.longRunning.begin();
  }

  commitLongRunning(): void {
    this.longRunning.commit();
  }

  addLongRunning(rows: ApiserverRows): void {
    if (rows.longRunning === NONE) {
      rows.longRunning = this.longRunning.row([...shortLabels(rows.labels), COMPONENT]);
    }
    this.longRunning.addNow(rows.longRunning, 1);
  }

  /** To be called before a scrape. */
  showInFlight(nowMs: number): void {
    const { inFlight } = this;
    inFlight.set(inFlight.row(['readOnly']), this.readOnly.most(nowMs));
    inFlight.set(inFlight.row(['mutating']), this.mutating.most(nowMs));
  }

  private totalOf(rows: ApiserverRows, status: number): number {
    const at = rows.codes.indexOf(status);
    const known = rows.totals[at];
    if (known !== undefined) return known;
    const { labels } = rows;
    const [verb = '', ...names] = shortLabels(labels);
    const offset = this.totals.row([verb, labels.dryRun, ...names, COMPONENT, String(status)]);
    rows.codes.push(status);
    rows.totals.push(offset);
    return offset;
  }

  private addRows(rows: ApiserverRows): void {
    const { labels } = rows;
    const [verb = '', ...names] = shortLabels(labels);
    rows.duration = this.durations.row([verb, labels.dryRun, ...names, COMPONENT]);
    // The apiserver has watches in these two as well, and leaves it to each query to take them out.
    if (verb !== 'WATCH' && verb !== 'CONNECT') {
      rows.sli = this.slis.row([verb, ...names, COMPONENT]);
    }
    // "We are only interested in response sizes of read requests."
    if (verb === 'GET' || verb === 'LIST') rows.sizes = this.sizes.row([verb, ...names, COMPONENT]);
  }
}

function shortLabels({ verb, group, version, resource, subresource, scope }: RouteLabels) {
  return [verb, group, version, resource, subresource, scope];
}

/** The most that there were in the last second (pkg/server/filters/maxinflight.go). */
class HighWater {
  private now = 0;
  private highest = 0;
  private before = 0;
  private windowEndsAtMs = 0;

  change(by: number, nowMs: number): void {
    this.turn(nowMs);
    this.now += by;
    if (this.now > this.highest) this.highest = this.now;
  }

  most(nowMs: number): number {
    this.turn(nowMs);
    return Math.max(this.before, this.highest);
  }

  private turn(nowMs: number): void {
    if (nowMs < this.windowEndsAtMs) return;
    const justOver = nowMs < this.windowEndsAtMs + IN_FLIGHT_WINDOW_MS;
    this.before = justOver ? this.highest : this.now;
    this.highest = this.now;
    this.windowEndsAtMs = nowMs + IN_FLIGHT_WINDOW_MS;
  }
}
