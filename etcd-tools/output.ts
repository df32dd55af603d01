// What a command found, in the three forms that it can be printed in. Pure.

/** As `--output` takes them. */
export const OUTPUT_FORMATS = ['table', 'json', 'prometheus'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Everything that JSON holds, and bigints, which are written as decimal text. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** One table with a heading, or plain lines. */
export type Block =
  | { readonly title: string; readonly columns: readonly string[]; readonly rows: readonly Row[] }
  | { readonly lines: readonly string[] };
type Row = readonly string[];

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | bigint;
}

/** A family of the Prometheus text format. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  /** A gauge by default. */
  readonly type?: 'counter';
  readonly samples: readonly Sample[];
}

/** One result in all three forms. */
export interface Answer {
  readonly blocks: readonly Block[];
  readonly json: Json;
  readonly metrics: readonly Metric[];
}

/** Ends with a line break. */
export function formatAnswer(answer: Answer, format: OutputFormat): string {
  switch (format) {
    case 'json':
      return `${stringify(answer.json)}\n`;
    case 'prometheus':
      return answer.metrics.map(formatMetric).join('');
    case 'table':
      return `${answer.blocks
        .map(formatBlock)
        .filter((text) => text !== '')
        .join('\n\n')}\n`;
  }
}

const MIB = 1024n * 1024n;

/** Binary, with one digit from 1 MiB on: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: bigint): string {
  if (bytes < 1024n) return `${bytes} B`;
  if (bytes < MIB) return `${bytes / 1024n} KiB`;
  const mib = Number(bytes) / Number(MIB);
  return mib < 1024 ? `${mib.toFixed(1)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/**
 * 64-bit numbers become text: a JSON number that is read into a double loses the last digits of ids
 * and revisions, and the reader is not told.
 */
function stringify(json: Json): string {
  const text = (_name: string, value: unknown): unknown =>
    typeof value === 'bigint' ? value.toString() : value;
  return JSON.stringify(json, text, 2);
}

function formatBlock(block: Block): string {
  if ('lines' in block) return block.lines.join('\n');
  if (block.rows.length === 0) return '';
  const widths = block.columns.map((column, index) =>
    Math.max(column.length, ...block.rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: Row): string =>
    widths
      .map((width, index) => (cells[index] ?? '').padEnd(width))
      .join('  ')
      .trimEnd();
  const heading = block.title === '' ? [] : [block.title];
  return [...heading, line(block.columns.map((column) => column.toUpperCase()))]
    .concat(block.rows.map(line))
    .join('\n');
}

function formatMetric({ name, help, type, samples }: Metric): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type ?? 'gauge'}`, ...lines, ''].join('\n');
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
