// Scales and frames of the charts. All are drawn for a width of 340 units, which a phone shows as
// they are, so that their letters stay readable.

export const CHART = { width: 340, height: 180, left: 46, right: 8, top: 10, bottom: 26 } as const;

export type Scale = (value: number) => number;

export const PLOT = {
  left: CHART.left,
  right: CHART.width - CHART.right,
  top: CHART.top,
  bottom: CHART.height - CHART.bottom,
} as const;

export function linearScale(
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const [from, to] = domain;
  const [start, end] = range;
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

export function logScale(
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const scale = linearScale([Math.log(domain[0]), Math.log(domain[1])], range);
  return (value) => scale(Math.log(Math.max(value, Number.MIN_VALUE)));
}

/** Whole powers of ten around the values, so that at least one step is shown. */
export function decadesAround(values: readonly number[]): [number, number] {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length === 0) return [1, 10];
  const low = 10 ** Math.floor(Math.log10(least(positive)));
  const high = 10 ** Math.ceil(Math.log10(most(positive)));
  return [low, high > low ? high : low * 10];
}

export function decades([low, high]: readonly [number, number]): number[] {
  const count = Math.round(Math.log10(high / low));
  return Array.from({ length: count + 1 }, (_, index) => low * 10 ** index);
}

// Not with spread: a soak has more windows than a call may have arguments.
export function most(values: readonly number[]): number {
  return values.reduce((highest, value) => Math.max(highest, value), -Infinity);
}

export function least(values: readonly number[]): number {
  return values.reduce((lowest, value) => Math.min(lowest, value), Infinity);
}

/** At most six round steps from 0. */
export function roundSteps(high: number): number[] {
  const rough = (high || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough) ?? rough;
  const count = Math.floor(high / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

export function at(value: number): string {
  return String(Number(value.toFixed(1)));
}

export function frame(label: string, parts: readonly string[]): string {
  const box = `0 0 ${CHART.width} ${CHART.height}`;
  return `<svg viewBox="${box}" role="img" aria-label="${label}">${parts.join('')}</svg>`;
}

export interface Tick {
  readonly position: number;
  readonly label: string;
}

/** Lines across with their values at the left. */
export function rowTicks(ticks: readonly Tick[]): string {
  return ticks
    .map(({ position, label }) => {
      const y = at(position);
      const line = `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y}" y2="${y}"/>`;
      return `${line}<text x="${PLOT.left - 5}" y="${at(position + 4)}" text-anchor="end">${label}</text>`;
    })
    .join('');
}

/** Values below the plot. */
export function columnTicks(ticks: readonly Tick[]): string {
  return ticks
    .map(({ position, label }) => {
      const anchor = position > PLOT.right - 12 ? 'end' : 'middle';
      const x = at(position);
      const line = `<line class="grid" x1="${x}" x2="${x}" y1="${PLOT.top}" y2="${PLOT.bottom}"/>`;
      return `${line}<text x="${x}" y="${PLOT.bottom + 16}" text-anchor="${anchor}">${label}</text>`;
    })
    .join('');
}

/** @param color `a` for the baseline, `b` for the candidate */
export function polyline(points: readonly (readonly [number, number])[], color: 'a' | 'b'): string {
  const [only, second] = points;
  if (only === undefined) return '';
  // A line of one point has no length, and would not be seen.
  if (second === undefined) {
    return `<circle class="dot-${color}" cx="${at(only[0])}" cy="${at(only[1])}" r="2.5"/>`;
  }
  const list = points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ');
  return `<polyline class="${color}" stroke-width="1.6" points="${list}"/>`;
}
