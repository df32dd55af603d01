// The alerts about states: what somebody has to look at whatever the objectives say.

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** Not of the client's making. */
const OWN_FAILURES =
  'failure!~"bad_request|unauthorized|method_not_allowed|upload_idle|header_too_large|client_gone"';
/** Only of processes that are doors: many programs have these names. */
const OF_DOORS = 'and on (job, instance) evenkeel_build_info';

export const STATE_ALERTS: Group = {
  name: 'evenkeel-alerts',
  rules: [
    alert('EvenkeelAbsent', 'critical', '5m', {
      expr: 'absent(evenkeel_build_info)',
      summary: 'No front door is scraped.',
      description: 'Prometheus has had no metrics of any door for five minutes.',
    }),
    alert('EvenkeelNoEndpointReady', 'critical', '1m', {
      expr: 'sum by (job, instance) (evenkeel_endpoint_state{state="ready"}) == 0',
      summary: '{{ $labels.instance }} has no kube-apiserver to send requests to.',
      description:
        'Everybody gets 503. /debug/endpoints on the admin port says why each one is out.',
    }),
    alert('EvenkeelEndpointOut', 'warning', '10m', {
      expr: 'evenkeel_endpoint_state{state=~"not_ready|ejected"} == 1',
      summary: '{{ $labels.endpoint }} is {{ $labels.state }} at {{ $labels.instance }}.',
      description: 'The others carry its share. /debug/endpoints on the admin port says why.',
    }),
    alert('EvenkeelRequestFailures', 'warning', '10m', {
      expr:
        `sum by (job) (rate(evenkeel_request_failures_total{${OWN_FAILURES}}[5m]))\n` +
        '/ sum by (job) (rate(evenkeel_requests_total[5m])) > 0.01',
      summary: '{{ $value | humanizePercentage }} of requests are answered by the door itself.',
      description:
        'The label failure of evenkeel_request_failures_total, and the log, say for what.',
    }),
    alert('EvenkeelManyRetries', 'warning', '10m', {
      expr:
        'sum by (job) (rate(evenkeel_retries_total[5m]))\n' +
        '/ sum by (job) (rate(evenkeel_requests_total[5m])) > 0.1',
      summary: '{{ $value | humanizePercentage }} of requests needed another endpoint.',
      description: 'They stop at retry.budgetPercent, and then clients see the failures.',
    }),
    alert('EvenkeelUnevenWatches', 'warning', '30m', {
      expr:
        '(max by (job, instance) (evenkeel_endpoint_watches)\n' +
        '  - min by (job, instance) (evenkeel_endpoint_watches)) > 100\n' +
        'and max by (job, instance) (evenkeel_endpoint_watches)\n' +
        '  > 1.5 * avg by (job, instance) (evenkeel_endpoint_watches)',
      summary: 'One kube-apiserver behind {{ $labels.instance }} has far more watches than others.',
      description:
        'The door evens out what it can carry; evenkeel_watch_continuations_total says more.',
    }),
    alert('EvenkeelWatchesLost', 'warning', '10m', {
      expr: 'sum by (job) (rate(evenkeel_watch_ends_total{reason="upstream_lost"}[5m])) > 1',
      summary: 'Watches end because no endpoint goes on with them.',
      description: 'Their clients watch again by themselves, and some of them list.',
    }),
    alert('EvenkeelReplicaBehind', 'warning', '10m', {
      expr:
        'histogram_quantile(0.99,\n' +
        '  sum by (job, endpoint, le) (rate(evenkeel_replica_event_lag_seconds_bucket[5m]))) > 5',
      summary: '{{ $labels.endpoint }} brings events later than others, by {{ $value }} s.',
      description: 'Its watch cache is behind: look at its etcd member and at its load.',
    }),
    alert('EvenkeelWritesReachWatchersLate', 'warning', '10m', {
      // Of one in ten at least: a node or two with a wrong clock are no delay.
      expr:
        'histogram_quantile(0.9, sum by (job, le)\n' +
        '  (rate(evenkeel_watch_write_to_delivery_seconds_bucket{source="renew_time"}[5m]))) > 2',
      summary: 'Renewals of leases reach their watchers {{ $value | humanizeDuration }} late.',
      description:
        'If evenkeel_watch_event_latency_seconds is low, it is not the door: look at etcd and at ' +
        'the watch caches of the kube-apiservers, and at the clocks of the holders.',
    }),
    alert('EvenkeelWritersClockAhead', 'info', '30m', {
      expr:
        'sum by (job, instance) (rate(evenkeel_watch_write_times_total{result="ahead"}[10m]))\n' +
        '/ sum by (job, instance) (rate(evenkeel_watch_write_times_total[10m])) > 0.05',
      summary:
        '{{ $value | humanizePercentage }} of changes come to {{ $labels.instance }} before they ' +
        'were written.',
      description:
        "The clock of the door is behind, or that of a kube-apiserver or a lease's holder ahead.",
    }),
    alert('EvenkeelSlowConsumers', 'info', '15m', {
      expr: 'sum by (job) (evenkeel_watch_slow_consumers) > 10',
      summary: '{{ $value }} watches have clients that do not keep up.',
      description: '/debug/top on the admin port says who they are.',
    }),
    alert('EvenkeelReplicaMisfilesWatches', 'info', '15m', {
      expr:
        'max by (job, endpoint, verb, metric)\n' +
        '  (max_over_time(evenkeel_replica_misfiled_watches[30m])) > 0',
      summary:
        '{{ $labels.endpoint }} files watches as {{ $labels.verb }} in {{ $labels.metric }}.',
      description: 'Its latencies are not to be trusted; /replicas/metrics has them corrected.',
    }),
    alert('EvenkeelReplicaMetricsUnreadable', 'warning', '15m', {
      expr: 'evenkeel_replica_scrape{result!="ok"} == 1',
      summary: 'The metrics of {{ $labels.endpoint }} are {{ $labels.result }}.',
      description: 'The log of the door says why; /replicas/metrics is without this replica.',
    }),
    alert('EvenkeelEventLoopSlow', 'warning', '10m', {
      expr: `nodejs_eventloop_lag_p99_seconds > 0.1\n${OF_DOORS}`,
      summary: '{{ $labels.instance }} answers with {{ $value }} s of delay.',
      description: 'The door is at its limit: raise workers, or add another door.',
    }),
    alert('EvenkeelRestarts', 'warning', '0m', {
      expr: `changes(process_start_time_seconds[15m]) > 2\n${OF_DOORS}`,
      summary: '{{ $labels.instance }} was started {{ $value }} times in 15 minutes.',
      description: 'Each start cuts off the connections that the process carried.',
    }),
  ],
};

function alert(
  name: string,
  severity: 'critical' | 'warning' | 'info',
  hold: string,
  of: { readonly expr: string; readonly summary: string; readonly description: string },
): Rule {
  const { expr, summary, description } = of;
  return {
    alert: name,
    expr,
    for: hold,
    labels: { severity },
    annotations: { summary, description },
  };
}
