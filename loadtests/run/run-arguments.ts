// The flags of `run` and `clean`: which cluster, as whom, and how hard.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { type ClusterAccess, readKubeconfig } from '../kubeconfig.ts';
import { PROFILES, type Profile } from './profile.ts';

const CLUSTER_HELP = `  --kubeconfig FILE       cluster and credentials; or the next three
  --server URL            of the apiserver, or of the door
  --ca FILE               its authority
  --token-file FILE       a bearer token, also in place of the kubeconfig's
  --i-own-this-cluster    needed for a cluster that is not on this machine`;

export const RUN_HELP = `Runs one suite and writes its result.

  evenkeel-load run SUITE

${CLUSTER_HELP}
  --profile NAME          ${Object.keys(PROFILES).join('|')} (smoke)
  --nodes N               simulated nodes, of which all rates are functions (100)
  --duration SECONDS      measure for so long, whatever the profile says
  --seed N                kept in the result (1)
  -o, --output FILE       where the result goes (standard output)

Example: evenkeel-load run kubelet-heartbeat --kubeconfig admin.yaml -o before.ndjson

Exit codes: 0 the run counts; 1 failed; 2 called wrongly, or no cluster; 3 the run does not count.
`;

export const CLEAN_HELP = `Removes everything that carries the label evenkeel.dev/load.

  evenkeel-load clean

${CLUSTER_HELP}

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

const RUN_FLAGS = {
  ...CLUSTER_FLAGS,
  profile: { type: 'string', default: 'smoke' },
  nodes: { type: 'string', default: '100' },
  duration: { type: 'string' },
  seed: { type: 'string', default: '1' },
  output: { type: 'string', short: 'o' },
} as const;

export interface ClusterArguments {
  readonly access: ClusterAccess;
  readonly owned: boolean;
}

export interface RunArguments extends ClusterArguments {
  readonly suite: string;
  readonly profileName: string;
  readonly profile: Profile;
  /** With the profile's factor. */
  readonly nodes: number;
  readonly seed: number;
  readonly target: string;
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
  const profile = PROFILES[values.profile];
  if (profile === undefined) {
    const names = Object.keys(PROFILES).join(', ');
    throw new CommandError(`--profile: expected one of ${names}, got "${values.profile}"`);
  }
  const { duration } = values;
  const measureSeconds =
    duration === undefined ? profile.measureSeconds : whole('--duration', duration);
  return {
    ...cluster(values),
    suite,
    profileName: values.profile,
    profile: { ...profile, measureSeconds },
    nodes: whole('--nodes', values.nodes) * profile.factor,
    seed: whole('--seed', values.seed),
    // Not where it lies: results are handed on.
    target: values.kubeconfig === undefined ? (values.server ?? '') : basename(values.kubeconfig),
    output: values.output,
  };
}

export function parseClean(argv: readonly string[]): ClusterArguments | 'help' {
  const { values } = usage(() => parseArgs({ args: [...argv], options: CLUSTER_FLAGS }));
  return values.help === true ? 'help' : cluster(values);
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
