// Prometheus' text format and OpenMetrics 1.0. A large text is written in slices, so that a scrape
// never holds up the watches that the same event loop carries.
import { type Family, type Series, strideOf } from './series-table.ts';

export type ExpositionFormat = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** A family whose samples come from elsewhere, each with its own name. */
export interface SampleFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
}

/** How long one slice may take; what comes between two slices is everybody else's turn. */
const SLICE_MS = 1;
/** The clock is read once in so many pieces, each of which may be a histogram of 26 lines. */
const PIECES_PER_LOOK = 10;

/**
 * The format that a scraper asks for. OpenMetrics only where it is named, and not liked less than the
 * plain text: `*` + `/*` is what browsers and curl send.
 */
export function chooseFormat(accept: string | undefined): ExpositionFormat {
  const wanted = new Map<string, number>();
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const version = parameters.find((parameter) => parameter.startsWith('version='));
    const readable = version === undefined || /^version="?1\./.test(version);
    if (type === 'application/openmetrics-text' && !readable) continue;
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const value = quality === undefined ? 1 : Number(quality) || 0;
    wanted.set(type, Math.max(value, wanted.get(type) ?? 0));
  }
  const openmetrics = wanted.get('application/openmetrics-text') ?? 0;
  return openmetrics > 0 && openmetrics >= (wanted.get('text/plain') ?? 0) ? 'openmetrics' : 'text';
}

/** Everything, as UTF-8. Each slice becomes bytes by itself: one long string would be made at once. */
export async function renderExposition(
  series: Iterable<Series>,
  others: Iterable<SampleFamily>,
  format: ExpositionFormat,
): Promise<Buffer> {
  const slices: Buffer[] = [];
  let text = '';
  let endsAtMs = performance.now() + SLICE_MS;
  let count = 0;
  for (const piece of pieces(series, others, format)) {
    text += piece;
    count += 1;
    if (count % PIECES_PER_LOOK !== 0 || performance.now() < endsAtMs) continue;
    slices.push(Buffer.from(text));
    text = '';
    await new Promise((resolve) => setImmediate(resolve));
    endsAtMs = performance.now() + SLICE_MS;
  }
  slices.push(Buffer.from(format === 'openmetrics' ? `${text}# EOF\n` : text));
  return slices.length === 1 ? (slices[0] ?? Buffer.alloc(0)) : Buffer.concat(slices);
}

/** Piece by piece; the samples of one row are one piece, because they have to fit together. */
function* pieces(
  series: Iterable<Series>,
  others: Iterable<SampleFamily>,
  format: ExpositionFormat,
): Generator<string> {
  for (const one of series) yield* familyPieces(one, format);
  for (const { name, help, type, samples } of others) {
    yield familyHead(name, help, type, format);
    for (const sample of samples) {
      const labels = sample.labels.map(([label, value]) => pair(label, value)).join(',');
      yield `${sample.name}${labels === '' ? '' : `{${labels}}`} ${numberText(sample.value)}\n`;
    }
  }
}

function familyHead(name: string, help: string, type: string, format: ExpositionFormat): string {
  // OpenMetrics names a counter's family without the suffix that its samples have.
  const shown = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  const escaped = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  const text = format === 'openmetrics' ? escaped.replace(/"/g, '\\"') : escaped;
  return `# HELP ${shown} ${text}\n# TYPE ${shown} ${type}\n`;
}

function* familyPieces(series: Series, format: ExpositionFormat): Generator<string> {
  const { family, rows } = series;
  yield familyHead(family.name, family.help, family.type, format);
  const write = family.type === 'histogram' ? histogramWriter(family) : plainWriter(family);
  const stride = strideOf(family);
  // By index, and from the table's present array: rows may come while others have their turn.
  for (let index = 0; index < rows.length; index += 1) {
    yield write(labelText(family, rows[index] ?? []), series.values, index * stride);
  }
}

type RowWriter = (labels: string, values: ArrayLike<number>, offset: number) => string;

function plainWriter({ name }: Family): RowWriter {
  return (labels, values, offset) =>
    `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(values[offset] ?? 0)}\n`;
}

/**
 * A bound is written as Go writes it, `1` and `1e+06`, in both formats, and not as OpenMetrics' `1.0`:
 * a label value is text, and the rules of kubernetes-mixin select kube-apiserver's `le="1"`.
 */
function histogramWriter({ name, bounds = [] }: Family): RowWriter {
  const ends = [...bounds.map((bound) => `le="${boundText(bound)}"} `), 'le="+Inf"} '];
  return (labels, values, offset) => {
    const begin = `${name}_bucket{${labels}${labels === '' ? '' : ','}`;
    let text = '';
    let count = 0;
    for (let i = 0; i < ends.length; i += 1) {
      count += values[offset + i] ?? 0;
      text += `${begin}${ends[i]}${count}\n`;
    }
    const braces = labels === '' ? '' : `{${labels}}`;
    const sum = numberText(values[offset + ends.length] ?? 0);
    return `${text}${name}_sum${braces} ${sum}\n${name}_count${braces} ${count}\n`;
  };
}

/** strconv.FormatFloat(bound, 'g', -1, 64). */
function boundText(bound: number): string {
  if (bound < 1e6 && (bound >= 1e-4 || bound === 0)) return String(bound);
  return bound.toExponential().replace(/([+-])(\d)$/, '$10$2');
}

function labelText({ labelNames }: Family, labels: readonly string[]): string {
  let text = '';
  for (let i = 0; i < labelNames.length; i += 1) {
    text += `${i === 0 ? '' : ','}${pair(labelNames[i] ?? '', labels[i] ?? '')}`;
  }
  return text;
}

function pair(name: string, value: string): string {
  return `${name}="${/["\\\n]/.test(value) ? escapeLabel(value) : value}"`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
