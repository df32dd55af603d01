// deploy/prometheus/evenkeel.rules.yaml: recording and alerting rules, made of the tables below,
// because four objectives in seven windows are too many to be kept alike by hand.
import { type Group, type Rule, STATE_ALERTS } from './prometheus-alerts.ts';

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
