// Puts a view into HTML: once as a whole page, which is of use without any script, and then part by
// part, as the script puts them in.
import { type Html, html, NOTHING } from './html.ts';
import type {
  FailureRow,
  Figure,
  ListRow,
  PageView,
  Ranking,
  ReplicaRow,
  TimeEntry,
  Verdict,
} from './page-view.ts';
import { moveBars, sparkline } from './sparkline.ts';

/** Below, a line of p99 is flat: what is quicker than this is quick. */
const QUICK_SECONDS = 0.02;
const SOME = 5;

/** The inside of each element that changes, by the element's id. */
export type PageParts = Readonly<Record<string, string>>;

export function renderParts(view: PageView): PageParts {
  const parts: Readonly<Record<string, Html>> = {
    clock: html`${view.clock} UTC`,
    verdict: verdict(view.verdict),
    figures: html`${view.figures.map(figure)}`,
    replicas: html`${view.replicas.map(replica)}`,
    moves: html`${moveBars(view.watches.bars)}${timeLine(view.watches.entries)}`,
    failures: failures(view.failures),
    clients: html`${view.clients.map(ranking)}`,
    resources: html`${view.resources.map(ranking)}`,
    lists: lists(view.lists),
  };
  return Object.fromEntries(Object.entries(parts).map(([id, { text }]) => [id, text]));
}

/** Links are relative: the page may be reached below another path, as through kubectl proxy. */
export function renderPage(view: PageView): string {
  const parts = renderParts(view);
  const part = (id: string): string => parts[id] ?? '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${html`${view.title}`.text}</title>
<link rel="icon" href="page.svg">
<link rel="stylesheet" href="page.css">
<link rel="stylesheet" href="parts.css">
<script src="page.js" defer></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
<header>
<h1>evenkeel <small>${html`${view.version}`.text}</small></h1>
<p><span id="clock">${part('clock')}</span> <span id="live" role="status"></span></p>
</header>
<main>
<section id="verdict" aria-live="polite" aria-label="Now">${part('verdict')}</section>
<section id="figures" aria-label="The front door">${part('figures')}</section>
<section>
<h2>Replicas</h2>
<table class="replicas">
<thead><tr><th>replica</th><th>requests/s</th><th>in flight</th><th>watches</th><th title="LISTs apart, over the last 15 s">p50</th><th title="LISTs apart, over the last 15 s">p99</th><th title="how much later than from the first replica changes come: 99 of 100, over the last minute">freshness</th><th>restarts</th></tr></thead>
<tbody id="replicas">${part('replicas')}</tbody>
</table>
</section>
<div class="halves">
<section><h2>Watches that went on elsewhere</h2><div id="moves">${part('moves')}</div></section>
<section><h2>Last failures</h2><div id="failures">${part('failures')}</div></section>
</div>
<section><h2>Clients that ask for most</h2><div class="rankings" id="clients">${part('clients')}</div></section>
<section><h2>Resources that most is asked of</h2><div class="rankings" id="resources">${part('resources')}</div></section>
<section><h2>Longest LISTs</h2><div id="lists">${part('lists')}</div></section>
</main>
<footer>
<p>The last five minutes, as this front door sees them; it stores nothing. Times are UTC.
<a href="metrics">metrics</a> <a href="debug/endpoints">endpoints</a> <a href="debug/top">top</a></p>
</footer>
</body>
</html>
`;
}

function verdict({ level, headline, problems }: Verdict): Html {
  const items = problems.map(
    ({ severity, what, advice }) =>
      html`<li class="${severity}"><strong>${what}</strong><span>${advice}</span></li>`,
  );
  const list = items.length === 0 ? NOTHING : html`<ul>${items}</ul>`;
  return html`<div class="verdict ${level}"><p class="headline">${headline}</p>${list}</div>`;
}

function figure({ name, value, unit, line }: Figure): Html {
  const picture = line === undefined ? NOTHING : sparkline(line, SOME_FLOOR[name] ?? SOME);
  return html`<div class="figure"><h3>${name}</h3><p><b>${value}</b> <span>${unit}</span></p>${picture}</div>`;
}

const SOME_FLOOR: Readonly<Record<string, number>> = {
  'p99 without LISTs': QUICK_SECONDS,
  'door at work': 1,
};

/** Names of columns are said again in each cell, for when there is no room for columns. */
function replica(row: ReplicaRow): Html {
  const state = html`<span class="state ${row.state.replace(' ', '-')}">${row.state}</span>`;
  const errors = row.errors === '' ? NOTHING : html`<small class="bad">${row.errors}</small>`;
  const up = row.restartsDetail === '' ? NOTHING : html`<small>${row.restartsDetail}</small>`;
  return html`<tr data-replica="${row.name}" data-state="${row.state}">
<th scope="row"><b>${row.name}</b> ${state} <small>${row.stateDetail}</small><small title="${row.url}">${row.version}</small></th>
<td data-name="requests/s"><span><b>${row.requests}</b>${errors}</span>${sparkline(row.requestsLine, SOME)}</td>
<td data-name="in flight"><b>${row.inFlight}</b></td>
<td data-name="watches"><b>${row.watches}</b>${sparkline(row.watchesLine, SOME)}</td>
<td data-name="p50"><b>${row.p50}</b></td>
<td data-name="p99"><b class="${row.slow ? 'bad' : ''}">${row.p99}</b>${sparkline(row.p99Line, QUICK_SECONDS)}</td>
<td data-name="freshness"><b class="${row.late ? 'bad' : ''}">${row.freshness}</b></td>
<td data-name="restarts"><span><b>${row.restarts}</b>${up}</span></td>
</tr>`;
}

function timeLine(entries: readonly TimeEntry[]): Html {
  if (entries.length === 0) return html`<p class="none">None in the last five minutes.</p>`;
  const items = entries.map(({ clock, tone, text, detail }) => {
    const more = detail === '' ? NOTHING : html`<small>${detail}</small>`;
    return html`<li class="${tone}"><time>${clock}</time><span>${text}${more}</span></li>`;
  });
  return html`<ol class="times">${items}</ol>`;
}

function failures(rows: readonly FailureRow[]): Html {
  if (rows.length === 0) return html`<p class="none">None in the last five minutes.</p>`;
  const items = rows.map((row) => {
    const { clock, count, code, what, detail, last, advice, tone } = row;
    const why = detail === '' ? NOTHING : html`<small>Seen: ${detail}</small>`;
    return html`<li class="${tone}"><time>${clock}</time><span><b>${count} ${what}</b> <code>${code}</code><em>${advice}</em><small>Last: ${last}</small>${why}</span></li>`;
  });
  return html`<ol class="times">${items}</ol>`;
}

function ranking({ title, rows }: Ranking): Html {
  if (rows.length === 0) {
    return html`<div><h3>${title}</h3><p class="none">Nobody in the last minute.</p></div>`;
  }
  const items = rows.map(({ name, detail, value, part }) => {
    const width = Math.round(part * 100);
    const picture = html`<svg class="part" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="1"/></svg>`;
    const more = detail === '' ? NOTHING : html`<small title="${detail}">${detail}</small>`;
    return html`<li><span class="who"><bdi title="${name}">${name}</bdi> ${more}</span><b>${value}</b>${picture}</li>`;
  });
  return html`<div><h3>${title}</h3><ol class="ranks">${items}</ol></div>`;
}

function lists(rows: readonly ListRow[]): Html {
  if (rows.length === 0) return html`<p class="none">None in the last five minutes.</p>`;
  const items = rows.map(
    (row) =>
      html`<tr class="${row.running ? 'running' : ''}"><td data-name="took"><b>${row.duration}</b></td><td data-name="size">${row.size}</td><td data-name="what"><bdi>${row.what}</bdi></td><td data-name="client"><bdi>${row.client}</bdi></td><td data-name="at">${row.endpoint}</td><td data-name="status">${row.status}</td><td data-name="time">${row.clock}</td></tr>`,
  );
  return html`<table class="lists"><thead><tr><th>took</th><th>size</th><th>what</th><th>client</th><th>at</th><th>status</th><th>time</th></tr></thead><tbody>${items}</tbody></table>`;
}
