// deploy/prometheus/evenkeel.rules.yaml: recording and alerting rules, made of the tables below,
// because four objectives in seven windows are too many to be kept alike by hand.

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** What share of which requests or events may be too slow, or fail. */
interface Objective {
  readonly slo: string;
  /** For people. */
  readonly what: string;
  /** A histogram, the bound that counts as good, and the labels of what it is about. */
  readonly family: string;
  readonly boundSeconds: number;
  readonly selector: string;
  /** Of evenkeel_requests_total: those whose failures count besides. */
  readonly errors?: string;
}

const WRITES = 'verb=~"POST|PUT|PATCH|APPLY|DELETE"';
const READS = 'verb="GET"';
const LISTS = 'verb="LIST"';

/**
 * Kubernetes' own objectives (sig-scalability/slos/api_call_latency.md): 99 % of calls that change
 * something, or read one object, within 1 s, others within 30 s. Of watch events the door can
 * answer for the time that they spend in it.
 */
const OBJECTIVES: readonly Objective[] = [
  {
    slo: 'write-1s',
    what: 'requests that change something',
    family: 'evenkeel_request_duration_seconds',
    boundSeconds: 1,
    selector: WRITES,
    errors: WRITES,
  },
  {
    slo: 'read-1s',
    what: 'reads of one object',
    family: 'evenkeel_request_duration_seconds',
    boundSeconds: 1,
    selector: READS,
    errors: READS,
  },
  {
    slo: 'list-30s',
    what: 'lists',
    family: 'evenkeel_request_duration_seconds',
    boundSeconds: 30,
    selector: LISTS,
    errors: LISTS,
  },
  {
    slo: 'watch-event-100ms',
    what: 'watch events on their way through the door',
    family: 'evenkeel_watch_event_latency_seconds',
    boundSeconds: 0.1,
    selector: '',
  },
];
/** The share that an objective allows. */
const BUDGET = 0.01;
/** The doors of one job have one budget. */
const BY = 'by (job)';

/**
 * Two windows for each alert: the long one so that it is worth a person's time, the short one so
 * that it ends soon after its cause (Google's SRE workbook, chapter 5). `rate` is how many times
 * faster than allowed the budget of 30 days is spent.
 */
const BURN_ALERTS = [
  { long: '1h', short: '5m', rate: 14.4, hold: '2m', severity: 'critical' },
  { long: '6h', short: '30m', rate: 6, hold: '15m', severity: 'critical' },
  { long: '1d', short: '2h', rate: 3, hold: '1h', severity: 'warning' },
  { long: '3d', short: '6h', rate: 1, hold: '3h', severity: 'warning' },
] as const;
const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;

function ratioName(window: string): string {
  return `job:evenkeel_slo_bad:ratio_rate${window}`;
}

/** Prometheus 3 writes le="1.0" whatever it was sent, Prometheus 2 leaves "1". */
function atMost(boundSeconds: number): string {
  const text = String(boundSeconds);
  return text.includes('.') ? `le="${text}"` : `le=~"${text}(\\\\.0)?"`;
}

function badRatio(objective: Objective, window: string): string {
  const { family, boundSeconds, selector, errors } = objective;
  const and = (...parts: string[]): string => parts.filter((part) => part !== '').join(', ');
  const total = `sum ${BY} (rate(${family}_count{${selector}}[${window}]))`;
  const good = `sum ${BY} (rate(${family}_bucket{${and(selector, atMost(boundSeconds))}}[${window}]))`;
  const slow = `${total}\n  - ${good}`;
  if (errors === undefined) return `(\n  ${slow}\n)\n/ ${total}`;
  const failed = `rate(evenkeel_requests_total{${and(errors, 'code=~"5.."')}}[${window}])`;
  // Without a single error there is no series, and nothing plus something would be nothing.
  const errorRate = `(sum ${BY} (${failed}) or 0 * ${total})`;
  return `(\n  ${slow}\n  + ${errorRate}\n)\n/ ${total}`;
}

function recordings(): Group[] {
  return OBJECTIVES.map((objective) => ({
    name: `evenkeel-slo-${objective.slo}`,
    rules: WINDOWS.map((window) => ({
      record: ratioName(window),
      expr: badRatio(objective, window),
      labels: { slo: objective.slo },
    })),
  }));
}

function burnAlerts(): Group {
  const rules = OBJECTIVES.flatMap(({ slo, what }) =>
    BURN_ALERTS.map(({ long, short, rate, hold, severity }) => ({
      alert: 'EvenkeelBudgetBurn',
      expr:
        `${ratioName(long)}{slo="${slo}"} > ${rate} * ${BUDGET}\n` +
        `and ${ratioName(short)}{slo="${slo}"} > ${rate} * ${BUDGET}`,
      for: hold,
      labels: { severity, slo, long, short },
      annotations: {
        summary: `Too many ${what} are slow or fail.`,
        description:
          `{{ $value | humanizePercentage }} of all ${what} in the last ${long} missed the ` +
          `objective ${slo}, which allows 1 %.`,
      },
    })),
  );
  return { name: 'evenkeel-slo-alerts', rules };
}

/** Not of the client's making. */
const OWN_FAILURES =
  'failure!~"bad_request|unauthorized|method_not_allowed|upload_idle|header_too_large|client_gone"';
/** Only of processes that are doors: many programs have these names. */
const OF_DOORS = 'and on (job, instance) evenkeel_build_info';

const STATE_ALERTS: Group = {
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

/** The whole file. */
export function prometheusRules(): string {
  const groups = [...recordings(), burnAlerts(), STATE_ALERTS];
  return [
    '# Made by `npx node tools/docs-write.ts` from tools/prometheus-rules.ts.',
    'groups:',
    ...groups.flatMap(writeGroup),
    '',
  ].join('\n');
}

/** Every expression, for whoever checks them. */
export function ruleExpressions(): readonly string[] {
  const groups = [...recordings(), burnAlerts(), STATE_ALERTS];
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

function writeGroup({ name, rules }: Group): string[] {
  return [`  - name: ${name}`, '    rules:', ...rules.flatMap(writeRule)];
}

function writeRule(rule: Rule): string[] {
  const { record, alert: name, expr, for: hold, labels, annotations } = rule;
  const pad = '        ';
  return [
    name === undefined ? `      - record: ${record}` : `      - alert: ${name}`,
    `${pad}expr: |-`,
    ...expr.split('\n').map((line) => `${pad}  ${line}`),
    ...(hold === undefined ? [] : [`${pad}for: ${hold}`]),
    ...writeMap('labels', labels),
    ...writeMap('annotations', annotations),
  ];
}

function writeMap(name: string, map: Readonly<Record<string, string>> | undefined): string[] {
  if (map === undefined) return [];
  // A JSON string is a YAML string, whatever is in it.
  const lines = Object.entries(map).map(
    ([key, text]) => `          ${key}: ${JSON.stringify(text)}`,
  );
  return [`        ${name}:`, ...lines];
}
