// The steps of an upgrade, hop by hop and member by member, the leader last. Pure.
import { formatDuration } from '../common/duration.ts';
import { largest } from './bigints.ts';
import { V2_LOG_COMMANDS } from './host-rules.ts';
import {
  crossesAuthFormat,
  floorProblem,
  landingProblem,
  pathBetween,
  type StepKind,
  type StepOrRefusal,
  stepBetween,
} from './upgrade-step.ts';
import { compareVersions, formatVersion, minorOf, type Version } from './version.ts';

export interface PlannedMember {
  readonly name: string;
  /** Hexadecimal. */
  readonly id: string;
  readonly endpoint: string;
  readonly version: Version;
  readonly leads: boolean;
  readonly dbSizeBytes: bigint;
}

/** One thing to do. */
export interface PlanStep {
  readonly text: string;
  readonly command?: string;
  /** `here`, or the name of a member for what is done on its host. */
  readonly where: string;
  /** The next step may only be made when the command ends with 0. */
  readonly waitForPass: boolean;
}

/** All members from one release to the next. */
export interface Hop {
  readonly kind: StepKind;
  readonly to: Version;
  readonly steps: readonly PlanStep[];
}

// Etcd's guide to hardware: at 10 MB/s a member takes 100 MB in 15 s.
const RECOVERY_BYTES_PER_SECOND = 5_000_000n;
const BASE_WAIT_SECONDS = 60n;

/** The hops, or why there is no way; `authOn` is undefined when it is not known. */
export function planHops(
  members: readonly PlannedMember[],
  target: Version,
  authOn: boolean | undefined,
): readonly Hop[] | { readonly refused: string } {
  const found = members.map(({ version }) => version).sort(compareVersions);
  const path = pathBetween(found, target);
  if ('refused' in path) return path;
  const hops: Hop[] = [];
  let now = members;
  for (const to of path) {
    const step = nextStep(now, to, authOn);
    if ('refused' in step) return step;
    const left = now.filter(({ version }) => needsHop(version, to, step.kind));
    if (left.length > 0) hops.push({ kind: step.kind, to, steps: hopSteps(now, left, to, step) });
    now = afterHop(now, left, to);
  }
  return hops;
}

function nextStep(
  members: readonly PlannedMember[],
  to: Version,
  authOn: boolean | undefined,
): StepOrRefusal {
  const running = members.map(({ version }) => version).sort(compareVersions);
  const lowest = running[0];
  const step = stepBetween(running, to, lowest === undefined ? undefined : minorOf(lowest));
  if ('refused' in step) return step;
  const problem =
    landingProblem(to, step) ?? running.flatMap((version) => floorProblem(version, step) ?? [])[0];
  if (problem !== undefined) return { refused: problem };
  if (authOn !== true || !crossesAuthFormat(step)) return step;
  return {
    refused: `auth is on, and ${step.from} to ${step.to} cannot be rolled with it: turn it off first, or stop all members at once`,
  };
}

/** Whoever leadership is handed to leads when the next hop begins. */
function afterHop(
  members: readonly PlannedMember[],
  left: readonly PlannedMember[],
  to: Version,
): readonly PlannedMember[] {
  const heir = left.some(({ leads }) => leads) ? heirOf(members) : undefined;
  return members.map((member) => ({
    ...member,
    version: left.includes(member) ? to : member.version,
    leads: heir === undefined ? member.leads : member === heir,
  }));
}

/** Undefined where there is nobody to hand over to. */
function heirOf(members: readonly PlannedMember[]): PlannedMember | undefined {
  return members.find(({ leads }) => !leads);
}

function needsHop(version: Version, to: Version, kind: StepKind): boolean {
  const order = compareVersions(version, to);
  // On the way up, one that is ahead already is left alone.
  return kind === 'upgrade' ? order < 0 : order !== 0;
}

function hopSteps(
  members: readonly PlannedMember[],
  left: readonly PlannedMember[],
  to: Version,
  { kind, from }: { readonly kind: StepKind; readonly from: string },
): PlanStep[] {
  const target = formatVersion(to);
  const run = (text: string, command: string): PlanStep => ({
    text,
    command,
    where: 'here',
    waitForPass: true,
  });
  const tool = (name: string, flags: string): string =>
    `evenkeel-etcd ${name} --endpoints $ENDPOINTS ${flags}`;
  const file = `before-${target}.db`;
  const size = largest(members.map(({ dbSizeBytes }) => dbSizeBytes));
  const wait = formatDuration(Number(BASE_WAIT_SECONDS + size / RECOVERY_BYTES_PER_SECOND) * 1000);
  const leader = left.find(({ leads }) => leads);
  const followers = left.filter((member) => member !== leader);
  const heir = heirOf(members);
  const replace = ({ name }: PlannedMember): PlanStep[] => [
    run(`may ${name} be stopped?`, tool('gate', `--member ${name} --to ${target}`)),
    {
      text: `stop etcd, install ${target}, start etcd; keep the old binary`,
      where: name,
      waitForPass: false,
    },
    run(`is ${name} back well?`, tool('gate', `--member ${name} --to ${target} --wait ${wait}`)),
  ];
  return [
    run('save a snapshot', tool('snapshot', `--out ${file}`)),
    run('may it begin?', tool('preflight', `--to ${target} --snapshot ${file}`)),
    ...announcement(kind, from, to),
    ...v2Check(kind, to),
    ...followers.flatMap(replace),
    ...(leader === undefined ? [] : [...handOver(leader, heir), ...replace(leader)]),
    run(
      'is it complete? with the revision and keys that preflight has told',
      tool('postcheck', `--to ${target} --hash --min-revision N --min-keys N --wait 1m`),
    ),
  ];
}

function handOver(leader: PlannedMember, heir: PlannedMember | undefined): PlanStep[] {
  if (heir === undefined) return [];
  return [
    {
      text: `hand leadership over to ${heir.name}`,
      command: `etcdctl --endpoints ${leader.endpoint} move-leader ${heir.id}`,
      where: 'here',
      waitForPass: true,
    },
  ];
}

/** Nothing that is seen through the API tells whether a member of 3.6 will start on this log. */
function v2Check(kind: StepKind, to: Version): PlanStep[] {
  if (kind !== 'upgrade' || minorOf(to) !== '3.6') return [];
  return V2_LOG_COMMANDS.map((command, index) => ({
    text: index === 0 ? 'is anything of the v2 API left in the log?' : 'if so, leave it behind',
    command,
    where: 'every host',
    waitForPass: index === 0,
  }));
}

/** Etcd's own way back: members first write what the older release can read. */
function announcement(kind: StepKind, from: string, to: Version): PlanStep[] {
  if (kind !== 'downgrade') return [];
  if (from === '3.5') {
    return [
      {
        text: 'add --next-cluster-version-compatible to the flags of every member of 3.4',
        where: 'every host',
        waitForPass: false,
      },
    ];
  }
  const minor = minorOf(to);
  return ['validate', 'enable'].map((verb) => ({
    text: verb === 'validate' ? 'does etcd allow it?' : 'tell the cluster',
    command: `etcdctl --endpoints $ENDPOINTS downgrade ${verb} ${minor}`,
    where: 'here',
    waitForPass: true,
  }));
}
