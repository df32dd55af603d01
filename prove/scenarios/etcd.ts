import { CommandError } from '../../common/command.ts';
import { missingEtcdVersions } from '../../tools/etcd-member.ts';
import { measureCrashes, measureStalePermissions } from '../etcd/crash-divergence.ts';
import { measureHealthyRounds } from '../etcd/healthy-rounds.ts';
import { measureDivergenceUnderLoad, measureIdleDivergence } from '../etcd/known-divergence.ts';
import { measureLookingCosts } from '../etcd/looking-costs.ts';
import { measureRandomFaults } from '../etcd/random-fault-rows.ts';
import { measureLateFollowers } from '../etcd/slow-follower.ts';
import { measureUpgrade } from '../etcd/upgrade.ts';
import { notRun, type Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

interface Part {
  readonly name: string;
  /** Stands in its row when it could not be run. */
  readonly what: string;
  /** Of etcd, that it needs. */
  readonly versions: readonly string[];
  readonly run: (context: ScenarioContext) => Promise<readonly Row[]>;
}

const HEALTHY_ROUNDS = { full: 500, quick: 60 } as const;
const CRASHES = {
  full: { affectedMs: 600_000, soundMs: 60_000 },
  quick: { affectedMs: 60_000, soundMs: 20_000 },
} as const;
const FAULT_MINUTES = { full: 3, quick: 1 } as const;
const MAX_SEED = 2 ** 31;

const PARTS: readonly Part[] = [
  {
    name: 'idle',
    what: '#18667, idle',
    versions: ['3.5.33', '3.6.14', '3.7.3'],
    run: measureIdleDivergence,
  },
  {
    name: 'loaded',
    what: '#18667 under load',
    versions: ['3.5.33', '3.6.14'],
    run: measureDivergenceUnderLoad,
  },
  {
    name: 'healthy',
    what: 'healthy clusters of 3 and 5 members',
    versions: ['3.5.33', '3.6.14'],
    run: (context) => measureHealthyRounds(context, HEALTHY_ROUNDS[patience(context)]),
  },
  {
    name: 'late',
    what: 'a follower paused for 20 s, and a slow one',
    versions: ['3.6.14'],
    run: measureLateFollowers,
  },
  { name: 'looking', what: 'what looking costs', versions: ['3.6.14'], run: measureLookingCosts },
  {
    name: 'permissions',
    what: '#14571',
    versions: ['3.5.5', '3.5.33'],
    run: measureStalePermissions,
  },
  {
    name: 'upgrade',
    what: 'upgrade 3.4.23 > 3.5.33 > 3.6.14 > 3.7.3 under writes',
    versions: ['3.4.23', '3.5.33', '3.6.14', '3.7.3'],
    run: measureUpgrade,
  },
  {
    name: 'faults',
    what: 'random faults',
    versions: ['3.5.33', '3.6.14'],
    run: (context) => {
      const { seed = Math.floor(Math.random() * MAX_SEED), minutes } = context.options;
      return measureRandomFaults(context, {
        seed,
        minutes: minutes ?? FAULT_MINUTES[patience(context)],
      });
    },
  },
  // The last one, since it may take ten minutes.
  {
    name: 'crashes',
    what: '#13766',
    versions: ['3.5.2', '3.5.33'],
    run: (context) => measureCrashes(context, CRASHES[patience(context)]),
  },
];

function patience({ options }: ScenarioContext): 'full' | 'quick' {
  return options.quick === true ? 'quick' : 'full';
}

async function measureEtcd(context: ScenarioContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const part of chooseParts(context.options.part)) {
    context.signal.throwIfAborted();
    context.say(`part ${part.name}: ${part.what}`);
    rows.push(...(await runPart(part, context)));
  }
  return rows;
}

function chooseParts(name: string | undefined): readonly Part[] {
  if (name === undefined) return PARTS;
  const chosen = PARTS.filter((part) => part.name === name);
  if (chosen.length > 0) return chosen;
  const names = PARTS.map((part) => part.name).join(', ');
  throw new CommandError(`no part "${name}" of etcd; there are: ${names}`);
}

/** What fails in one part says nothing of the others. */
async function runPart({ what, versions, run }: Part, context: ScenarioContext) {
  const missing = missingEtcdVersions(versions);
  if (missing.length > 0) return [notRun(what, 'all of it', `no etcd ${missing.join(', ')}`)];
  try {
    return await run(context);
  } catch (error) {
    context.signal.throwIfAborted();
    return [notRun(what, 'all of it', error instanceof Error ? error.message : String(error))];
  }
}

/** Members that diverge, lag, crash and are upgraded, and what evenkeel-etcd says of them. */
export const etcd: Scenario = {
  name: 'etcd',
  title: 'a member that has diverged is found at once, a healthy one is never accused',
  takes: ['part', 'seed', 'minutes', 'quick'],
  run: measureEtcd,
};
