// The flags of the swarm.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { parseDuration } from '../../common/duration.ts';
import type { ClusterAccess } from '../kubeconfig.ts';
import { findResource, RESOURCE_NAMES } from './resource.ts';
import type { SwarmPlan } from './swarm.ts';

export const SWARM_HELP = `Watches as many informers do, and proves that no event is lost.

  node loadtests/swarm/main.ts --server https://HOST:PORT --ca FILE

  --server URL             of the apiserver, or of the door
  --ca FILE                its authority
  --token-file FILE        a bearer token; or --cert FILE and --key FILE
  --resource NAME          ${RESOURCE_NAMES.join('|')} (configmaps)
  --namespace NAME         where it is watched and written (default)
  --watchers N             how many (100)
  --connections M          over so many connections, at most 100 watchers on each (1 for each 100)
  --mode MODE              list-watch|watch-list (list-watch)
  --encoding NAME          json|protobuf (json)
  --selector KEY=VALUE,... watched by these labels, which the written objects get
  --duration TIME          measure for so long (30s)
  --watch-timeout TIME     the shortest that a watch is asked to last, at most twice as long (5m)
  --writes-per-second R    changes of its own objects (10)
  --objects N              of which it has so many (16)
  --select BY              how a watcher asks for its part: label|name|node (label); by name and by
                           node there is one object for each part, and by node it is a pod
  --hold                   watch, and measure from the first line of standard input
  --shards N               every watcher sees one of N parts of them, by label (1)

Example: node loadtests/swarm/main.ts --server https://127.0.0.1:6443 --ca ca.crt \\
           --token-file token --watchers 1000 --duration 1m

Results go to standard output, one JSON object a line, progress to standard error.
Exit codes: 0 done, whether it counts is said in the result; 1 failed; 2 called wrongly, or
no cluster.
`;

const FLAGS = {
  server: { type: 'string' },
  ca: { type: 'string' },
  'token-file': { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  resource: { type: 'string', default: 'configmaps' },
  namespace: { type: 'string', default: 'default' },
  watchers: { type: 'string', default: '100' },
  connections: { type: 'string' },
  mode: { type: 'string', default: 'list-watch' },
  encoding: { type: 'string', default: 'json' },
  selector: { type: 'string', default: '' },
  duration: { type: 'string', default: '30s' },
  'watch-timeout': { type: 'string', default: '5m' },
  'writes-per-second': { type: 'string', default: '10' },
  objects: { type: 'string', default: '16' },
  shards: { type: 'string', default: '1' },
  select: { type: 'string', default: 'label' },
  hold: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
  debug: { type: 'boolean' },
} as const;

/** SETTINGS_MAX_CONCURRENT_STREAMS of kube-apiserver (pkg/server/secure_serving.go). */
const STREAMS_PER_CONNECTION = 100;
const WATCHERS_MAX = 100_000;

export interface SwarmArguments extends SwarmPlan {
  /** Measuring begins with the first line of standard input. */
  readonly hold: boolean;
}

export function parseSwarm(argv: readonly string[]): SwarmArguments | 'help' {
  const { values } = usage(() => parseArgs({ args: [...argv], options: FLAGS }));
  if (values.help === true) return 'help';
  const resource = findResource(values.resource);
  if (resource === undefined) {
    const names = RESOURCE_NAMES.join(', ');
    throw new CommandError(`--resource: expected one of ${names}, got "${values.resource}"`);
  }
  const watchers = whole('--watchers', values.watchers);
  const needed = Math.ceil(watchers / STREAMS_PER_CONNECTION);
  const connections = whole('--connections', values.connections ?? String(needed));
  if (connections < needed) {
    throw new CommandError(
      `--connections: ${watchers} watchers need at least ${needed}, got "${connections}"`,
    );
  }
  const objects = whole('--objects', values.objects);
  const shards = whole('--shards', values.shards);
  if (shards > objects || shards > watchers) {
    throw new CommandError(`--shards: at most as many as objects and watchers, got "${shards}"`);
  }
  const select = oneOf('--select', ['label', 'name', 'node'], values.select);
  if (select !== 'label' && shards !== objects) {
    throw new CommandError(`--select ${select}: as many --shards as --objects, got "${shards}"`);
  }
  if (select === 'node' && resource.plural !== 'pods') {
    throw new CommandError(`--select node: only pods have one, got "${resource.plural}"`);
  }
  return {
    select,
    hold: values.hold,
    access: access(values),
    ...{ resource, namespace: values.namespace, watchers, connections, objects, shards },
    mode: oneOf('--mode', ['list-watch', 'watch-list'], values.mode),
    encoding: oneOf('--encoding', ['json', 'protobuf'], values.encoding),
    labels: labels(values.selector),
    durationMs: duration('--duration', values.duration),
    timeoutMs: duration('--watch-timeout', values['watch-timeout']),
    writesPerSecond: rate('--writes-per-second', values['writes-per-second']),
  };
}

function access(values: {
  readonly server?: string | undefined;
  readonly ca?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}): ClusterAccess {
  const { server = '', ca, cert, key, 'token-file': tokenFile } = values;
  if (!/^https:\/\/[^/]+$/.test(server)) {
    throw new CommandError(`--server: expected https://host:port, got "${server}"`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new CommandError('--cert and --key: one without the other');
  }
  return {
    server,
    ...(ca === undefined ? {} : { caPem: read('--ca', ca) }),
    ...(tokenFile === undefined ? {} : { token: read('--token-file', tokenFile).trim() }),
    ...(cert === undefined || key === undefined
      ? {}
      : { certificate: { certPem: read('--cert', cert), keyPem: read('--key', key) } }),
  };
}

function labels(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [, key, value] = /^([\w./-]+)==?([\w.-]*)$/.exec(part) ?? [];
    // Objects that match any other selector cannot be made from it.
    if (key === undefined || value === undefined) {
      throw new CommandError(`--selector: expected KEY=VALUE,..., got "${part}"`);
    }
    found[key] = value;
  }
  return found;
}

function oneOf<T extends string>(flag: string, known: readonly T[], text: string): T {
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  throw new CommandError(`${flag}: expected one of ${known.join(', ')}, got "${text}"`);
}

function duration(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000) return ms;
  throw new CommandError(`${flag}: expected a duration of at least 1s, such as 30s, got "${text}"`);
}

function rate(flag: string, text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0 && value <= 1000) return value;
  throw new CommandError(`${flag}: expected a number from 0 to 1000, got "${text}"`);
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && value <= WATCHERS_MAX) return value;
  throw new CommandError(`${flag}: expected a number from 1 to ${WATCHERS_MAX}, got "${text}"`);
}

function read(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CommandError(`${flag}: ${(cause as Error).message}`, { cause });
  }
}

function usage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}
