// A strict reader of Prometheus' text format 0.0.4 (prometheus/docs, exposition_formats.md): it
// throws where Prometheus would refuse a scrape, so that reading a text is already a test of it.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/y;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?Inf|NaN)$/i;
const SUFFIXES = /_(?:bucket|sum|count)$/;

export class Exposition {
  readonly samples: readonly Sample[];
  /** The type of each family. */
  readonly types: ReadonlyMap<string, string>;

  constructor(text: string) {
    if (!text.endsWith('\n')) throw new Error('the last line does not end');
    const types = new Map<string, string>();
    const samples = new Map<string, Sample>();
    for (const line of text.split('\n')) {
      if (line.startsWith('# TYPE ')) readType(line, types);
      if (line === '' || line.startsWith('#')) continue;
      const sample = readSample(line);
      if (!types.has(sample.name) && !types.has(sample.name.replace(SUFFIXES, ''))) {
        throw new Error(`no type before: ${line}`);
      }
      const key = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
      if (samples.has(key)) throw new Error(`twice: ${line}`);
      samples.set(key, sample);
    }
    this.types = types;
    this.samples = [...samples.values()];
  }

  /** The samples of a name that have all of these labels. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): Sample[] {
    return this.samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  }

  /** Their sum; undefined when there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const found = this.find(name, labels);
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }
}

function readType(line: string, types: Map<string, string>): void {
  const [, name, type] = TYPE.exec(line) ?? [];
  if (name === undefined || type === undefined) throw new Error(`not a type: ${line}`);
  if (types.has(name)) throw new Error(`two families: ${line}`);
  types.set(name, type);
}

function readSample(line: string): Sample {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined || !NUMBER.test(value)) throw new Error(`not a sample: ${line}`);
  const infinite = /inf/i.test(value);
  const sign = value.startsWith('-') ? -1 : 1;
  return {
    name,
    labels: readLabels(labels, line),
    value: infinite ? sign * Number.POSITIVE_INFINITY : Number(value),
  };
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '' || name in labels) throw new Error(`not labels: ${line}`);
    labels[name] = value.replace(/\\([\\n"])/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}
