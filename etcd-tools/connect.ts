// Opens the members that the flags name.
import { randomBytes } from 'node:crypto';
import type { OpenCluster } from './command.ts';
import { readCredentials } from './credentials.ts';
import { parseEndpoints } from './endpoints.ts';
import { connectMember } from './member.ts';
import { MemberError } from './member-error.ts';
import type { ConnectionFlags } from './options.ts';
import { readClusterVersion } from './version-endpoint.ts';

/** In the order given; nothing is dialled yet. Throws a CommandError for a wrong flag or file. */
export async function openCluster(flags: ConnectionFlags): Promise<OpenCluster> {
  const { timeoutMs } = flags;
  const credentials = await readCredentials(flags);
  const endpoints = parseEndpoints(flags.endpoints ?? '', credentials.tls !== undefined);
  return {
    members: endpoints.map((endpoint) => connectMember({ ...credentials, endpoint, timeoutMs })),
    async isAuthOn() {
      for (const endpoint of endpoints) {
        // A name that nobody has: with auth on it is refused before anything is proposed to raft
        // (CheckPassword in Authenticate of etcd's server/etcdserver/v3_server.go), with auth off
        // members say that it is. AuthStatus would be a raft entry, and takes root.
        const password = randomBytes(16).toString('hex');
        const user = { name: 'evenkeel-etcd-asks-if-auth-is-on', password };
        const asked = connectMember({ ...credentials, user, endpoint, timeoutMs });
        try {
          await asked.linearizableRead();
          return false;
        } catch (error) {
          if (!(error instanceof MemberError)) throw error;
          if (error.call === 'Authenticate' && error.code === 'unauthenticated') return true;
        } finally {
          asked.close();
        }
      }
      return undefined;
    },
    async clusterVersion() {
      const told = await Promise.all(
        endpoints.map((endpoint) => readClusterVersion(endpoint, credentials.tls, timeoutMs)),
      );
      return told.find((version) => version !== undefined);
    },
  };
}
