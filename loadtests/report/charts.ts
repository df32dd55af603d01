// What the reports draw: time lines, distributions, gaps of watches, intervals of ratios.
import type { MetricVerdict } from '../gate/metric-verdict.ts';
import type { LatencyHistogram } from '../histogram.ts';
import type { FaultLine, WindowLine } from '../result.ts';
import {
  at,
  columnTicks,
  decades,
  decadesAround,
  frame,
  least,
  linearScale,
  logScale,
  most,
  PLOT,
  polyline,
  roundSteps,
  rowTicks,
  type Scale,
} from './axis.ts';
import { escapeMarkup, showMs, showNumber } from './format.ts';
import type { Tone } from './page.ts';

export type Color = 'a' | 'b';

/** One run's part of a chart over time. */
export interface TimeLine {
  readonly color: Color;
  readonly windows: readonly WindowLine[];
  readonly faults: readonly FaultLine[];
  /** Up to here it was warmed up. */
  readonly measureFromMs: number;
}

/** The 99th percentile of each window, on a logarithmic axis, with faults as bands. */
export function drawTimeLine(lines: readonly TimeLine[]): string {
  const windows = lines.flatMap((line) => line.windows).filter(({ count }) => count > 0);
  if (windows.length === 0) return '';
  const x = timeScale(lines);
  const domain = decadesAround(windows.map(({ p99Ms }) => Math.max(p99Ms, 0.01)));
  const y = logScale(domain, [PLOT.bottom, PLOT.top]);
  const curves = lines.map(({ color, windows: own }) =>
    polyline(
      own
        .filter(({ count }) => count > 0)
        .map(({ atMs, lengthMs, p99Ms }) => [
          x(atMs + lengthMs / 2),
          y(Math.max(p99Ms, domain[0])),
        ]),
      color,
    ),
  );
  const ticks = decades(domain).map((ms) => ({ position: y(ms), label: showMs(ms) }));
  return frame('99th percentile over time', [
    warmupBand(lines, x),
    faultBands(lines, x),
    rowTicks(ticks),
    timeTicks(lines, x),
    ...curves,
  ]);
}

/** How long the latest event of each window took; a window without any is a gap, marked below. */
export function drawWatchGaps(lines: readonly TimeLine[]): string {
  const windows = lines.flatMap((line) => line.windows);
  if (windows.length === 0) return '';
  const x = timeScale(lines);
  const highest = most(windows.map(({ maxMs }) => maxMs)) || 1;
  const y = linearScale([0, highest], [PLOT.bottom, PLOT.top]);
  const colors = [...new Set(lines.map(({ color }) => color))];
  const bars = colors.flatMap((color, place) =>
    slowestByTime(lines.filter((line) => line.color === color)).map((bar) => {
      const whole = x(bar.atMs + bar.lengthMs) - x(bar.atMs);
      // Beside one another, for two arms at one time would hide each other.
      const box = {
        left: x(bar.atMs) + (place * whole) / colors.length,
        width: whole / colors.length,
      };
      const reach = PLOT.bottom - y(bar.maxMs);
      return (
        rectangle(`fill-${color}`, { ...box, top: y(bar.maxMs), height: reach }) +
        (bar.gap ? rectangle('bad', { ...box, top: PLOT.bottom + 1, height: 4 }) : '')
      );
    }),
  );
  const ticks = roundSteps(highest).map((ms) => ({
    position: y(ms),
    label: showMs(ms),
  }));
  return frame('longest time to an event, and windows without events', [
    warmupBand(lines, x),
    faultBands(lines, x),
    rowTicks(ticks),
    timeTicks(lines, x),
    ...bars,
  ]);
}

interface Bar {
  readonly atMs: number;
  readonly lengthMs: number;
  readonly maxMs: number;
  readonly gap: boolean;
}

/** The worst of all runs at each time. */
function slowestByTime(lines: readonly TimeLine[]): Bar[] {
  const bars = new Map<number, Bar>();
  for (const { atMs, lengthMs, maxMs, count } of lines.flatMap((line) => line.windows)) {
    const slot = Math.round(atMs / lengthMs) * lengthMs;
    const before = bars.get(slot);
    bars.set(slot, {
      atMs: slot,
      lengthMs,
      maxMs: Math.max(maxMs, before?.maxMs ?? 0),
      gap: count === 0 || before?.gap === true,
    });
  }
  return [...bars.values()];
}

export interface Distribution {
  readonly color: Color;
  readonly histogram: LatencyHistogram;
}

const SHARES = [50, 90, 99, 99.9] as const;

/** Which share took at most how long: the tail is as wide as the middle, since it is what hurts. */
export function drawDistribution(distributions: readonly Distribution[]): string {
  const filled = distributions.filter(({ histogram }) => histogram.count > 0);
  if (filled.length === 0) return '';
  const percents = Array.from({ length: 91 }, (_, step) => 100 * (1 - 10 ** (-step / 30)));
  const curves = filled.map(({ color, histogram }) => ({
    color,
    points: percents.map((percent) => ({
      percent,
      ms: Math.max(histogram.percentileUs(percent) / 1000, 0.001),
    })),
  }));
  const domain = decadesAround(curves.flatMap(({ points }) => points.map(({ ms }) => ms)));
  const x = logScale(domain, [PLOT.left, PLOT.right]);
  const nines = linearScale([0, 3], [PLOT.bottom, PLOT.top]);
  const y = (percent: number): number => nines(-Math.log10(1 - percent / 100));
  return frame('share of all at most as long, by latency on a logarithmic axis', [
    rowTicks([0, ...SHARES].map((percent) => ({ position: y(percent), label: `${percent} %` }))),
    columnTicks(decades(domain).map((ms) => ({ position: x(ms), label: showMs(ms) }))),
    ...curves.map(({ color, points }) =>
      polyline(
        points.map(({ percent, ms }) => [x(ms), y(percent)]),
        color,
      ),
    ),
  ]);
}

/** One row of a forest plot: the interval of the ratio beside the tolerance around 1. */
export function drawInterval(metric: MetricVerdict, range: readonly [number, number]): string {
  const { ratio, tolerance } = metric;
  if (ratio === undefined) return '';
  const x = logScale(range, [4, 236]);
  const clamp = (value: number): number => x(Math.min(range[1], Math.max(range[0], value)));
  const tone = toneOf(metric);
  const [low, high] = [clamp(ratio.low), clamp(ratio.high)];
  const [bandLow, bandHigh] = [clamp(1 / (1 + tolerance)), clamp(1 + tolerance)];
  const words = `${percentOf(ratio.estimate)}, from ${percentOf(ratio.low)} to ${percentOf(ratio.high)}`;
  return [
    `<svg viewBox="0 0 240 24" role="img" aria-label="${words}">`,
    `<rect class="band" x="${at(bandLow)}" y="2" width="${at(bandHigh - bandLow)}" height="20"/>`,
    `<line class="axis" x1="${at(x(1))}" x2="${at(x(1))}" y1="2" y2="22"/>`,
    `<line class="${tone}" stroke-width="2.5" x1="${at(low)}" x2="${at(high)}" y1="12" y2="12"/>`,
    `<circle class="${tone}" cx="${at(clamp(ratio.estimate))}" cy="12" r="4"/>`,
    '</svg>',
  ].join('');
}

/** Wide enough for all intervals, up to where a reader no longer cares how much worse it is. */
export function rangeOf(metrics: readonly MetricVerdict[]): [number, number] {
  const ends = metrics.flatMap(({ ratio }) => (ratio === undefined ? [] : [ratio.low, ratio.high]));
  const widest = most(ends.map((end) => Math.abs(Math.log(end))));
  const half = Math.min(Math.log(1.6), Math.max(Math.log(1.3), widest * 1.05));
  return [Math.exp(-half), Math.exp(half)];
}

export function toneOf({ finding }: MetricVerdict): Tone {
  if (finding === 'REGRESSED') return 'bad';
  return finding === 'INCONCLUSIVE' ? 'unsure' : 'good';
}

export function percentOf(ratio: number): string {
  const change = 100 * (ratio - 1);
  return `${change >= 0 ? '+' : '\u2212'}${Math.abs(change).toFixed(1)} %`;
}

function timeScale(lines: readonly TimeLine[]): Scale {
  const [from, to] = timeSpan(lines);
  return linearScale([from, to], [PLOT.left, PLOT.right]);
}

function timeSpan(lines: readonly TimeLine[]): [number, number] {
  const windows = lines.flatMap((line) => line.windows);
  const from = least(windows.map(({ atMs }) => atMs));
  return [from, most(windows.map(({ atMs, lengthMs }) => atMs + lengthMs))];
}

function timeTicks(lines: readonly TimeLine[], x: Scale): string {
  const [from, to] = timeSpan(lines);
  const inMinutes = to > 300_000;
  const unitMs = inMinutes ? 60_000 : 1000;
  const steps = roundSteps(to / unitMs).filter((step) => step * unitMs >= from);
  return columnTicks(
    steps.map((step) => ({
      position: x(step * unitMs),
      label: `${showNumber(step)} ${inMinutes ? 'min' : 's'}`,
    })),
  );
}

/** Of the runs above one another, the part that counts in none. */
function warmupBand(lines: readonly TimeLine[], x: Scale): string {
  const end = Math.min(PLOT.right, x(least(lines.map(({ measureFromMs }) => measureFromMs))));
  if (end <= PLOT.left) return '';
  const box = { left: PLOT.left, top: PLOT.top, width: end - PLOT.left };
  return rectangle('warmup', { ...box, height: PLOT.bottom - PLOT.top });
}

/** In one group, so that those of several runs above one another are no darker than one. */
function faultBands(lines: readonly TimeLine[], x: Scale): string {
  const named = new Set<string>();
  const labels: string[] = [];
  const inside = (position: number): number => Math.min(PLOT.right, Math.max(PLOT.left, position));
  const bands = lines
    .flatMap(({ faults }) => faults)
    .map(({ name, atMs, endMs = atMs }) => {
      const left = inside(x(atMs));
      const right = Math.min(PLOT.right, Math.max(left + 2, x(endMs)));
      if (!named.has(name)) {
        const y = PLOT.top + 10 + 12 * named.size;
        labels.push(faultLabel(name, { left, right, y }));
        named.add(name);
      }
      const height = PLOT.bottom - PLOT.top;
      return rectangle('', { left, top: PLOT.top, width: right - left, height });
    });
  return `<g class="fault">${bands.join('')}</g>${labels.join('')}`;
}

/** Beside the band where there is most room, which may be within it. */
function faultLabel(
  name: string,
  { left, right, y }: { readonly left: number; readonly right: number; readonly y: number },
): string {
  const rooms = [
    { room: left - PLOT.left, x: left - 3, anchor: 'end' },
    { room: PLOT.right - right, x: right + 3, anchor: 'start' },
    { room: right - left, x: left + 3, anchor: 'start' },
  ];
  const [widest] = rooms.sort((a, b) => b.room - a.room);
  const place = `x="${at(widest?.x ?? left)}" y="${y}" text-anchor="${widest?.anchor ?? 'start'}"`;
  return `<text ${place}>${escapeMarkup(name)}</text>`;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function rectangle(look: string, { left, top, width, height }: Box): string {
  const attribute = look === '' ? '' : ` class="${look}"`;
  const size = `width="${at(Math.max(0, width))}" height="${at(Math.max(0, height))}"`;
  return `<rect${attribute} x="${at(left)}" y="${at(top)}" ${size}/>`;
}
