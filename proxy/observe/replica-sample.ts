// One line of a sample in Prometheus' text format: read where it has to be understood, and given a
// further label where it has not. Pure.
import { BRACE, ExpositionError, LINE_FEED, SPACE } from './replica-exposition.ts';

export interface Sample {
  readonly name: string;
  /** In the order of the line, values without their escapes. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** NaN where the text says so. */
  readonly value: number;
  /** What follows the value: nothing, or white space and a timestamp. */
  readonly rest: string;
}

/** The widest family of kube-apiserver's has eleven. */
const MAX_LABELS = 64;
const MAX_LABEL_NAME_LENGTH = 256;
const MAX_LABEL_VALUE_LENGTH = 4096;

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\\n]|\\.)*)"[ \t]*(,?)/y;
const VALUE = /[ \t]*(\S+)((?:[ \t]+-?\d+)?)[ \t]*$/y;
/** As Go's ParseFloat reads them; hexadecimal and underscores are nobody's metrics. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;

/**
 * Reads a line, without its line feed.
 * @throws ExpositionError for one that is malformed, or has labels beyond measure
 */
export function parseSample(line: string): Sample {
  NAME.lastIndex = 0;
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw malformed(line, 'has no name');
  let at = name.length;
  let labels: [string, string][] = [];
  const brace = /^[ \t]*\{/.exec(line.slice(at));
  if (brace !== null) {
    const read = parseLabels(line, at + brace[0].length);
    labels = read.labels;
    at = read.end;
  }
  VALUE.lastIndex = at;
  const [, text = '', rest = ''] = VALUE.exec(line) ?? [];
  const value = parseNumber(text);
  if (value === undefined) throw malformed(line, 'has no value');
  return { name, labels, value, rest };
}

function parseLabels(line: string, from: number): { labels: [string, string][]; end: number } {
  const labels: [string, string][] = [];
  let at = from;
  for (let more = true; more; ) {
    LABEL.lastIndex = at;
    const match = LABEL.exec(line);
    if (match === null) break;
    const [all, name = '', escaped = '', comma] = match;
    if (name.length > MAX_LABEL_NAME_LENGTH || escaped.length > MAX_LABEL_VALUE_LENGTH) {
      throw new ExpositionError('too_large', `a label is too long: ${line.slice(0, 80)}`);
    }
    if (labels.length >= MAX_LABELS) {
      throw new ExpositionError(
        'too_large',
        `more than ${MAX_LABELS} labels: ${line.slice(0, 80)}`,
      );
    }
    labels.push([name, unescapeValue(escaped)]);
    at += all.length;
    // A comma after the last one is allowed.
    more = comma === ',';
  }
  const end = /^[ \t]*\}/.exec(line.slice(at));
  if (end === null) throw malformed(line, 'has labels that do not end');
  return { labels, end: at + end[0].length };
}

function parseNumber(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  const infinite = INFINITE.exec(text);
  if (infinite !== null) {
    return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

function malformed(line: string, what: string): ExpositionError {
  return new ExpositionError('malformed', `a sample ${what}: ${line.slice(0, 80)}`);
}

/** Writes a line, with its line feed. */
export function formatSample({ name, labels, value, rest }: Sample): string {
  const list = labels.map(([label, text]) => `${label}="${escapeValue(text)}"`).join(',');
  return `${name}${list === '' ? '' : `{${list}}`} ${formatNumber(value)}${rest}\n`;
}

export function formatNumber(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

export function labelOf({ labels }: Pick<Sample, 'labels'>, name: string): string {
  return labels.find(([label]) => label === name)?.[1] ?? '';
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}

function unescapeValue(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(.)/g, (both, char) => {
    if (char === 'n') return '\n';
    return char === '\\' || char === '"' ? char : both;
  });
}

const REPLICA = 'replica';
const CLASH = Buffer.from(`${REPLICA}=`);
const COMMA = 0x2c;
const CLOSING_BRACE = 0x7d;

/** A label as it stands in a line. */
export function labelBytes(name: string, value: string): Buffer {
  return Buffer.from(`${name}="${escapeValue(value)}"`);
}

/**
 * Whole sample lines with a label in front of their others, all other bytes unchanged. A label
 * `replica` that is there already becomes `exported_replica`, as Prometheus names it.
 * @param label of the name `replica`, as `labelBytes` writes it
 */
export function withReplicaLabel(lines: Buffer, label: Buffer): Buffer {
  return insertLabel(lines.includes(CLASH) ? withoutClash(lines) : lines, label);
}

/** Only here lines are read and written anew, and only those that have the label. */
function withoutClash(lines: Buffer): Buffer {
  const out: Buffer[] = [];
  let end = 0;
  for (let start = 0; start < lines.length; start = end) {
    end = lines.indexOf(LINE_FEED, start) + 1;
    const line = lines.subarray(start, end);
    const sample = line.includes(CLASH) ? parseSample(line.toString().slice(0, -1)) : undefined;
    const taken = new Set(sample?.labels.map(([name]) => name));
    if (sample === undefined || !taken.has(REPLICA)) {
      out.push(line);
      continue;
    }
    let free = REPLICA;
    while (taken.has(free)) free = `exported_${free}`;
    const labels = sample.labels.map(
      ([name, value]) => [name === REPLICA ? free : name, value] as const,
    );
    out.push(Buffer.from(formatSample({ ...sample, labels })));
  }
  return Buffer.concat(out);
}

function insertLabel(lines: Buffer, label: Buffer): Buffer {
  // Two braces, or a comma, come with each label.
  const out = Buffer.allocUnsafe(lines.length + countLines(lines) * (label.length + 2));
  let length = 0;
  // Bytes since `from` have not been copied yet.
  let from = 0;
  for (let start = 0; start < lines.length; start = lines.indexOf(LINE_FEED, start) + 1) {
    const at = nameEnd(lines, start);
    const braced = lines[at] === BRACE;
    const until = braced ? at + 1 : at;
    length += lines.copy(out, length, from, until);
    from = until;
    if (!braced) out[length++] = BRACE;
    length += label.copy(out, length);
    if (!braced) out[length++] = CLOSING_BRACE;
    else if (lines[until] !== CLOSING_BRACE) out[length++] = COMMA;
  }
  length += lines.copy(out, length, from);
  return out.subarray(0, length);
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

function nameEnd(lines: Buffer, start: number): number {
  let at = start;
  // Up to a brace or white space; the parser has seen that one of them comes.
  while ((lines[at] ?? 0) > SPACE && lines[at] !== BRACE) at++;
  return at;
}
