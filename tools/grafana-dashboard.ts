// deploy/grafana/evenkeel.json: one dashboard for whoever is on call. Made of a table, because
// Grafana's own export is a thousand lines of which ten say something.
import { type Panel, ROWS } from './grafana-panels.ts';

/** Every expression, with the dashboard's variables replaced, for whoever checks them. */
export function dashboardExpressions(): readonly string[] {
  const queries = ROWS.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries));
  return queries.map(({ expr }) =>
    expr
      .replaceAll('$__rate_interval', '5m')
      .replaceAll('$job', 'evenkeel')
      .replaceAll('$instance', '.*'),
  );
}

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const WIDTH = 24;
const PANEL_WIDTH = 12;
const PANEL_HEIGHT = 8;

/** The whole file. */
export function grafanaDashboard(): string {
  const dashboard = {
    uid: 'evenkeel',
    title: 'evenkeel',
    tags: ['kubernetes', 'evenkeel'],
    timezone: 'browser',
    schemaVersion: 38,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: variables() },
    panels: layOut(),
  };
  const text = JSON.stringify(dashboard, null, 2);
  // A list of words on one line, as the formatter wants it.
  const list = /\[\s+("[^"]*"(?:,\s+"[^"]*")*)\s+\]/g;
  return `${text.replace(list, (_, words: string) => `[${words.replace(/\s+/g, ' ')}]`)}\n`;
}

function variables(): object[] {
  const query = (name: string, label: string, text: string, multi: boolean): object => ({
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query: text, refId: name },
    refresh: 2,
    multi,
    includeAll: multi,
    ...(multi ? { allValue: '.*' } : {}),
  });
  return [
    { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
    query('job', 'Job', 'label_values(evenkeel_build_info, job)', false),
    query('instance', 'Door', 'label_values(evenkeel_build_info{job="$job"}, instance)', true),
  ];
}

function layOut(): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: own } of ROWS) {
    panels.push({ type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: WIDTH, h: 1 } });
    y += 1;
    for (const [i, panel] of own.entries()) {
      const x = (i * PANEL_WIDTH) % WIDTH;
      panels.push(panelOf(panel, { x, y, w: PANEL_WIDTH, h: PANEL_HEIGHT }));
      if (x + PANEL_WIDTH === WIDTH || i === own.length - 1) y += PANEL_HEIGHT;
    }
  }
  return panels.map((panel, i) => ({ id: i + 1, ...panel }));
}

function panelOf(panel: Panel, gridPos: object): object {
  const { title, description, unit, kind = 'timeseries', stack = false, queries } = panel;
  const custom = { fillOpacity: stack ? 30 : 0, stacking: { mode: stack ? 'normal' : 'none' } };
  return {
    type: kind,
    title,
    ...(description === undefined ? {} : { description }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: { unit, min: 0, ...(kind === 'timeseries' ? { custom } : {}) },
      overrides: [],
    },
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(0x41 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}
