// A rolling upgrade of a real cluster over three minor releases under load, driven by nothing but
// the exit codes of preflight, gate and postcheck.
import { join } from 'node:path';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import { type EtcdMember, missingEtcdVersions } from '../../tools/etcd-member.ts';
import { atLeast, holds, measured, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { type CheckRun, reasonOf, runCheck } from './evenkeel-etcd.ts';
import { findDamage, underLoad, withCluster } from './site.ts';
import { measureWrongMoves, refusal } from './wrong-moves.ts';

const FROM = '3.4.23';
const HOPS = ['3.5.33', '3.6.14', '3.7.3'] as const;
const PUTS_PER_SECOND = 200;
// Etcd hands leadership over and members restart; two in ten puts may come late, not more.
const MIN_ACKNOWLEDGED_PER_SECOND = 160;
// GET /health at a member of 3.4, which the harness waits for, is an entry of the v2 API in the log,
// and a member of 3.6 does not start while it has to read one (etcd issue 20870). A snapshot that a
// member of 3.5 makes leaves them behind; after the default of 100,000 entries it would be late.
const SNAPSHOT_COUNT = 1000;
const WHAT = `upgrade ${[FROM, ...HOPS].join(' > ')}`;

/** Rows of the upgrade, and of each wrong move. */
export async function measureUpgrade(context: ScenarioContext): Promise<Row[]> {
  const missing = missingEtcdVersions([FROM, ...HOPS, '3.5.5']);
  if (missing.length > 0) return [notRun(WHAT, '0 lost', `no etcd ${missing.join(', ')}`)];
  const rows = await withCluster(
    context,
    { version: FROM, snapshotCount: SNAPSHOT_COUNT },
    (cluster) => upgradeUnderLoad(context, cluster),
  );
  return [...rows, ...(await measureWrongMoves(context))];
}

async function upgradeUnderLoad(context: ScenarioContext, cluster: EtcdCluster): Promise<Row[]> {
  const startedAtMs = performance.now();
  const upgrade = new Upgrade(context, cluster);
  const { load } = await underLoad(cluster, { putsPerSecond: PUTS_PER_SECOND }, () =>
    upgrade.run(),
  );
  const seconds = (performance.now() - startedAtMs) / 1000;
  const versions = [...(await cluster.statuses()).values()].map(({ version }) => version);
  const damage = await findDamage(cluster, load.records);
  const target = HOPS.at(-1) ?? '';
  return [
    holds(
      `${WHAT}: every check passed`,
      '0 shut',
      upgrade.shut.length === 0 ? `${upgrade.passed} passed` : upgrade.shut.join('; '),
      upgrade.shut.length === 0,
    ),
    holds(
      `${WHAT}: members`,
      `3 x ${target}`,
      versions.join(', '),
      versions.length === 3 && versions.every((version) => version === target),
    ),
    holds(
      `${WHAT}: acknowledged writes lost`,
      '0',
      damage.length === 0 ? '0' : damage.join('; '),
      damage.length === 0,
    ),
    atLeast(
      {
        what: `${WHAT}: writes acknowledged`,
        value: Math.round(load.acknowledgedPerSecond),
        unit: '/s',
      },
      MIN_ACKNOWLEDGED_PER_SECOND,
    ),
    measured({ what: `${WHAT}: took`, value: Math.round(seconds), unit: 's' }),
    ...upgrade.refusals,
  ];
}

/** One run; stops at the first check that does not pass, as an operator would. */
class Upgrade {
  readonly refusals: Row[] = [];
  readonly shut: string[] = [];
  passed = 0;
  readonly #context: ScenarioContext;
  readonly #cluster: EtcdCluster;

  constructor(context: ScenarioContext, cluster: EtcdCluster) {
    this.#context = context;
    this.#cluster = cluster;
  }

  async run(): Promise<void> {
    await this.#refuse('a minor skipped', ['preflight', '--to', '3.6.14'], 'path');
    await this.#refuse('landing on 3.5.5', ['preflight', '--to', '3.5.5'], 'landing');
    for (const target of HOPS) {
      if (!(await this.#hop(target))) return;
    }
  }

  /** False when a check did not pass. */
  async #hop(target: string): Promise<boolean> {
    this.#context.say(`to ${target}`);
    const file = join(this.#context.directory, `before-${target}.db`);
    const to = ['--to', target];
    if (!(await this.#check(['snapshot', '--out', file]))) return false;
    const before = await this.#check(['preflight', ...to, '--observe', '5s', '--snapshot', file]);
    if (before === undefined) return false;
    const leader = await this.#cluster.leader();
    const followers = this.#cluster.members.filter((member) => member !== leader);
    await this.#refuse(`leader first, to ${target}`, gateArgs(leader, target), 'leader-last');
    for (const [index, member] of followers.entries()) {
      const next = followers[index + 1];
      if (!(await this.#replace(member, target, next))) return false;
    }
    await this.#refuse(`leader not moved, to ${target}`, gateArgs(leader, target), 'leader-last');
    const [heir] = followers;
    if (heir !== undefined) await this.#cluster.moveLeader(heir);
    if (!(await this.#replace(leader, target, undefined))) return false;
    const { revision } = before.facts;
    const numbers = ['--min-revision', revision ?? '0'];
    const after = ['postcheck', ...to, ...numbers, '--hash', '--wait', '60s'];
    return (await this.#check(after)) !== undefined;
  }

  /** `next` is whoever must not be stopped meanwhile. */
  async #replace(
    member: EtcdMember,
    target: string,
    next: EtcdMember | undefined,
  ): Promise<boolean> {
    if (!(await this.#check([...gateArgs(member, target), '--wait', '30s']))) return false;
    this.#context.say(`${member.name}: ${member.version} to ${target}`);
    await member.terminate();
    // The same in each hop; once is enough to see it.
    if (next !== undefined && target === HOPS[0]) {
      await this.#refuse('two members at once', gateArgs(next, target), 'one-at-a-time');
    }
    await this.#cluster.start(member, { version: target });
    return (await this.#check([...gateArgs(member, target), '--wait', '60s'])) !== undefined;
  }

  async #check(args: readonly string[]): Promise<CheckRun | undefined> {
    const endpoints = ['--endpoints', this.#cluster.endpoints.join(',')];
    const run = await runCheck([...args, ...endpoints], this.#context.signal);
    if (run.exitCode === 0) {
      this.passed += 1;
      return run;
    }
    const name = args.filter((text) => !text.startsWith(this.#context.directory)).join(' ');
    this.shut.push(`${name}: exit ${run.exitCode}, ${reasonOf(run)}`);
    return undefined;
  }

  async #refuse(what: string, args: readonly string[], item: string): Promise<void> {
    this.refusals.push(await refusal(this.#cluster, { what, args, item }, this.#context));
  }
}

function gateArgs(member: EtcdMember, target: string): string[] {
  return ['gate', '--member', member.name, '--to', target];
}
