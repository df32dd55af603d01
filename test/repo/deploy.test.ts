// The files under deploy/ are those that are made of the tables, and name only what there is.
import { expect, test } from 'vitest';
import { Metrics } from '../../proxy/observe/metrics.ts';
import { metricsPage } from '../../tools/docs-metrics.ts';
import { dashboardExpressions, grafanaDashboard } from '../../tools/grafana-dashboard.ts';
import { prometheusRules, ruleExpressions } from '../../tools/prometheus-rules.ts';
import { sourcesOf } from '../proxy/observe/support/records.ts';
import { readTree } from './tree.ts';

const tree = readTree();

/** Labels that a family has, by each name that its samples have. */
type Known = ReadonlyMap<string, ReadonlySet<string>>;

/** Added by Prometheus, or by the rules. */
const EVERYWHERE = ['job', 'instance'];
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

async function knownMetrics(): Promise<Known> {
  const known = new Map<string, ReadonlySet<string>>();
  const page = await metricsPage();
  for (const [, name = '', type, labels = ''] of page.matchAll(
    /^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm,
  )) {
    const own = [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label);
    const all = new Set([...own, ...EVERYWHERE]);
    if (type === 'histogram') {
      known.set(`${name}_bucket`, new Set([...all, 'le']));
      known.set(`${name}_sum`, all);
      known.set(`${name}_count`, all);
    } else known.set(name, all);
  }
  // Those of the process are prom-client's and not on the page.
  const text = await new Metrics({ version: '0', sources: sourcesOf([]) }).text();
  for (const [, name = ''] of text.matchAll(/^# TYPE ((?:process|nodejs)_\w+) /gm)) {
    known.set(name, new Set(EVERYWHERE));
  }
  for (const [, name = ''] of prometheusRules().matchAll(/- record: (\S+)/g)) {
    known.set(name, new Set(['job', 'slo']));
  }
  return known;
}

/** What a query names that there is not. */
function unknownNames(expr: string, known: Known): string[] {
  const unknown: string[] = [];
  const labels = new Set<string>();
  for (const [, name = '', selector = ''] of expr.matchAll(/([a-z_:][\w:]*)\{([^}]*)\}/g)) {
    for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (known.get(name)?.has(label) === false) unknown.push(`${name}{${label}}`);
    }
  }
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|on|without|group_left|ignoring)\s*\(([^)]*)\)/g, (_, list: string) => {
      for (const label of list.split(',')) labels.add(label.trim());
      return '';
    });
  const names = [...bare.matchAll(/(?<![\w:])([a-z_:][\w:]*)(?!\s*\(|[\w:])/g)]
    .map(([, name = '']) => name)
    .filter((name) => !KEYWORDS.has(name));
  for (const name of names) if (!known.has(name)) unknown.push(name);
  for (const label of labels) {
    if (!names.some((name) => known.get(name)?.has(label))) unknown.push(`by (${label})`);
  }
  return unknown;
}

test.each([
  ['deploy/prometheus/evenkeel.rules.yaml', prometheusRules],
  ['deploy/grafana/evenkeel.json', grafanaDashboard],
])('%s is what npx node tools/docs-write.ts writes', (file, make) => {
  expect(tree.get(file)).toBe(make());
});

test('every metric and label of the rules exists', async () => {
  const known = await knownMetrics();
  expect(ruleExpressions().flatMap((expr) => unknownNames(expr, known))).toEqual([]);
});

test('every metric and label of the dashboard exists', async () => {
  const known = await knownMetrics();
  const expressions = dashboardExpressions();
  expect(expressions.length).toBeGreaterThan(20);
  expect(expressions.flatMap((expr) => unknownNames(expr, known))).toEqual([]);
});

test('what does not exist is found', async () => {
  const known = await knownMetrics();
  const named = (expr: string): string[] => unknownNames(expr, known);
  expect(named('sum(rate(evenkeel_nothing_total[5m])) > 1')).toEqual(['evenkeel_nothing_total']);
  expect(named('evenkeel_watches{nothing="x"}')).toEqual(['evenkeel_watches{nothing}']);
  expect(named('sum by (job, nothing) (evenkeel_watches)')).toEqual(['by (nothing)']);
  expect(named('rate(evenkeel_watch_gap_seconds[5m])')).toEqual(['evenkeel_watch_gap_seconds']);
  expect(named('job:nothing:ratio_rate5m{slo="x"} > 0.1')).toEqual(['job:nothing:ratio_rate5m']);
});
