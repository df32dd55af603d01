// The flags of `run` and `clean`: which cluster, as whom, and how hard.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { type ClusterAccess, readKubeconfig } from '../kubeconfig.ts';
import {
  LOCAL_FLAGS,
  LOCAL_HELP,
  type LocalShape,
  localFlagsAmong,
  parseLocal,
} from '../local/local-arguments.ts';
import { FAULT_NAMES, SCRAPED_COMPONENTS, type ScrapeTarget, type Site } from '../local/site.ts';
import { findSite } from '../local/site-socket.ts';
import { defaultFaults, parseFaults } from './planned-fault.ts';
import { PROFILES } from './profile.ts';
import type { RunPlan, RunTarget } from './run-suite.ts';

const CLUSTER_HELP = `  --kubeconfig FILE       cluster and credentials; or the next three
  --server URL            of the apiserver, or of the door
  --ca FILE               its authority
  --token-file FILE       a bearer token, also in place of the kubeconfig's
  --i-own-this-cluster    needed for a cluster that is not on this machine`;

/** Of all commands that run suites. */
export const LOAD_HELP = `  --profile NAME          ${Object.keys(PROFILES).join('|')} (smoke)
  --nodes N               simulated nodes, of which all rates are functions (100)
  --warmup SECONDS        load for so long before anything counts, whatever the profile says
  --duration SECONDS      measure for so long, whatever the profile says
  --seed N                kept in the result (1)`;

export const RUN_HELP = `Runs one suite and writes its result.

  evenkeel-load run SUITE

${CLUSTER_HELP}
  --scrape NAME=URL,...   where figures are read when several servers are behind one address;
                          NAME is ${SCRAPED_COMPONENTS.join(', ')}
  --etcd URL,...          of its etcd, without TLS, for suites that load it directly
  --local                 a control plane on this machine, for this run alone; with it:
${LOCAL_HELP}

${LOAD_HELP}
  --fault NAME@10s        ${FAULT_NAMES.join('|')},
                          so long after measuring has begun; --local or of evenkeel-load up
  --fault-command CMD@10s a shell command that does it and undoes it
  -o, --output FILE       where the result goes (standard output)

Example: evenkeel-load run kubelet-heartbeat --kubeconfig admin.yaml -o before.ndjson

Exit codes: 0 the run counts; 1 failed; 2 called wrongly, or no cluster; 3 the run does not count.
`;

export const CLEAN_HELP = `Removes everything that carries the label evenkeel.dev/load.

  evenkeel-load clean

${CLUSTER_HELP}
  --etcd URL,...          of its etcd, without TLS: what etcd-direct left there is removed too

Example: evenkeel-load clean --kubeconfig admin.yaml
`;

const CLUSTER_FLAGS = {
  kubeconfig: { type: 'string' },
  server: { type: 'string' },
  ca: { type: 'string' },
  'token-file': { type: 'string' },
  'i-own-this-cluster': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  debug: { type: 'boolean' },
} as const;

/** Of all commands that run suites. */
export const LOAD_FLAGS = {
  profile: { type: 'string' },
  nodes: { type: 'string' },
  warmup: { type: 'string' },
  duration: { type: 'string' },
  seed: { type: 'string' },
} as const;

const RUN_FLAGS = {
  ...CLUSTER_FLAGS,
  ...LOAD_FLAGS,
  ...LOCAL_FLAGS,
  local: { type: 'boolean' },
  scrape: { type: 'string' },
  etcd: { type: 'string' },
  fault: { type: 'string', multiple: true },
  'fault-command': { type: 'string', multiple: true },
  output: { type: 'string', short: 'o' },
} as const;

export interface ClusterArguments {
  readonly access: ClusterAccess;
  readonly owned: boolean;
}

/** A control plane that is still to be started. */
export interface LocalTarget {
  readonly local: LocalShape;
  readonly name: string;
}

export interface RunArguments {
  readonly plan: RunPlan;
  readonly on: (RunTarget & ClusterArguments) | LocalTarget;
  readonly output: string | undefined;
}

export function parseRun(argv: readonly string[]): RunArguments | 'help' {
  const { values, positionals } = usage(() =>
    parseArgs({ args: [...argv], options: RUN_FLAGS, allowPositionals: true }),
  );
  if (values.help === true) return 'help';
  const [suite, extra] = positionals;
  if (suite === undefined || extra !== undefined) {
    throw new CommandError('run: expected one SUITE (see evenkeel-load run --help)');
  }
  const plan = parsePlan(suite, values);
  const on = values.local === true ? parseLocalTarget(values) : parseTarget(values);
  const named = values.fault ?? [];
  if (named.length > 0 && 'access' in on && on.site === undefined) {
    throw new CommandError(
      '--fault: only on a control plane that is ours: give --local, or the kubeconfig of ' +
        'evenkeel-load up; for any other cluster there is --fault-command',
    );
  }
  const commands = values['fault-command'] ?? [];
  const { measureSeconds } = plan.profile;
  const given = parseFaults({ named, commands }, measureSeconds);
  const ours = !('access' in on) || on.site !== undefined;
  const faults = given.length > 0 ? given : defaultFaults(suite, measureSeconds, ours);
  return { plan: { ...plan, faults }, on, output: values.output };
}

interface LoadValues {
  readonly profile?: string | undefined;
  readonly nodes?: string | undefined;
  readonly warmup?: string | undefined;
  readonly duration?: string | undefined;
  readonly seed?: string | undefined;
}

/** Without faults. A CommandError that names the flag. */
export function parsePlan(suite: string, values: LoadValues): RunPlan {
  const { profile: profileName = 'smoke', warmup, duration, nodes = '100', seed = '1' } = values;
  const profile = PROFILES[profileName];
  if (profile === undefined) {
    const names = Object.keys(PROFILES).join(', ');
    throw new CommandError(`--profile: expected one of ${names}, got "${profileName}"`);
  }
  const seconds = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : whole(flag, text);
  return {
    suite,
    profileName,
    profile: {
      ...profile,
      warmupSeconds: seconds('--warmup', warmup, profile.warmupSeconds),
      measureSeconds: seconds('--duration', duration, profile.measureSeconds),
    },
    nodes: whole('--nodes', nodes) * profile.factor,
    seed: whole('--seed', seed),
    faults: [],
  };
}

type LocalValues = Parameters<typeof parseLocal>[0];

function parseLocalTarget(values: LocalValues & ClusterFlags): LocalTarget {
  if (values.kubeconfig !== undefined || values.server !== undefined) {
    throw new CommandError('--local starts a control plane: leave out --kubeconfig and --server');
  }
  const local = parseLocal(values);
  return { local, name: ['local', values.with, local.door && 'door'].filter(Boolean).join(' ') };
}

function parseTarget(
  values: LocalValues &
    ClusterFlags & { readonly scrape?: string | undefined; readonly etcd?: string | undefined },
): RunTarget & ClusterArguments {
  const [stray] = localFlagsAmong(values);
  if (stray !== undefined) throw new CommandError(`${stray}: only with --local`);
  const { kubeconfig, server, scrape } = values;
  return {
    ...cluster(values),
    // Not where it lies: results are handed on.
    name: kubeconfig === undefined ? (server ?? '') : basename(kubeconfig),
    site: kubeconfig === undefined ? undefined : findSite(kubeconfig),
    scrape: listOf(scrape).map(parseScrape),
    etcd: listOf(values.etcd).map(parseEtcd),
  };
}

function listOf(text = ''): string[] {
  return text.split(',').filter((part) => part !== '');
}

function parseEtcd(text: string): string {
  if (/^http:\/\/[^/]+$/.test(text)) return text;
  throw new CommandError(`--etcd: expected http://host:port, got "${text}"`);
}

function parseScrape(text: string, index: number): ScrapeTarget {
  const [, name = '', address = ''] = /^([a-z-]+)=(https?:\/\/[^/]+)\/?$/.exec(text) ?? [];
  const component = SCRAPED_COMPONENTS.find((known) => known === name);
  if (component === undefined) {
    const names = SCRAPED_COMPONENTS.join(', ');
    throw new CommandError(
      `--scrape: expected NAME=http(s)://host:port, NAME one of ${names}, got "${text}"`,
    );
  }
  return { component, instance: `${name} ${index + 1}`, url: `${address}/metrics` };
}

export interface CleanArguments extends ClusterArguments {
  readonly site: Site | undefined;
  readonly etcd: readonly string[];
}

export function parseClean(argv: readonly string[]): CleanArguments | 'help' {
  const options = { ...CLUSTER_FLAGS, etcd: RUN_FLAGS.etcd };
  const { values } = usage(() => parseArgs({ args: [...argv], options }));
  if (values.help === true) return 'help';
  const { kubeconfig } = values;
  return {
    ...cluster(values),
    site: kubeconfig === undefined ? undefined : findSite(kubeconfig),
    etcd: listOf(values.etcd).map(parseEtcd),
  };
}

interface ClusterFlags {
  readonly kubeconfig?: string | undefined;
  readonly server?: string | undefined;
  readonly ca?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly 'i-own-this-cluster'?: boolean | undefined;
}

function cluster(values: ClusterFlags): ClusterArguments {
  const { kubeconfig, server, ca } = values;
  if (kubeconfig === undefined && server === undefined) {
    throw new CommandError('which cluster? Give --kubeconfig FILE, or --server URL');
  }
  const tokenFile = values['token-file'];
  const access: ClusterAccess = {
    ...(kubeconfig === undefined ? {} : readKubeconfig(kubeconfig)),
    ...(ca === undefined ? {} : { caPem: read('--ca', ca) }),
    ...(tokenFile === undefined ? {} : { token: read('--token-file', tokenFile).trim() }),
    server: server ?? (kubeconfig === undefined ? '' : readKubeconfig(kubeconfig).server),
  };
  if (!/^https:\/\/[^/]+$/.test(access.server)) {
    throw new CommandError(`server: expected https://host:port, got "${access.server}"`);
  }
  return { access, owned: values['i-own-this-cluster'] === true };
}

function read(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CommandError(`${flag}: ${(cause as Error).message}`, { cause });
  }
}

function whole(flag: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CommandError(`${flag}: expected a whole number above 0, got "${text}"`);
}

function usage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}
