// One observation of the cluster for the rules of an upgrade: reads, waits and asks, never writes.
import { setTimeout as delay } from 'node:timers/promises';
import { largest } from './bigints.ts';
import { answering, type ClusterView, outcomeOf, viewCluster } from './cluster-view.ts';
import type { CommandContext } from './command.ts';
import { compareHashes } from './hash.ts';
import { measureLag } from './lag-rounds.ts';
import { readSnapshotFile } from './snapshot-file.ts';
import {
  clusterMinor,
  type Observation,
  runningMembers,
  type UpgradeFacts,
} from './upgrade-facts.ts';
import { stepBetween } from './upgrade-step.ts';
import type { Version } from './version.ts';

export interface GatherOptions {
  readonly target: Version;
  /** For how long the leader is watched. */
  readonly observeMs: number;
  /** Rounds of the tests for lag and divergence. */
  readonly rounds: number;
  /** Undefined: keys are not compared. */
  readonly hashMaxBytes: bigint | undefined;
  readonly quotaBytes: bigint | undefined;
  readonly snapshotPath: string | undefined;
}

const LOOK_INTERVAL_MS = 1000;

export async function gatherFacts(
  context: CommandContext,
  options: GatherOptions,
): Promise<UpgradeFacts> {
  const { members, say, signal } = context;
  const startedAtMs = performance.now();
  const leaders = new Map<string, Observation['leaders'][number]>();
  const first = await viewCluster(members);
  noteLeaders(leaders, first);
  const anybody = answering(first).length > 0;
  const lag = await measureLag(first, {
    rounds: options.rounds,
    timeoutMs: context.timeoutMs,
    signal,
  });
  const hash =
    options.hashMaxBytes === undefined || !anybody
      ? undefined
      : await compareHashes(first, options.hashMaxBytes, say);
  const snapshot =
    options.snapshotPath === undefined
      ? undefined
      : await readSnapshotFile(options.snapshotPath, Date.now());
  const leftMs = (): number => options.observeMs - (performance.now() - startedAtMs);
  if (anybody && leftMs() > LOOK_INTERVAL_MS) {
    say(`watching the leader for ${Math.ceil(leftMs() / 1000)} s`);
  }
  while (anybody && leftMs() > 0) {
    await delay(Math.min(leftMs(), LOOK_INTERVAL_MS), undefined, { signal });
    noteLeaders(leaders, await viewCluster(members));
  }
  const view = await viewCluster(members);
  noteLeaders(leaders, view);
  const forMs = performance.now() - startedAtMs;
  const [authOn, clusterVersion, reads] = await Promise.all([
    anybody ? context.isAuthOn() : undefined,
    anybody ? context.clusterVersion() : undefined,
    readAll(view),
  ]);
  const running = runningMembers(view).map(({ version }) => version);
  return {
    view,
    target: options.target,
    step: stepBetween(running, options.target, clusterMinor(clusterVersion)),
    authOn,
    clusterVersion,
    reads,
    observed: { forMs, wantedMs: options.observeMs, leaders: [...leaders.values()] },
    lag,
    hash,
    quotaBytes: options.quotaBytes,
    snapshot,
  };
}

function noteLeaders(
  leaders: Map<string, Observation['leaders'][number]>,
  view: ClusterView,
): void {
  for (const { status } of answering(view)) {
    const { raftTerm: term, leaderId } = status;
    if (leaderId !== 0n) leaders.set(`${term} ${leaderId}`, { term, leaderId });
  }
}

async function readAll(view: ClusterView): Promise<UpgradeFacts['reads']> {
  return new Map(
    await Promise.all(
      view.members.map(async (member) => {
        // Another deadline would pass for nothing.
        const read = member.status.ok
          ? await outcomeOf(member.client.linearizableRead())
          : member.status;
        return [member, read] as const;
      }),
    ),
  );
}

/** What `postcheck` is to find again. */
export async function countData(
  facts: UpgradeFacts,
): Promise<{ readonly revision: bigint; readonly keys: bigint | null }> {
  const all = answering(facts.view);
  const revision = largest(all.map(({ status }) => status.header.revision));
  const reader = all.find(({ member }) => facts.reads.get(member)?.ok === true);
  const keys = reader === undefined ? undefined : await outcomeOf(reader.member.client.countKeys());
  return { revision, keys: keys?.ok === true ? keys.value.count : null };
}
