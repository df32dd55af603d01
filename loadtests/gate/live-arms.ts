// Arms that are run on the spot: two versions on this machine, with and without the door, or two
// clusters. How they alternate is in run-arms.ts.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { type ClusterAccess, readKubeconfig } from '../kubeconfig.ts';
import { LOCAL_FLAGS, type LocalShape, parseLocal } from '../local/local-arguments.ts';
import { startLocalCluster } from '../local/local-cluster.ts';
import { parseVersion } from '../local/versions.ts';
import { formatResultLine } from '../result.ts';
import { requireOwnCluster } from '../run/cluster.ts';
import type { Terminal } from '../run/progress.ts';
import { LOAD_FLAGS, parsePlan } from '../run/run-arguments.ts';
import { checkRunnable, type RunOutcome, type RunPlan, runSuite } from '../run/run-suite.ts';
import type { Arms } from './arms.ts';
import { runArms } from './run-arms.ts';

// With fewer than 7 no p value of a suite's thirty metrics stays below 0.05 after Holm's correction
// (2 / C(14, 7) * 30 = 0.017), and an even number meets what drifts with time evenly.
const DEFAULT_PAIRS = 8;
const MAX_PAIRS = 100;

/** Without `with`: here the two arms say which versions. */
export const LIVE_FLAGS = {
  ...LOAD_FLAGS,
  replicas: LOCAL_FLAGS.replicas,
  'etcd-members': LOCAL_FLAGS['etcd-members'],
  door: LOCAL_FLAGS.door,
  versions: { type: 'string' },
  'direct-vs-door': { type: 'boolean' },
  kubeconfigs: { type: 'string' },
  'i-own-this-cluster': { type: 'boolean' },
  suite: { type: 'string' },
  pairs: { type: 'string' },
  keep: { type: 'string' },
} as const;

type LiveValues = {
  readonly [K in keyof typeof LIVE_FLAGS]?:
    | ((typeof LIVE_FLAGS)[K]['type'] extends 'boolean' ? boolean : string)
    | undefined;
};

/** Where one arm runs. */
type ArmTarget = { readonly local: LocalShape } | { readonly access: ClusterAccess };

export interface LiveArguments {
  readonly plan: RunPlan;
  readonly pairs: number;
  readonly names: readonly [baseline: string, candidate: string];
  readonly targets: ReadonlyMap<string, ArmTarget>;
  /** Folder in which the results stay; undefined when they go. */
  readonly keep: string | undefined;
}

/** Undefined where no arms are to be run: two arms of saved results are what is compared then. */
export function parseLive(values: LiveValues): LiveArguments | undefined {
  const modes = ['versions', 'direct-vs-door', 'kubeconfigs'] as const;
  const [mode, other] = modes.filter((name) => values[name] !== undefined);
  if (mode === undefined) {
    const names = Object.keys(LIVE_FLAGS) as (keyof LiveValues)[];
    const stray = names.find((name) => values[name] !== undefined);
    if (stray === undefined) return undefined;
    const known = modes.map((name) => `--${name}`).join(', ');
    throw new CommandError(`--${stray}: only for arms that are run: with one of ${known}`);
  }
  if (other !== undefined) throw new CommandError(`--${mode} and --${other}: give one of them`);
  const { suite, keep, pairs = String(DEFAULT_PAIRS) } = values;
  if (suite === undefined) throw new CommandError(`--${mode}: which suite? Give --suite NAME`);
  if (!(/^[1-9]\d*$/.test(pairs) && Number(pairs) <= MAX_PAIRS)) {
    throw new CommandError(`--pairs: expected a number from 1 to ${MAX_PAIRS}, got "${pairs}"`);
  }
  const plan = parsePlan(suite, values);
  checkRunnable(plan);
  const arms = armsOf(mode, values);
  const [[baseline], [candidate]] = arms;
  const names = [baseline, candidate] as const;
  return { plan, pairs: Number(pairs), names, targets: new Map(arms), keep };
}

type Arm = readonly [name: string, target: ArmTarget];

function armsOf(
  mode: 'versions' | 'direct-vs-door' | 'kubeconfigs',
  values: LiveValues,
): readonly [Arm, Arm] {
  if (mode === 'direct-vs-door') {
    if (values.door === true)
      throw new CommandError('--direct-vs-door: one arm has the door anyway');
    // A client without a door has one apiserver: with more behind the door, the two arms would
    // differ in how many do the work, too.
    const local = parseLocal({ ...values, replicas: values.replicas ?? '1' });
    return [
      ['direct', { local }],
      ['door', { local: { ...local, door: true } }],
    ];
  }
  const text = values[mode] ?? '';
  const [first, second, third] = text.split(',').map((part) => part.trim());
  if (!first || !second || third !== undefined) {
    throw new CommandError(`--${mode}: expected two, separated by a comma, got "${text}"`);
  }
  const arm = (name: string): Arm => {
    if (mode === 'versions')
      return [name, { local: { ...parseLocal(values), ...parseVersion(name) } }];
    const access = readKubeconfig(name);
    requireOwnCluster(access, values['i-own-this-cluster'] === true);
    return [name, { access }];
  };
  return [arm(first), arm(second)];
}

/** Runs both arms, each run of a local one on an empty store. */
export async function runLive(
  { plan, pairs, names, targets, keep }: LiveArguments,
  signal: AbortSignal,
  stderr: Terminal,
): Promise<Arms> {
  const directory = keep ?? (await mkdtemp(join(tmpdir(), 'evenkeel-gate-')));
  await mkdir(directory, { recursive: true });
  // Not by target and index: an arm against itself is how a gate is tried out.
  let written = 0;
  try {
    return await runArms({
      baseline: names[0],
      candidate: names[1],
      pairs,
      signal,
      onProgress: (run, runs, name) => stderr.write(`run ${run} of ${runs}: ${basename(name)}\n`),
      runArm: async (name) => {
        const target = targets.get(name);
        if (target === undefined) throw new Error(`no arm is called ${name}`);
        const { lines } = await runOn(plan, name, target, { signal, stderr });
        written += 1;
        const number = String(written).padStart(3, '0');
        const file = `${number}-${basename(name).replaceAll(/[^\w.-]+/g, '-')}.ndjson`;
        const path = join(directory, file);
        await writeFile(path, lines.map(formatResultLine).join(''));
        return path;
      },
    });
  } finally {
    if (keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}

async function runOn(
  plan: RunPlan,
  name: string,
  target: ArmTarget,
  context: { readonly signal: AbortSignal; readonly stderr: Terminal },
): Promise<RunOutcome> {
  if ('access' in target) {
    const at = {
      access: target.access,
      name: basename(name),
      site: undefined,
      scrape: [],
      etcd: [],
    };
    return await runSuite(plan, at, context);
  }
  const log = (): void => undefined;
  const site = await startLocalCluster({ ...target.local, signal: context.signal, log });
  try {
    const access = readKubeconfig(site.kubeconfig);
    return await runSuite(plan, { access, name, site, scrape: [], etcd: [] }, context);
  } finally {
    await site.stop();
  }
}
