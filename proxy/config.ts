import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { formatDuration } from '../common/duration.ts';
import { ConfigError, nearest, showValue } from './config-error.ts';
import { type KeyPair, type ReadFile, readAuthorities, readKeyPair } from './config-pem.ts';
import {
  type ConfigProblem,
  type ConfigValues,
  checkValues,
  configJsonSchema,
} from './config-schema.ts';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

type Values = DeepReadonly<ConfigValues>;
type Paths = 'ca' | 'certificate' | 'clientCA' | 'key';

/** A checked configuration: base units, files read. It holds private keys, so it is never logged. */
export interface Config extends Omit<Values, 'listen' | 'identity' | 'frontProxy' | 'upstream'> {
  readonly listen: Omit<Values['listen'], Paths> & KeyPair;
  readonly identity: Omit<Values['identity'], Paths> & {
    /** Without it no client certificate is asked for. */
    readonly clientCaPem: string | undefined;
  };
  readonly frontProxy: (Omit<NonNullable<Values['frontProxy']>, Paths> & KeyPair) | undefined;
  readonly upstream: Omit<Values['upstream'], Paths> & { readonly caPem: string };
  /** The files that were read, to be watched for changes. */
  readonly files: readonly string[];
}

/**
 * Reads and checks a configuration file; paths in it are relative to its folder. Throws a
 * ConfigError whose message is one line and begins with the file's name.
 */
export function loadConfig(file: string): Config {
  const folder = dirname(file);
  const files = [resolve(file)];
  function readBeside(path: string): string {
    const absolute = resolve(folder, path);
    files.push(absolute);
    return readFileSync(absolute, 'utf8');
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause;
    throw new ConfigError(`${file}: cannot read the configuration file (${String(code)})`, {
      cause,
    });
  }
  try {
    return { ...parseConfig(text, readBeside), files };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${file}: ${error.message}`, { cause: error });
  }
}

/** The same for a text, with the files that it names read through `readFile`. */
export function parseConfig(text: string, readFile: ReadFile, now = new Date()): Config {
  const result = checkValues(expandEndpoints(parseYaml(text)));
  if ('problem' in result) throw new ConfigError(describeProblem(result.problem));
  const values = result.values;
  checkTogether(values);

  const { certificate, key, ...listen } = values.listen;
  const { clientCA, ...identity } = values.identity;
  const { ca, ...upstream } = values.upstream;
  return {
    ...values,
    listen: {
      ...listen,
      ...readKeyPair('listen', { certificate, key }, { purpose: 'server', readFile, now }),
    },
    identity: {
      ...identity,
      clientCaPem:
        clientCA === undefined
          ? undefined
          : readAuthorities('identity.clientCA', clientCA, readFile, now),
    },
    frontProxy: readFrontProxy(values.frontProxy, readFile, now),
    upstream: { ...upstream, caPem: readAuthorities('upstream.ca', ca, readFile, now) },
    files: [],
  };
}

function readFrontProxy(
  values: ConfigValues['frontProxy'],
  readFile: ReadFile,
  now: Date,
): Config['frontProxy'] {
  if (values === undefined) return undefined;
  const { certificate, key, ...rest } = values;
  const options = { purpose: 'client', readFile, now } as const;
  return { ...rest, ...readKeyPair('frontProxy', { certificate, key }, options) };
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split('\n').length;
    const [summary = ''] = error.message.split('\n');
    throw new ConfigError(`line ${line}: not YAML: ${summary}`, { cause: error });
  }
  return document.toJS() ?? {};
}

/** An endpoint may be written as its address alone. */
function expandEndpoints(input: unknown): unknown {
  if (!isRecord(input) || !isRecord(input.upstream)) return input;
  const { endpoints } = input.upstream;
  if (!Array.isArray(endpoints)) return input;
  const expanded = endpoints.map((entry) => (typeof entry === 'string' ? { url: entry } : entry));
  return { ...input, upstream: { ...input.upstream, endpoints: expanded } };
}

/** What one key alone cannot show. */
function checkTogether(values: ConfigValues): void {
  const { identity, frontProxy, upstream, balancing, drain, watches, admin } = values;
  if (identity.clientCA !== undefined && frontProxy === undefined) {
    throw new ConfigError(
      'frontProxy: missing, but identity.clientCA is set; give the certificate and key by which ' +
        'the apiservers believe the X-Remote-* headers (their --requestheader-client-ca-file)',
    );
  }
  checkUnique(upstream.endpoints.map(({ name }) => name));
  checkUnique(upstream.endpoints.map(({ host, port }) => `${host}:${port}`));
  checkOrder('balancing.outlier', balancing.outlier, 'baseEjection', 'maxEjection');
  checkOrder('watches', watches, 'pingAfter', 'suspectAfter');
  checkOrder('watches', watches, 'suspectAfter', 'deadAfter');
  checkOrder('admin.replicaMetrics', admin.replicaMetrics, 'timeout', 'interval');
  checkOrder('drain', drain, 'watchSpread', 'timeout');
}

function checkUnique(words: readonly string[]): void {
  const twice = words.find((word, at) => words.indexOf(word) !== at);
  if (twice === undefined) return;
  throw new ConfigError(`upstream.endpoints: ${showValue(twice)} stands twice; once is enough`);
}

function checkOrder<Small extends string, Large extends string>(
  section: string,
  values: Readonly<Record<`${Small}Ms` | `${Large}Ms`, number>>,
  small: Small,
  large: Large,
): void {
  const smallMs = values[`${small}Ms`];
  const largeMs = values[`${large}Ms`];
  if (smallMs <= largeMs) return;
  throw new ConfigError(
    `${section}.${small}: ${formatDuration(smallMs)} is longer than ` +
      `${section}.${large} (${formatDuration(largeMs)})`,
  );
}

function describeProblem({ path, message, unknownKey }: ConfigProblem): string {
  const where = writePath(path);
  if (unknownKey === undefined) return where === '' ? message : `${where}: ${message}`;
  const full = writePath([...path, unknownKey]);
  const known = keysAt(path);
  const hint = nearest(unknownKey, known);
  if (hint !== undefined) return `${full}: unknown key, did you mean ${showValue(hint)}?`;
  return `${full}: unknown key, expected one of ${known.join(', ')}`;
}

function writePath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

/** The keys that may stand at a path of the file. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let node: unknown = configJsonSchema();
  for (const part of path) {
    if (!isRecord(node)) return [];
    if (typeof part === 'number') node = node.items;
    else node = isRecord(node.properties) ? node.properties[String(part)] : undefined;
  }
  return isRecord(node) && isRecord(node.properties) ? Object.keys(node.properties) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
