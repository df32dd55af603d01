// Prometheus' text format, as far as kube-apiserver, etcd and evenkeel write it: no time stamps, no
// exemplars. A kube-apiserver writes megabytes of it, so what nobody asks for is not parsed.

/** One series, with its value at a time. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Name and labels as they stood there: the same for the same series of one process. */
  readonly key: string;
  readonly value: number;
}

/** The samples of the series called one of `names`. */
export function parsePrometheusText(text: string, names: ReadonlySet<string>): Sample[] {
  return text.split('\n').flatMap((line) => {
    const nameEnd = line.search(/[{ ]/);
    const name = line.slice(0, nameEnd);
    if (!names.has(name)) return [];
    const valueAt = line.lastIndexOf(' ');
    const key = line.slice(0, valueAt);
    return [{ name, key, labels: parseLabels(key), value: Number(line.slice(valueAt + 1)) }];
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n' };

function parseLabels(key: string): Record<string, string> {
  const pairs = key.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(
    [...pairs].map(([, label = '', text = '']) => [
      label,
      text.replace(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped),
    ]),
  );
}
