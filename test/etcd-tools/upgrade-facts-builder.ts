// A healthy cluster of three as the rules of an upgrade see it, and ways to make it less so.
import type { ClusterView, MemberView, Outcome } from '../../etcd-tools/cluster-view.ts';
import type { LagReport } from '../../etcd-tools/lag-report.ts';
import type { MemberClient } from '../../etcd-tools/member-client.ts';
import { MemberError } from '../../etcd-tools/member-error.ts';
import type { ListedMember, MemberStatus } from '../../etcd-tools/member-report.ts';
import { clusterMinor, runningMembers, type UpgradeFacts } from '../../etcd-tools/upgrade-facts.ts';
import { stepBetween } from '../../etcd-tools/upgrade-step.ts';
import { version } from '../../etcd-tools/version.ts';

const MIB = 1024n * 1024n;

export interface FakeMember {
  readonly version?: string;
  readonly down?: boolean;
  readonly status?: Partial<MemberStatus>;
  /** Over the list that all have. */
  readonly listed?: Partial<ListedMember>;
  /** What this member alone takes for the list. */
  readonly ownList?: readonly ListedMember[];
  readonly readFails?: boolean;
  /** Learners and some releases refuse it. */
  readonly listFails?: boolean;
}

export type FactsOptions = Partial<Omit<UpgradeFacts, 'view' | 'target' | 'step' | 'reads'>> & {
  /** m1 to m3 of 3.5.33 when left out; m1 leads. */
  readonly members?: readonly FakeMember[];
  readonly to?: string;
  /** In the list, and not among the endpoints. */
  readonly unasked?: readonly ListedMember[];
};

export function fakeId(index: number): bigint {
  return BigInt(index + 1) * 0x1111n;
}

export function fakeListed(index: number, more: Partial<ListedMember> = {}): ListedMember {
  return {
    id: fakeId(index),
    name: `m${index + 1}`,
    peerUrls: [`http://10.0.0.${index + 1}:2380`],
    clientUrls: [endpointOf(index)],
    isLearner: false,
    ...more,
  };
}

export function silenceOf(endpoint: string): MemberError {
  return new MemberError(
    { endpoint, call: 'Status' },
    { grpcCode: 14, details: 'connect ECONNREFUSED' },
  );
}

function endpointOf(index: number): string {
  return `http://10.0.0.${index + 1}:2379`;
}

/** Facts with one thing or another changed. */
export function makeFacts(options: FactsOptions = {}): UpgradeFacts {
  const { members = [{}, {}, {}], to = '3.6.14', unasked = [], ...more } = options;
  const listed = [...members.map(({ listed: own }, index) => fakeListed(index, own)), ...unasked];
  const views = members.map((member, index) => makeView(member, index, listed));
  const view: ClusterView = { members: views, listed, duplicates: [] };
  const running = runningMembers(view).map((one) => one.version);
  const target = version(to);
  const clusterVersion = 'clusterVersion' in more ? more.clusterVersion : lowestMinor(running);
  return {
    view,
    target,
    step: stepBetween(running, target, clusterMinor(clusterVersion)),
    authOn: false,
    reads: new Map(views.map((one, index) => [one, readOf(one, members[index])])),
    observed: { forMs: 30_000, wantedMs: 30_000, leaders: [{ term: 4n, leaderId: fakeId(0) }] },
    lag: lagOf(view),
    hash: undefined,
    quotaBytes: undefined,
    snapshot: undefined,
    ...more,
    clusterVersion,
  };
}

function lowestMinor(running: readonly { major: number; minor: number }[]): string | undefined {
  const minor = Math.min(...running.map((one) => one.minor));
  return Number.isFinite(minor) ? `3.${minor}.0` : undefined;
}

/** All are OK but those named. */
export function lagOf(view: ClusterView, states: Readonly<Record<string, string>> = {}): LagReport {
  return {
    rounds: 3,
    verdicts: view.members.flatMap((member, index) => {
      const name = `m${index + 1}`;
      const state = states[name] ?? (member.status.ok ? 'OK' : 'UNKNOWN');
      return [{ memberId: fakeId(index), name, state, text: `${name} as ${state}` }];
    }),
  };
}

function makeView(member: FakeMember, index: number, all: readonly ListedMember[]): MemberView {
  const endpoint = endpointOf(index);
  const client = { endpoint } as MemberClient;
  if (member.down) {
    const error = silenceOf(endpoint);
    return { client, endpoint, status: { ok: false, error }, list: { ok: false, error } };
  }
  const status: MemberStatus = {
    sentAtMs: 0,
    receivedAtMs: 1,
    header: { clusterId: 7n, memberId: fakeId(index), revision: 100n, raftTerm: 4n },
    version: member.version ?? '3.5.33',
    dbSizeBytes: 10n * MIB,
    dbSizeInUseBytes: 8n * MIB,
    leaderId: fakeId(0),
    raftIndex: 200n,
    raftAppliedIndex: 200n,
    raftTerm: 4n,
    errors: [],
    isLearner: false,
    storageVersion: '',
    dbSizeQuotaBytes: 0n,
    ...member.status,
  };
  return {
    client,
    endpoint,
    status: { ok: true, value: status },
    list: member.listFails
      ? { ok: false, error: silenceOf(endpoint) }
      : { ok: true, value: member.ownList ?? all },
  };
}

function readOf(view: MemberView, member: FakeMember | undefined) {
  const failed = !view.status.ok || member?.readFails === true;
  const read: Outcome<{
    revision: bigint;
    permissionDenied: boolean;
    sentAtMs: number;
    receivedAtMs: number;
  }> = failed
    ? { ok: false, error: silenceOf(view.endpoint) }
    : {
        ok: true,
        value: { revision: 100n, permissionDenied: false, sentAtMs: 0, receivedAtMs: 2 },
      };
  return read;
}
