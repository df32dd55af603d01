// Opens the members that the flags name.
import { readCredentials } from './credentials.ts';
import { parseEndpoints } from './endpoints.ts';
import { connectMember } from './member.ts';
import type { MemberClient } from './member-client.ts';
import type { ConnectionFlags } from './options.ts';

/** In the order given; nothing is dialled yet. Throws a CommandError for a wrong flag or file. */
export async function connectMembers(flags: ConnectionFlags): Promise<readonly MemberClient[]> {
  const credentials = await readCredentials(flags);
  return parseEndpoints(flags.endpoints ?? '', credentials.tls !== undefined).map((endpoint) =>
    connectMember({ ...credentials, endpoint, timeoutMs: flags.timeoutMs }),
  );
}
