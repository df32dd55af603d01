// What the Grafana dashboard shows: from "is it well" at the top to the processes at the bottom.

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly unit: 'reqps' | 's' | 'percentunit' | 'short' | 'Bps' | 'ops' | 'bytes';
  readonly kind?: 'timeseries' | 'stat';
  readonly stack?: boolean;
  readonly queries: readonly Query[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Chosen at the top of the dashboard. */
const OF = 'job="$job", instance=~"$instance"';

function sumRate(name: string, by: string, selector = ''): string {
  const all = selector === '' ? OF : `${OF}, ${selector}`;
  return `sum by (${by}) (rate(${name}{${all}}[$__rate_interval]))`;
}

function quantile(share: number, family: string, by: string, selector = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${share}, ${sumRate(`${family}_bucket`, labels, selector)})`;
}

function quantiles(family: string, by: string, legend: string, selector = ''): Query[] {
  return [0.5, 0.99].map((share) => ({
    expr: quantile(share, family, by, selector),
    legend: `p${share * 100} ${legend}`.trim(),
  }));
}

const DURATION = 'evenkeel_request_duration_seconds';
const WRITTEN = 'evenkeel_watch_write_to_delivery_seconds';

export const ROWS: readonly Row[] = [
  {
    title: 'Is it well?',
    panels: [
      {
        title: 'Endpoints that are ready',
        unit: 'short',
        kind: 'stat',
        queries: [
          {
            expr: `sum by (instance) (evenkeel_endpoint_state{${OF}, state="ready"})`,
            legend: '{{instance}}',
          },
        ],
      },
      {
        title: 'Share of the objectives missed, last hour',
        description: 'Each allows 1 %. By the recording rules of deploy/prometheus.',
        unit: 'percentunit',
        kind: 'stat',
        queries: [{ expr: 'job:evenkeel_slo_bad:ratio_rate1h{job="$job"}', legend: '{{slo}}' }],
      },
      {
        title: 'Requests that the door failed',
        unit: 'reqps',
        stack: true,
        queries: [
          {
            expr: `${sumRate('evenkeel_request_failures_total', 'failure')} > 0`,
            legend: '{{failure}}',
          },
        ],
      },
      {
        title: 'Requests and watches that are open',
        unit: 'short',
        queries: [
          { expr: `sum by (kind) (evenkeel_requests_in_flight{${OF}})`, legend: '{{kind}}' },
        ],
      },
    ],
  },
  {
    title: 'Requests',
    panels: [
      {
        title: 'Requests by verb',
        unit: 'reqps',
        stack: true,
        queries: [{ expr: sumRate('evenkeel_requests_total', 'verb'), legend: '{{verb}}' }],
      },
      {
        title: 'Requests by endpoint',
        unit: 'reqps',
        queries: [{ expr: sumRate('evenkeel_requests_total', 'endpoint'), legend: '{{endpoint}}' }],
      },
      {
        title: 'Duration of reads of one object, and of writes',
        description: 'From entry to the last byte. Watches, logs and tunnels are not in it.',
        unit: 's',
        queries: quantiles(DURATION, 'verb', '{{verb}}', 'verb!="LIST"'),
      },
      {
        title: 'Duration of lists',
        unit: 's',
        queries: quantiles(DURATION, 'scope', '{{scope}}', 'verb="LIST"'),
      },
      {
        title: 'Duration by endpoint, p99 of all that is no list',
        unit: 's',
        queries: [
          { expr: quantile(0.99, DURATION, 'endpoint', 'verb!="LIST"'), legend: '{{endpoint}}' },
        ],
      },
      {
        title: 'Waiting inside the door, for a connection or after another attempt',
        unit: 's',
        queries: quantiles('evenkeel_request_queue_seconds', '', ''),
      },
      {
        title: 'Answers that are no success',
        unit: 'reqps',
        stack: true,
        queries: [
          {
            expr: sumRate('evenkeel_requests_total', 'code', 'code!~"[123].."'),
            legend: '{{code}}',
          },
        ],
      },
      {
        title: 'Resources that are asked for most',
        unit: 'reqps',
        queries: [
          {
            expr: `topk(10, ${sumRate('evenkeel_requests_total', 'group, resource')})`,
            legend: '{{resource}}.{{group}}',
          },
        ],
      },
      {
        title: 'Bytes to clients, by resource',
        unit: 'Bps',
        queries: [
          {
            expr: `topk(10, ${sumRate('evenkeel_response_bytes_total', 'group, resource')})`,
            legend: '{{resource}}.{{group}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Watches',
    panels: [
      {
        title: 'Watches at each endpoint',
        unit: 'short',
        queries: [
          {
            expr: `sum by (endpoint) (evenkeel_endpoint_watches{${OF}})`,
            legend: '{{endpoint}}',
          },
        ],
      },
      {
        title: 'Event latency in the door',
        description: "From an event's first byte from the endpoint to the client's socket.",
        unit: 's',
        queries: quantiles('evenkeel_watch_event_latency_seconds', '', ''),
      },
      {
        title: 'From write to delivery',
        description:
          'Of renewals of leases, etcd and kube-apiserver included, by their holders’ clocks.',
        unit: 's',
        queries: quantiles(WRITTEN, '', '', 'source="renew_time"'),
      },
      {
        title: 'How far endpoints are behind each other, p99',
        description: 'By the same change in watches of whole resources at different endpoints.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.99, 'evenkeel_replica_event_lag_seconds', 'endpoint'),
            legend: '{{endpoint}}',
          },
        ],
      },
      {
        title: 'Watches that were to go on elsewhere',
        unit: 'ops',
        queries: [
          {
            expr: sumRate('evenkeel_watch_continuations_total', 'reason, result'),
            legend: '{{reason}}: {{result}}',
          },
        ],
      },
      {
        title: 'Silence of carried watches without an endpoint',
        unit: 's',
        queries: quantiles('evenkeel_watch_gap_seconds', '', ''),
      },
      {
        title: 'Watches that ended, by why',
        unit: 'ops',
        stack: true,
        queries: [
          { expr: `${sumRate('evenkeel_watch_ends_total', 'reason')} > 0`, legend: '{{reason}}' },
        ],
      },
      {
        title: 'From asking to the first event',
        unit: 's',
        queries: quantiles(
          'evenkeel_watch_first_event_duration_seconds',
          'endpoint',
          '{{endpoint}}',
        ),
      },
      {
        title: 'Clients that do not keep up',
        unit: 'short',
        queries: [
          {
            expr: `sum by (instance) (evenkeel_watch_slow_consumers{${OF}})`,
            legend: '{{instance}}',
          },
        ],
      },
    ],
  },
  {
    title: 'What the endpoints say of themselves',
    panels: [
      {
        title: 'Watches that an endpoint files as other requests',
        description:
          'Its latencies in that family are wrong. /replicas/metrics has them corrected.',
        unit: 'short',
        queries: [
          {
            expr: `max by (endpoint, verb, metric) (evenkeel_replica_misfiled_watches{${OF}}) > 0`,
            legend: '{{endpoint}} {{verb}} {{metric}}',
          },
        ],
      },
      {
        title: 'Endpoints whose metrics cannot be read',
        unit: 'short',
        queries: [
          {
            expr: `max by (endpoint, result) (evenkeel_replica_scrape{${OF}, result!="ok"}) > 0`,
            legend: '{{endpoint}}: {{result}}',
          },
        ],
      },
    ],
  },
  {
    title: 'The doors themselves',
    panels: [
      {
        title: 'Processor',
        unit: 'short',
        queries: [
          { expr: sumRate('process_cpu_seconds_total', 'instance'), legend: '{{instance}}' },
        ],
      },
      {
        title: 'Delay of the event loop, p99',
        unit: 's',
        queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${OF}}`, legend: '{{instance}}' }],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [{ expr: `process_resident_memory_bytes{${OF}}`, legend: '{{instance}}' }],
      },
      {
        title: 'Connections of clients',
        unit: 'short',
        queries: [
          {
            expr: `sum by (protocol) (evenkeel_client_connections{${OF}})`,
            legend: '{{protocol}}',
          },
        ],
      },
    ],
  },
];
