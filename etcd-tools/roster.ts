// Who the members are: names for ids, and how many votes there are. Read again now and then, since
// members come and go while `lag --watch` and `serve` run.
import { type ClusterView, nameOf, viewCluster } from './cluster-view.ts';
import { formatId } from './endpoints.ts';
import type { MemberClient } from './member-client.ts';

/** As of one look at the member lists. */
export interface Roster {
  /** One for each member; endpoints that lead to one that is there already are left out. */
  readonly clients: readonly MemberClient[];
  readonly names: ReadonlyMap<bigint, string>;
  /** For endpoints that have not answered. */
  readonly endpointNames: ReadonlyMap<string, string>;
  /** Of the whole cluster, by the member list, or else by who was asked. */
  readonly voterCount: number;
}

/** Throws a CommandError when the endpoints are of different clusters. */
export async function readRoster(clients: readonly MemberClient[]): Promise<Roster> {
  return rosterOf(await viewCluster(clients));
}

export function rosterOf(view: ClusterView): Roster {
  const voters = view.listed.filter(({ isLearner }) => !isLearner).length;
  return {
    clients: view.members.map(({ client }) => client),
    names: new Map(view.listed.map(({ id, name }) => [id, name || formatId(id)])),
    endpointNames: new Map(view.members.map((member) => [member.endpoint, nameOf(view, member)])),
    voterCount: voters === 0 ? view.members.length : voters,
  };
}

/** A member's name; its id in hex while it has none. */
export function memberName({ names }: Roster, id: bigint): string {
  return names.get(id) ?? formatId(id);
}

/** The name of whoever serves, or ought to serve, at an endpoint. */
export function endpointName(roster: Roster, endpoint: string, id: bigint | undefined): string {
  if (id !== undefined) return memberName(roster, id);
  return roster.endpointNames.get(endpoint) ?? endpoint;
}
