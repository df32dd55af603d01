// One look at the whole cluster: every member is asked what it is and whom it takes for members. A
// member that does not answer is part of the view, not an exception.
import { largest } from './bigints.ts';
import { identifyMembers, parseEndpoints } from './endpoints.ts';
import type { MemberClient } from './member-client.ts';
import { MemberError } from './member-error.ts';
import type { ListedMember, MemberStatus } from './member-report.ts';

/** An answer, or why there is none. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: MemberError };

/** One endpoint and what came of it. */
export interface MemberView {
  readonly client: MemberClient;
  readonly endpoint: string;
  readonly status: Outcome<MemberStatus>;
  /** As this member sees the cluster. */
  readonly list: Outcome<readonly ListedMember[]>;
}

export interface ClusterView {
  /** One for each member that answered, and one for each endpoint that did not. */
  readonly members: readonly MemberView[];
  /** The list that most members gave; empty when none did. */
  readonly listed: readonly ListedMember[];
  /** Endpoints that lead to a member that another one has led to already. */
  readonly duplicates: readonly string[];
}

/** Waits for a call; anything but a MemberError is a bug and is thrown. */
export async function outcomeOf<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await call };
  } catch (error) {
    if (error instanceof MemberError) return { ok: false, error };
    throw error;
  }
}

/** Asks all at once. Throws a CommandError when the endpoints are of different clusters. */
export async function viewCluster(clients: readonly MemberClient[]): Promise<ClusterView> {
  const all = await Promise.all(clients.map(viewMember));
  const { members: known, duplicates } = identifyMembers(
    all.flatMap((of) =>
      of.status.ok
        ? parseEndpoints(of.endpoint, false).map((endpoint) => ({
            endpoint,
            header: of.status.ok ? of.status.value.header : { clusterId: 0n, memberId: 0n },
            of,
          }))
        : [],
    ),
  );
  const repeated = new Set(duplicates.map(({ of }) => of));
  return {
    members: all.filter((view) => !repeated.has(view)),
    listed: commonList(known.map(({ of }) => of)),
    duplicates: [...repeated].map(({ endpoint }) => endpoint),
  };
}

async function viewMember(client: MemberClient): Promise<MemberView> {
  const [status, list] = await Promise.all([
    outcomeOf(client.status()),
    outcomeOf(client.memberList().then(({ members }) => members)),
  ]);
  return { client, endpoint: client.endpoint, status, list };
}

/** The same for two lists with the same members, in whatever order. */
export function listKey(list: readonly ListedMember[]): string {
  const rows = list.map(({ id, name, peerUrls, clientUrls, isLearner }) =>
    [id, name, [...peerUrls].sort(), [...clientUrls].sort(), isLearner].join(' '),
  );
  return rows.sort().join('\n');
}

function commonList(views: readonly MemberView[]): readonly ListedMember[] {
  const lists = views.flatMap(({ list }) => (list.ok ? [list.value] : []));
  const groups = [...Map.groupBy(lists, listKey).values()];
  return groups.sort((a, b) => b.length - a.length)[0]?.[0] ?? [];
}

/** Those that answered, with their status at hand. */
export function answering(
  view: ClusterView,
): { readonly member: MemberView; readonly status: MemberStatus }[] {
  return view.members.flatMap((member) =>
    member.status.ok ? [{ member, status: member.status.value }] : [],
  );
}

/** The name of the list where there is one, else the endpoint. */
export function nameOf(view: ClusterView, member: MemberView): string {
  if (!member.status.ok) {
    const listed = view.listed.find(({ clientUrls }) =>
      clientUrls.some((url) => url.replace(/\/$/, '') === member.endpoint),
    );
    return listed?.name || member.endpoint;
  }
  const { memberId } = member.status.value.header;
  return view.listed.find(({ id }) => id === memberId)?.name || member.endpoint;
}

/**
 * The member that most of those with the highest term take for leader; undefined when there is none
 * or no agreement. One that was cut off may still believe in an old leader of a lower term.
 */
export function leaderId(statuses: readonly MemberStatus[]): bigint | undefined {
  const term = largest(statuses.map(({ raftTerm }) => raftTerm));
  const votes = statuses.filter(({ raftTerm, leaderId: id }) => raftTerm === term && id !== 0n);
  const groups = [...Map.groupBy(votes, ({ leaderId: id }) => id)];
  return groups.length === 1 ? groups[0]?.[0] : undefined;
}

/** Words of `Status.errors`: NOSPACE, CORRUPT. Their text differs by release, the alarm's name not. */
export function alarmsOf({ errors }: MemberStatus): string[] {
  return errors.flatMap((error) => {
    const alarm = /alarm:\s*(\w+)/.exec(error)?.[1];
    return alarm === undefined || alarm === 'NONE' ? [] : [alarm];
  });
}
