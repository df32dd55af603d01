// `hash`: do all members hold the same keys at one revision? Each one scans its whole store, so they
// are asked one after the other, and the leader last.
import type { ExitCode } from '../common/exit-code.ts';
import { smallest } from './bigints.ts';
import {
  answering,
  type ClusterView,
  leaderId,
  type MemberView,
  nameOf,
  type Outcome,
  outcomeOf,
  viewCluster,
} from './cluster-view.ts';
import type { Command, CommandContext } from './command.ts';
import { formatId } from './endpoints.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { readSize } from './flag-values.ts';
import { type HashAnswer, type HashVerdict, judgeHashes } from './hash-verdict.ts';
import { isDiverged, type LagVerdict } from './lag-report.ts';
import { measureLag } from './lag-rounds.ts';
import type { MemberClient } from './member-client.ts';
import type { MemberStatus } from './member-report.ts';
import { type Answer, formatBytes } from './output.ts';

const ATTEMPTS = 3;
const LAG_ROUNDS = 2;
// A scan of it takes about a second, in which the member's writes wait (etcd issue 8910).
export const DEFAULT_HASH_MAX_BYTES = 1024n * 1024n * 1024n;

export const hash: Command = {
  name: 'hash',
  summary: 'proves that members hold the same keys, by HashKV at one revision',
  example: 'hash --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --timeout 30s',
  options: [
    {
      name: 'max-size',
      value: 'SIZE',
      help: 'larger databases are left alone, a scan holds up their writes (1GiB)',
    },
  ],
  run: runHash,
};

async function runHash(context: CommandContext): Promise<ExitCode> {
  const { members, flags, print, say, timeoutMs, signal } = context;
  const maxBytes = readSize(flags, 'max-size') ?? DEFAULT_HASH_MAX_BYTES;
  const view = await viewCluster(members);
  // What a member lacks at its end does not show in what all have: keys are compared at the newest
  // revision that everybody holds.
  const { verdicts } = await measureLag(view, { rounds: LAG_ROUNDS, timeoutMs, signal });
  const lacking = verdicts.filter(isDiverged);
  const result = await compareHashes(view, maxBytes, say);
  print(describeHash(view, result, lacking));
  return lacking.length > 0 ? ETCD_EXIT.diverged : exitOf(result);
}

/** What `hash` found, also used by `preflight` and `postcheck`. */
export interface HashResult {
  readonly revision: bigint;
  readonly answers: readonly HashAnswer[];
  /** Undefined when there was nothing to compare. */
  readonly verdict: HashVerdict | undefined;
  /** Why it could not be found out, or not for all. */
  readonly problems: readonly string[];
}

/** Retries when a compaction came between two of the answers. */
export async function compareHashes(
  view: ClusterView,
  maxBytes: bigint,
  say: (line: string) => void,
): Promise<HashResult> {
  const all = answering(view);
  const silent = view.members.flatMap(({ status }) => (status.ok ? [] : [status.error.message]));
  const large = all.find(({ status }) => status.dbSizeInUseBytes > maxBytes);
  if (large !== undefined) {
    const size = formatBytes(large.status.dbSizeInUseBytes);
    const problem = `${nameOf(view, large.member)}: ${size} are in use, and a scan would hold up its writes; allow it by --max-size, at a quiet time`;
    return { revision: 0n, answers: [], verdict: undefined, problems: [...silent, problem] };
  }
  const order = leaderLast(all);
  let round = await hashRound(view, order, say);
  for (let attempt = 1; attempt < ATTEMPTS && round.again; attempt += 1) {
    round = await hashRound(view, order, say);
  }
  const missing = view.listed.length - all.length;
  const unasked = missing > silent.length ? [`${missing} members of the list were not asked`] : [];
  return { ...round, problems: [...silent, ...unasked, ...round.problems] };
}

type Answering = ReturnType<typeof answering>;

function leaderLast(all: Answering): Answering {
  const leader = leaderId(all.map(({ status }) => status));
  return all.toSorted(
    (a, b) => Number(isLeader(a.status, leader)) - Number(isLeader(b.status, leader)),
  );
}

function isLeader({ header }: MemberStatus, leader: bigint | undefined): boolean {
  return header.memberId === leader;
}

async function hashRound(
  view: ClusterView,
  order: Answering,
  say: (line: string) => void,
): Promise<HashResult & { readonly again: boolean }> {
  const revision = await commonRevision(order.map(({ member }) => member.client));
  if (!revision.ok) {
    const problems = [revision.error.message];
    return { revision: 0n, answers: [], verdict: undefined, problems, again: false };
  }
  const answers: HashAnswer[] = [];
  const problems: string[] = [];
  let again = false;
  for (const { member, status } of order) {
    say(`${nameOf(view, member)}: hashing ${formatBytes(status.dbSizeInUseBytes)}`);
    const answer = await outcomeOf(member.client.hashKeys(revision.value));
    if (answer.ok) {
      answers.push(toAnswer(view, member, status, answer.value));
    } else {
      // Compacted: our revision is too old by now. A future one cannot be, since it has told of it:
      // its revision went back.
      again ||= answer.error.code === 'compacted';
      problems.push(answer.error.message);
    }
  }
  const verdict = answers.length < 2 ? undefined : judgeHashes(answers);
  again ||= verdict?.kind === 'not comparable';
  return { revision: revision.value, answers, verdict, problems, again };
}

function toAnswer(
  view: ClusterView,
  member: MemberView,
  { header }: MemberStatus,
  answer: {
    readonly hash: number;
    readonly compactRevision: bigint;
    readonly hashRevision: bigint;
  },
): HashAnswer {
  return {
    memberId: header.memberId,
    name: nameOf(view, member),
    hash: answer.hash,
    compactRevision: answer.compactRevision,
    hashRevision: answer.hashRevision,
  };
}

/** The newest revision that every member has. */
async function commonRevision(clients: readonly MemberClient[]): Promise<Outcome<bigint>> {
  const statuses = await Promise.all(clients.map((client) => outcomeOf(client.status())));
  const failed = statuses.find((status) => !status.ok);
  if (failed !== undefined && !failed.ok) return failed;
  const revisions = statuses.flatMap((status) => (status.ok ? [status.value.header.revision] : []));
  return { ok: true, value: smallest(revisions) };
}

function exitOf({ verdict, problems }: HashResult): ExitCode {
  if (verdict?.kind === 'diverged' || verdict?.kind === 'ambiguous') return ETCD_EXIT.diverged;
  return verdict?.kind === 'equal' && problems.length === 0 ? ETCD_EXIT.ok : ETCD_EXIT.unknown;
}

/** One sentence. */
export function describeVerdict({ verdict, answers, revision }: HashResult): string {
  switch (verdict?.kind) {
    case undefined:
      return 'not compared';
    case 'equal':
      return `${answers.length} members hold the same keys up to revision ${revision}`;
    case 'diverged': {
      const names = verdict.odd.map(({ name }) => name).join(', ');
      return `DIVERGED: ${names} differs from the majority at revision ${revision}; run \`evenkeel-etcd repair-plan\``;
    }
    case 'ambiguous':
      return `DIVERGED: members differ at revision ${revision}, and no side has a majority`;
    case 'not comparable':
      return `not comparable after ${ATTEMPTS} attempts, ${verdict.detail}; a member whose compaction stays behind for good has diverged`;
  }
}

function describeHash(
  view: ClusterView,
  result: HashResult,
  lacking: readonly LagVerdict[],
): Answer {
  const { answers, verdict, problems, revision } = result;
  const different = verdict?.kind === 'diverged' ? verdict.odd : [];
  const odd = new Set(
    answers.filter(
      (answer) =>
        different.includes(answer) || lacking.some(({ memberId }) => memberId === answer.memberId),
    ),
  );
  const lines = [describeVerdict(result), ...lacking.map(({ text }) => `DIVERGED: ${text}`)];
  return {
    blocks: [
      {
        title: '',
        columns: ['member', 'id', 'hash', 'revision', 'compacted at', 'verdict'],
        rows: answers.map((answer) => [
          answer.name,
          formatId(answer.memberId),
          String(answer.hash),
          String(revision),
          answer.compactRevision < 0n ? 'never' : String(answer.compactRevision),
          odd.has(answer) ? 'DIVERGED' : '',
        ]),
      },
      { lines: [...lines, ...problems.map((problem) => `unknown: ${problem}`)] },
    ],
    json: {
      revision,
      verdict: lacking.length > 0 ? 'diverged' : (verdict?.kind ?? 'unknown'),
      text: lines.join('; '),
      members: answers.map((answer) => ({
        name: answer.name,
        id: formatId(answer.memberId),
        hash: answer.hash,
        compactRevision: answer.compactRevision,
        hashRevision: answer.hashRevision === 0n ? null : answer.hashRevision,
        diverged: odd.has(answer),
      })),
      problems,
      listed: view.listed.length,
    },
    metrics: [
      {
        name: 'evenkeel_etcd_hash_differs',
        help: 'Whether the member differs from the majority at one revision.',
        samples: answers.map((answer) => ({
          labels: { member: answer.name },
          value: odd.has(answer) || verdict?.kind === 'ambiguous' ? 1 : 0,
        })),
      },
      {
        name: 'evenkeel_etcd_hash_revision',
        help: 'The revision at which members were compared.',
        samples: verdict?.kind === 'equal' ? [{ labels: {}, value: revision }] : [],
      },
    ],
  };
}
