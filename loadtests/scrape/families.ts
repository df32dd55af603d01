// What is read out of /metrics, and what a result says of it. Of everything that the servers count,
// this is what tells one control plane from another under the same load, whatever the load is.
import type { ScrapedComponent } from '../local/site.ts';

/** A histogram of which the 99th percentile is kept, in seconds at the source. */
export interface HistogramFamily {
  readonly component: ScrapedComponent;
  readonly metric: string;
  readonly family: string;
  /** One figure for each value of it; one for all by default. */
  readonly label?: string;
}

/** A counter of which the increase is kept. */
export interface CounterFamily {
  readonly component: ScrapedComponent;
  readonly metric: string;
  readonly family: string;
  /** Only series with this label's value. */
  readonly only?: readonly [label: string, value: string];
  readonly critical?: boolean;
  /** Every process counts the same events: their mean, and not their sum, is how many there were. */
  readonly seenByAll?: boolean;
}

/** The one that objectives are stated by: without webhooks and the wait of flow control. */
export const SLI = 'apiserver_request_sli_duration_seconds';
export const REQUESTS = 'apiserver_request_total';
export const EVENT_SIZES = 'apiserver_watch_events_sizes';
export const PUTS = 'etcd_mvcc_put_total';
export const CPU = 'process_cpu_seconds_total';
export const RSS = 'process_resident_memory_bytes';
export const STARTED = 'process_start_time_seconds';
export const ETCD_VERSION = 'etcd_server_version';
export const DB_SIZE = 'etcd_mvcc_db_total_size_in_bytes';

export const HISTOGRAMS: readonly HistogramFamily[] = [
  {
    component: 'kube-apiserver',
    metric: 'storage_p99',
    family: 'etcd_request_duration_seconds',
    label: 'operation',
  },
  {
    component: 'kube-apiserver',
    metric: 'flow_control_wait_p99',
    family: 'apiserver_flowcontrol_request_wait_duration_seconds',
  },
  {
    component: 'kube-apiserver',
    metric: 'watch_cache_read_wait_p99',
    family: 'apiserver_watch_cache_read_wait_seconds',
  },
  {
    component: 'kube-apiserver',
    metric: 'watch_list_p99',
    family: 'apiserver_watch_list_duration_seconds',
  },
  {
    // From 1.36 on.
    component: 'kube-apiserver',
    metric: 'watch_dispatch_p99',
    family: 'apiserver_watch_events_dispatch_duration_seconds',
  },
  {
    component: 'etcd',
    metric: 'wal_fsync_p99',
    family: 'etcd_disk_wal_fsync_duration_seconds',
  },
  {
    component: 'etcd',
    metric: 'backend_commit_p99',
    family: 'etcd_disk_backend_commit_duration_seconds',
  },
  {
    component: 'etcd',
    metric: 'peer_round_trip_p99',
    family: 'etcd_network_peer_round_trip_time_seconds',
  },
  {
    component: 'evenkeel',
    metric: 'door_latency_p99',
    family: 'evenkeel_request_duration_seconds',
  },
  { component: 'evenkeel', metric: 'door_queue_p99', family: 'evenkeel_request_queue_seconds' },
  {
    component: 'evenkeel',
    metric: 'door_event_p99',
    family: 'evenkeel_watch_event_latency_seconds',
  },
  { component: 'evenkeel', metric: 'door_watch_gap_p99', family: 'evenkeel_watch_gap_seconds' },
];

export const COUNTERS: readonly CounterFamily[] = [
  {
    // Watchers that were thrown out because they did not keep up: their clients have lost events.
    component: 'kube-apiserver',
    metric: 'watchers_terminated',
    family: 'apiserver_terminated_watchers_total',
    critical: true,
  },
  {
    component: 'kube-apiserver',
    metric: 'watch_cache_initializations',
    family: 'apiserver_watch_cache_initializations_total',
  },
  {
    component: 'kube-apiserver',
    metric: 'lists_from_etcd',
    family: 'apiserver_watch_cache_consistent_read_total',
    only: ['fallback', 'true'],
  },
  {
    component: 'kube-apiserver',
    metric: 'flow_control_rejected',
    family: 'apiserver_flowcontrol_rejected_requests_total',
  },
  {
    component: 'etcd',
    metric: 'leader_changes',
    family: 'etcd_server_leader_changes_seen_total',
    seenByAll: true,
  },
  { component: 'evenkeel', metric: 'door_retries', family: 'evenkeel_retries_total' },
];

/** Of these the value of the moment counts, and not how much they have grown. */
export const GAUGES: ReadonlySet<string> = new Set([RSS, STARTED, ETCD_VERSION, DB_SIZE]);

/** All names of series that are read. */
export const WANTED: ReadonlySet<string> = new Set([
  ...GAUGES,
  ...[REQUESTS, PUTS, CPU],
  ...[SLI, EVENT_SIZES, ...HISTOGRAMS.map(({ family }) => family)].flatMap(histogramNames),
  ...COUNTERS.map(({ family }) => family),
]);

function histogramNames(family: string): string[] {
  return [`${family}_bucket`, `${family}_sum`, `${family}_count`];
}
