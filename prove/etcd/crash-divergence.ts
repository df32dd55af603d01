// Members that diverge by bugs of their releases and not by our hand: etcd issues 13766 and 14571,
// and the same done to a release that has neither.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdCluster } from '../../tools/etcd-cluster.ts';
import type { EtcdMember } from '../../tools/etcd-member.ts';
import { startWriteLoad } from '../../tools/etcd-write-load.ts';
import { poll } from '../../tools/poll.ts';
import { holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { isDiverged, type SeenMember } from './lag-round.ts';
import { LagWatch } from './lag-watch.ts';
import { findDamage, withCluster } from './site.ts';

const SOUND = '3.5.33';
const INTERVAL_MS = 200;
const CRASH_LOAD = { putsPerSecond: 3000, writers: 64 } as const;
// Twenty times as often as by default.
const CRASH_FLAGS = ['--backend-batch-interval=5ms'] as const;
const CRASHES_A_TURN = 10;
const BACKLOG_MS = 1500;
const MIN_LIFE_MS = 150;
const LIFE_SPREAD_MS = 700;
const QUIET_ROUNDS = 4;
const USER = { name: 'writer', password: 'writer-password' } as const;
const ROOT_PASSWORD = 'root-password';
const KEYS = 'k/';
const PUTS_PER_SECOND = 3000;
// More than the 5000 that a leader keeps behind a snapshot, so that the member is sent one.
const PUTS_MISSED = 5500;
const PUTS_SEEN = 100;
const PUTS_LIMIT_MS = 60_000;
const ROUNDS_WITH_AUTH = 10;

export interface CrashLimits {
  /** How long 3.5.2 is crashed for until it has diverged. */
  readonly affectedMs: number;
  /** How long the release that is sound is. */
  readonly soundMs: number;
}

/** One member is killed over and over while it applies what it has missed. */
export async function measureCrashes(
  context: ScenarioContext,
  { affectedMs, soundMs }: CrashLimits,
): Promise<Row[]> {
  const crash = (version: string, limitMs: number): Promise<Crashes> =>
    withCluster(context, { version, flags: CRASH_FLAGS }, (cluster) =>
      crashUntilDiverged(context, cluster, limitMs),
    );
  const affected = await crash('3.5.2', affectedMs);
  return [affectedRow(affected, affectedMs), soundRow(await crash(SOUND, soundMs))];
}

interface Crashes {
  readonly crashes: number;
  readonly seconds: number;
  readonly accused: readonly SeenMember[];
  /** By what the members themselves hold. */
  readonly damage: readonly string[];
}

async function crashUntilDiverged(
  { say, signal }: ScenarioContext,
  cluster: EtcdCluster,
  limitMs: number,
): Promise<Crashes> {
  const startedAtMs = performance.now();
  const watch = new LagWatch(cluster, { intervalMs: INTERVAL_MS });
  const { version } = cluster.member(0);
  let crashes = 0;
  let damage: string[] = [];
  for (let turn = 0; performance.now() - startedAtMs < limitMs && damage.length === 0; turn += 1) {
    const victim = await cluster.follower();
    crashes += await crashOften(cluster, victim, `${turn}/`, signal);
    damage = await findDamage(cluster, [], 'none/');
    say(`${version}: ${crashes} crashes, ${damage[0] ?? 'all members hold the same'}`);
    await watch.next(QUIET_ROUNDS, signal);
  }
  const accused = watch.rounds.at(-1)?.members.filter(isDiverged) ?? [];
  await watch.stop();
  return { crashes, seconds: (performance.now() - startedAtMs) / 1000, accused, damage };
}

/**
 * In 3.5.2 the index of an entry may be on disk before the entry, when the backend commits while the
 * next entry waits for it (PR 12855). A member that catches up always has a next entry waiting.
 */
async function crashOften(
  cluster: EtcdCluster,
  victim: EtcdMember,
  prefix: string,
  signal: AbortSignal,
): Promise<number> {
  const others = cluster.members.filter((member) => member !== victim);
  const urls = others.map(({ clientUrl }) => clientUrl);
  const load = startWriteLoad({ urls, prefix, ...CRASH_LOAD });
  try {
    await victim.kill();
    await delay(BACKLOG_MS, undefined, { signal });
    for (let crash = 0; crash < CRASHES_A_TURN; crash += 1) {
      await cluster.start(victim, { untilHealthy: false });
      await delay(MIN_LIFE_MS + Math.random() * LIFE_SPREAD_MS, undefined, { signal });
      await victim.kill();
    }
  } finally {
    await load.stop();
  }
  await cluster.start(victim);
  return CRASHES_A_TURN;
}

function affectedRow({ crashes, seconds, accused, damage }: Crashes, limitMs: number): Row {
  const what = '#13766 on 3.5.2, killed under load';
  const floor = `found, within ${limitMs / 60_000} min`;
  const tried = `${crashes} crashes in ${seconds.toFixed(0)} s`;
  if (damage.length === 0 && accused.length === 0) {
    return notRun(what, floor, `did not come about by ${tried}`);
  }
  const found = accused[0]?.proof ?? 'not found';
  return holds(what, floor, `${found}; ${tried}`, accused.length === 1 && damage.length > 0);
}

function soundRow({ crashes, accused, damage }: Crashes): Row {
  return holds(
    `#13766 on ${SOUND}, killed under load`,
    'nothing found',
    `${accused[0]?.proof ?? damage[0] ?? 'nothing'}; ${crashes} crashes`,
    accused.length === 0 && damage.length === 0,
  );
}

/** With auth on, a member that is brought up by a snapshot does not learn what users may write. */
export async function measureStalePermissions(context: ScenarioContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const version of ['3.5.5', SOUND]) {
    context.say(`${version} with auth: a member is brought up by a snapshot`);
    rows.push(
      await withCluster(context, { version, snapshotCount: 10 }, (cluster) =>
        rejoinWithAuth(context, cluster, version),
      ),
    );
  }
  return rows;
}

async function rejoinWithAuth(
  { directory, signal }: ScenarioContext,
  cluster: EtcdCluster,
  version: string,
): Promise<Row> {
  const rejoining = await cluster.follower();
  await rejoining.terminate();
  await makeWriter(cluster);
  const sound = cluster.members.filter((member) => member !== rejoining);
  const load = startWriteLoad({
    urls: sound.map(({ clientUrl }) => clientUrl),
    putsPerSecond: PUTS_PER_SECOND,
    prefix: KEYS,
    user: USER,
  });
  const after = async (puts: number): Promise<void> => {
    const before = load.totals().acknowledged;
    await poll(
      `${puts} puts`,
      async () => (load.totals().acknowledged - before >= puts ? true : undefined),
      PUTS_LIMIT_MS,
    );
  };
  try {
    await after(PUTS_MISSED);
    await cluster.start(rejoining);
    await after(PUTS_SEEN);
  } finally {
    await load.stop();
  }
  await cluster.settle();
  const passwordFile = join(directory, 'root-password');
  await writeFile(passwordFile, ROOT_PASSWORD, { mode: 0o600 });
  const watch = new LagWatch(cluster, {
    intervalMs: INTERVAL_MS,
    flags: ['--user=root', `--password-file=${passwordFile}`],
  });
  const rounds = await watch.next(ROUNDS_WITH_AUTH, signal);
  await watch.stop();
  const revisions = [...(await cluster.statuses()).values()].map(({ revision }) => revision);
  const accused = rounds.at(-1)?.members.filter(isDiverged) ?? [];
  return permissionRow(version, { name: rejoining.name, accused, revisions });
}

function permissionRow(
  version: string,
  seen: {
    readonly name: string;
    readonly accused: readonly SeenMember[];
    readonly revisions: readonly bigint[];
  },
): Row {
  const { name, accused, revisions } = seen;
  const differ = new Set(revisions).size > 1;
  const figure = `${accused[0]?.proof ?? 'nothing'}; revisions ${revisions.join(', ')}`;
  const what = `#14571 on ${version}, auth on, a member brought up by a snapshot`;
  if (version === SOUND) {
    return holds(what, 'nothing found', figure, accused.length === 0 && !differ);
  }
  if (!differ) return notRun(what, `${name} found`, `did not come about: ${figure}`);
  return holds(what, `${name} found`, figure, accused.length === 1 && accused[0]?.name === name);
}

/** Root is allowed everything without any cache; somebody else is needed. */
async function makeWriter(cluster: EtcdCluster): Promise<void> {
  await cluster.enableAuth(ROOT_PASSWORD);
  await cluster.etcdctl(['role', 'add', 'writers']);
  await cluster.etcdctl([
    'role',
    'grant-permission',
    'writers',
    '--prefix=true',
    'readwrite',
    KEYS,
  ]);
  await cluster.etcdctl(['user', 'add', `${USER.name}:${USER.password}`]);
  await cluster.etcdctl(['user', 'grant-role', USER.name, 'writers']);
}
