// The frame of every report: one HTML file that asks nobody for anything, in light and in dark.
import { escapeMarkup } from './format.ts';

export type Tone = 'good' | 'bad' | 'unsure';

export interface Section {
  readonly title: string;
  /** One sentence on how to read it. */
  readonly hint?: string;
  /** Markup: whoever makes it has escaped it. */
  readonly body: string;
}

export interface Page {
  readonly title: string;
  readonly tone: Tone;
  /** The verdict. */
  readonly sentence: string;
  /** Below it, such as what was compared. */
  readonly remarks: readonly string[];
  readonly sections: readonly Section[];
}

// Nothing may be loaded or run, whatever a name in a result holds: the escape is the first wall.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--card:#f6f7f9;--text:#1b2430;--faint:#5a6675;
--line:#d5dae1;--a:#0b62b8;--b:#b4540a;--good:#17703c;--bad:#b3202c;--unsure:#855b00;--band:#17703c22;
--fault:#b3202c}
@media (prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1b212a;--text:#e6eaf0;
--faint:#9aa7b6;--line:#343d4a;--a:#6db3ff;--b:#ffab5e;--good:#62d18d;--bad:#ff7f88;--unsure:#e8b94a;
--band:#62d18d26;--fault:#ff7f88}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:20px 16px 48px;background:var(--ground);color:var(--text);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1rem;color:var(--faint);font-weight:500;margin:0 0 8px}
h2{font-size:1.15rem;margin:32px 0 4px}
.verdict{font-size:1.3rem;line-height:1.35;font-weight:600;margin:0;padding:12px 16px;
border-left:6px solid;background:var(--card);overflow-wrap:anywhere}
.good{color:var(--good)}.bad{color:var(--bad)}.unsure{color:var(--unsure)}
.hint,.remark{color:var(--faint);margin:4px 0 12px;font-size:.9rem;overflow-wrap:anywhere}
.remark{margin:4px 0}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--faint);font-weight:500}
th,td{padding:6px 8px;border-bottom:1px solid var(--line);vertical-align:middle;overflow-wrap:anywhere}
td.number,th.number{text-align:right;white-space:nowrap}
table.facts td:first-child{white-space:nowrap;padding-right:24px}
td small{display:block;color:var(--faint)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(330px,100%),1fr));gap:16px}
figure{margin:0;padding:10px;background:var(--card);border-radius:6px;min-width:0}
figcaption{font-size:.85rem;font-weight:600;margin-bottom:4px;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;max-width:440px}
svg text{fill:var(--faint);font:11px system-ui,sans-serif}
svg .grid{stroke:var(--line)}svg .axis{stroke:var(--faint)}
svg .a{stroke:var(--a);fill:none}svg .b{stroke:var(--b);fill:none}
svg .fill-a{fill:var(--a)}svg .fill-b{fill:var(--b)}
svg .warmup{fill:var(--faint);opacity:.12}
svg .dot-a{fill:var(--a)}svg .dot-b{fill:var(--b)}
svg .band{fill:var(--band)}svg .fault{fill:var(--fault);opacity:.18}
svg .good{stroke:var(--good);fill:var(--good)}svg .bad{stroke:var(--bad);fill:var(--bad)}
svg .unsure{stroke:var(--unsure);fill:var(--unsure)}
td svg{width:240px;max-width:100%}
.key-a{color:var(--a)}.key-b{color:var(--b)}
@media (max-width:700px){thead{display:none}table,tbody,tr,td{display:block;width:100%}
tr{border-bottom:1px solid var(--line);padding:8px 0}td{border:0;padding:2px 0}
td.number,table.facts td:first-child{text-align:left;white-space:normal}
td[data-label]::before{content:attr(data-label) ": ";color:var(--faint)}}
`;

export function formatPage({ title, tone, sentence, remarks, sections }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeMarkup(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeMarkup(title)}</h1>
<p class="verdict ${tone}" role="status">${escapeMarkup(sentence)}</p>
${remarks.map((remark) => `<p class="remark">${escapeMarkup(remark)}</p>`).join('\n')}
${sections
  .filter(({ body }) => body !== '')
  .map(formatSection)
  .join('\n')}
</body>
</html>
`;
}

function formatSection({ title, hint, body }: Section): string {
  const lines = [`<section>`, `<h2>${escapeMarkup(title)}</h2>`];
  if (hint !== undefined) lines.push(`<p class="hint">${escapeMarkup(hint)}</p>`);
  return [...lines, body, '</section>'].join('\n');
}

export interface TableCell {
  /** Markup. */
  readonly html: string;
  readonly number?: boolean;
}

/** On narrow screens each row becomes a card, so every cell carries its column's title. */
export function formatHtmlTable(
  titles: readonly string[],
  rows: readonly (readonly TableCell[])[],
  look?: 'facts',
): string {
  if (rows.length === 0) return '';
  const heads = titles.map((title, index) => {
    const number = rows[0]?.[index]?.number === true;
    return `<th${number ? ' class="number"' : ''}>${escapeMarkup(title)}</th>`;
  });
  const cells = (row: readonly TableCell[]): string =>
    row
      .map(({ html, number }, index) => {
        const label = index === 0 ? '' : ` data-label="${escapeMarkup(titles[index] ?? '')}"`;
        return `<td${number === true ? ' class="number"' : ''}${label}>${html}</td>`;
      })
      .join('');
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n');
  const start = look === undefined ? '<table>' : `<table class="${look}">`;
  return `${start}<thead><tr>${heads.join('')}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

/** A chart with its name; nothing when there is nothing to draw. */
export function formatFigure(name: string, svg: string): string {
  if (svg === '') return '';
  return `<figure><figcaption>${escapeMarkup(name)}</figcaption>${svg}</figure>`;
}

export function formatFigures(figures: readonly string[]): string {
  const drawn = figures.filter((figure) => figure !== '');
  return drawn.length === 0 ? '' : `<div class="charts">${drawn.join('\n')}</div>`;
}
