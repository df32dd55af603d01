// Small pictures of the last minutes in SVG. No script draws them and no library is loaded: a line of
// a hundred points is all that is needed.
import { type Html, html, NOTHING } from './html.ts';
import type { LineView, MoveBars } from './page-view.ts';

const WIDTH = 120;
const HEIGHT = 24;
/** Half of the line's width, so that it is not cut off at the edge. */
const MARGIN = 1;

/** @param floor the top of the picture is no lower than this: noise shall not look like a mountain */
export function sparkline({ values, join, label }: LineView, floor = 0): Html {
  const points = joined(values, join);
  const top = Math.max(floor, ...points.filter((value) => !Number.isNaN(value))) || 1;
  const path = pathOf(points.map((value) => yOf(value / top)));
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}"><path d="${path}"/></svg>`;
}

/** One bar for each few seconds: what went on, and what could not at once on top of it. */
export function moveBars({ moved, refused, label }: MoveBars): Html {
  const good = joined(moved, 'max');
  const bad = joined(refused, 'max');
  const top = Math.max(1, ...good.map((count, i) => (count || 0) + (bad[i] || 0)));
  const bars = good.flatMap((count, i) => [
    bar(i, 0, count || 0, top, 'moved'),
    bar(i, count || 0, bad[i] || 0, top, 'refused'),
  ]);
  return html`<svg class="bars" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}"><line class="ground" x1="0" x2="${WIDTH}" y1="${HEIGHT}" y2="${HEIGHT}"/>${bars}</svg>`;
}

function bar(at: number, below: number, count: number, top: number, kind: string): Html {
  if (count === 0) return NOTHING;
  const height = (count / top) * HEIGHT;
  const y = HEIGHT - (below / top) * HEIGHT - height;
  return html`<rect class="${kind}" x="${at}" width="1" y="${rounded(y)}" height="${rounded(height)}"/>`;
}

/** As many points as the picture is wide. */
function joined(values: readonly number[], join: LineView['join']): number[] {
  const points: number[] = [];
  const each = values.length / WIDTH;
  for (let i = 0; i < WIDTH; i += 1) {
    const known = values
      .slice(Math.floor(i * each), Math.max(Math.floor((i + 1) * each), Math.floor(i * each) + 1))
      .filter((value) => !Number.isNaN(value));
    if (known.length === 0) points.push(Number.NaN);
    else if (join === 'max') points.push(Math.max(...known));
    else points.push(known.reduce((sum, value) => sum + value, 0) / known.length);
  }
  return points;
}

/** A line with a gap where there is no value; a point alone is a short line. */
function pathOf(ys: readonly number[]): string {
  let path = '';
  for (const [x, y] of ys.entries()) {
    if (Number.isNaN(y)) continue;
    const before = ys[x - 1];
    const joins = before !== undefined && !Number.isNaN(before);
    path += joins ? `L${x} ${y}` : `M${x} ${y}h.5`;
  }
  return path;
}

function yOf(part: number): number {
  return Number.isNaN(part) ? part : rounded(HEIGHT - MARGIN - part * (HEIGHT - 2 * MARGIN));
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
