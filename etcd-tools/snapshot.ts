// `snapshot`: the database of one member in a file that can be restored.
import { rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from '../common/command.ts';
import type { ExitCode } from '../common/exit-code.ts';
import { answering, leaderId, type MemberView, nameOf, viewCluster } from './cluster-view.ts';
import type { Command, CommandContext, FlagValues, Terminal } from './command.ts';
import { ETCD_EXIT } from './exit-code.ts';
import { findMember } from './member-argument.ts';
import { MemberError } from './member-error.ts';
import type { MemberStatus } from './member-report.ts';
import { type Answer, formatBytes } from './output.ts';
import { partialPath, type SavedSnapshot, saveSnapshot } from './snapshot-file.ts';

export const snapshot: Command = {
  name: 'snapshot',
  summary: 'saves the database of the leader to a file, and verifies it',
  example: 'snapshot --endpoints https://10.0.0.1:2379 --cacert ca.crt --out before-3.6.db',
  options: [
    { name: 'out', value: 'FILE', help: 'where to write it' },
    { name: 'force', help: 'overwrites a file, and what a killed run has left' },
    { name: 'member', value: 'NAME', help: 'of this member instead of the leader' },
  ],
  run: runSnapshot,
};

const PROGRESS_MS = 1000;
// The database grows while it is read.
const ROOM_PERCENT = 105n;

async function runSnapshot(context: CommandContext): Promise<ExitCode> {
  const { members, flags, signal, print, stderr } = context;
  const path = await checkTarget(flags);
  const view = await viewCluster(members);
  const source = chooseSource(view, flags);
  if (source === undefined) {
    const problems = view.members.flatMap(({ status }) =>
      status.ok ? [] : [status.error.message],
    );
    throw new CommandError(problems.join('; ') || 'no leader is known; name a --member', {
      exitCode: ETCD_EXIT.unknown,
    });
  }
  await checkRoom(path, source.status.dbSizeBytes);
  const name = nameOf(view, source.member);
  const progress = new ProgressLine(`${name}: `, stderr);
  try {
    const saved = await saveSnapshot({
      parts: source.member.client.snapshot(signal),
      path,
      onProgress: (received, remaining) => progress.show(received, remaining),
    });
    progress.end();
    print(describeSaved(path, name, source.status, saved));
    return ETCD_EXIT.ok;
  } catch (cause) {
    progress.end();
    throw explain(cause, path);
  }
}

/** All that can be known to fail is known before the member has to send anything. */
async function checkTarget(flags: FlagValues): Promise<string> {
  const path = flags.out;
  if (typeof path !== 'string' || path === '') throw new CommandError('--out FILE is missing');
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder === undefined || !folder.isDirectory()) {
    throw new CommandError(`--out ${path}: there is no folder ${dirname(path)}`);
  }
  for (const taken of [path, partialPath(path)]) {
    const found = await stat(taken).catch(() => undefined);
    if (found?.isDirectory()) throw new CommandError(`--out ${path}: ${taken} is a folder`);
    if (found === undefined) continue;
    if (flags.force !== true) {
      throw new CommandError(`--out ${path}: ${taken} exists; --force overwrites it`);
    }
    if (taken === partialPath(path)) await rm(taken);
  }
  return path;
}

/** "The leader is guaranteed to have the latest application data" (etcd's guides to upgrades). */
function chooseSource(
  view: Awaited<ReturnType<typeof viewCluster>>,
  flags: FlagValues,
): { member: MemberView; status: MemberStatus } | undefined {
  const all = answering(view);
  if (typeof flags.member === 'string') {
    const named = findMember(view, flags.member);
    return all.find(({ member }) => member === named);
  }
  const leader = leaderId(all.map(({ status }) => status));
  const found = all.find(({ status }) => status.header.memberId === leader);
  if (found !== undefined || leader === undefined) return found;
  throw new CommandError('the leader is not among --endpoints: add it, or name a --member', {
    exitCode: ETCD_EXIT.unknown,
  });
}

async function checkRoom(path: string, dbSizeBytes: bigint): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path), { bigint: true });
  const free = bavail * bsize;
  const needed = (dbSizeBytes * ROOM_PERCENT) / 100n;
  if (free >= needed) return;
  throw new CommandError(
    `--out ${path}: ${formatBytes(free)} are free there, and ${formatBytes(needed)} are needed`,
    { exitCode: ETCD_EXIT.warning },
  );
}

function explain(cause: unknown, path: string): unknown {
  if (cause instanceof MemberError) {
    return new CommandError(`${cause.message} Nothing was kept.`, {
      exitCode: ETCD_EXIT.unknown,
      cause,
    });
  }
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EACCES' || code === 'EROFS') {
    return new CommandError(`--out ${path}: may not be written`, { cause });
  }
  if (code === 'EEXIST') {
    return new CommandError(`--out ${path}: another run writes ${partialPath(path)}`, { cause });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  const what = code === 'ENOSPC' ? 'the disk is full' : message;
  return new CommandError(`--out ${path}: ${what}. Nothing was kept.`, {
    exitCode: ETCD_EXIT.unknown,
    cause,
  });
}

/** One line that is redrawn on a terminal; elsewhere a line now and then. */
class ProgressLine {
  readonly #label: string;
  readonly #output: Terminal;
  #shownAtMs = performance.now();
  #drawn = false;

  constructor(label: string, output: Terminal) {
    this.#label = label;
    this.#output = output;
  }

  show(received: bigint, remaining: bigint): void {
    const now = performance.now();
    if (now - this.#shownAtMs < PROGRESS_MS) return;
    this.#shownAtMs = now;
    const text = `${this.#label}${formatBytes(received)} of ${formatBytes(received + remaining)}`;
    this.#output.write(this.#output.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
    this.#drawn = true;
  }

  end(): void {
    if (this.#drawn && this.#output.isTTY) this.#output.write('\r\x1b[K');
  }
}

function describeSaved(
  path: string,
  name: string,
  status: MemberStatus,
  { sizeBytes, sha256 }: SavedSnapshot,
): Answer {
  const revision = status.header.revision;
  return {
    blocks: [
      {
        lines: [
          `${path}: ${formatBytes(sizeBytes)} of ${name}, etcd ${status.version}, at revision ${revision} or later`,
          `SHA-256 ${sha256}, as the member has it`,
          `see it with: etcdutl snapshot status ${path} -w table`,
        ],
      },
    ],
    json: {
      path,
      member: name,
      version: status.version,
      minRevision: revision,
      sizeBytes,
      sha256,
    },
    metrics: [
      {
        name: 'evenkeel_etcd_snapshot_bytes',
        help: 'Size of the snapshot that was saved.',
        samples: [{ labels: { member: name }, value: sizeBytes }],
      },
    ],
  };
}
