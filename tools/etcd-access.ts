// How tests reach the members of one cluster: gateways and etcdctl, with the cluster's certificates
// and, once auth is on, as root.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binaryPath, requireBinaries } from './binaries.ts';
import { EtcdGateway, type GatewayAnswer, GatewayError } from './etcd-gateway.ts';
import type { EtcdMember } from './etcd-member.ts';
import type { Pki } from './pki.ts';
import { poll } from './poll.ts';

/** Must be closed. */
export class EtcdAccess {
  readonly #pki: Pki | undefined;
  readonly #gateways = new Map<EtcdMember, EtcdGateway>();
  #rootPassword: string | undefined;

  constructor(pki: Pki | undefined) {
    this.#pki = pki;
  }

  gateway(member: EtcdMember): EtcdGateway {
    const known = this.#gateways.get(member);
    if (known !== undefined) return known;
    const gateway = this.openGateway(member);
    this.#gateways.set(member, gateway);
    return gateway;
  }

  openGateway(member: EtcdMember, options: { connections?: number } = {}): EtcdGateway {
    const pki = this.#pki;
    const gateway = new EtcdGateway({
      url: member.clientUrl,
      ...(pki && { tls: { ca: pki.clusterCa.cert, cert: pki.admin.cert, key: pki.admin.key } }),
      ...options,
    });
    if (this.#rootPassword !== undefined) gateway.signInAs('root', this.#rootPassword);
    return gateway;
  }

  async etcdctl(args: readonly string[], members: readonly EtcdMember[]): Promise<string> {
    requireBinaries(['etcdctl']);
    const pki = this.#pki;
    const flags = [
      `--endpoints=${members.map(({ clientUrl }) => clientUrl).join(',')}`,
      ...(pki
        ? [
            `--cacert=${pki.clusterCa.certPath}`,
            `--cert=${pki.admin.certPath}`,
            `--key=${pki.admin.keyPath}`,
          ]
        : []),
      ...(this.#rootPassword === undefined ? [] : [`--user=root:${this.#rootPassword}`]),
    ];
    return (await promisify(execFile)(binaryPath('etcdctl'), [...flags, ...args])).stdout;
  }

  async enableAuth(member: EtcdMember, rootPassword: string): Promise<void> {
    const gateway = this.gateway(member);
    await gateway.call('auth/user/add', { name: 'root', password: rootPassword });
    // The role root is made by itself from 3.6 on.
    await gateway.call('auth/role/add', { name: 'root' }).catch((error: unknown) => {
      if (!(error instanceof GatewayError && /already exists/.test(error.message))) throw error;
    });
    await gateway.call('auth/user/grant', { user: 'root', role: 'root' });
    await gateway.call('auth/enable', {});
    this.#rootPassword = rootPassword;
    for (const opened of this.#gateways.values()) opened.signInAs('root', rootPassword);
  }

  async disableAuth(member: EtcdMember): Promise<void> {
    await this.gateway(member).call('auth/disable', {});
    this.#rootPassword = undefined;
    for (const opened of this.#gateways.values()) opened.signOut();
  }

  /** Tries for up to 30 s what etcd does not allow yet. */
  async changeMembers(
    asked: EtcdMember,
    change: 'add' | 'promote' | 'remove',
    body: GatewayAnswer,
  ): Promise<void> {
    await poll(`member ${change}`, async () => {
      try {
        return await this.gateway(asked).call(`cluster/member/${change}`, body);
      } catch (error) {
        // A peer counts as healthy 5 s after it has been connected (HealthInterval in etcd's
        // server.go), and a learner can be promoted when it is in step with the leader.
        const early = /unhealthy cluster|in sync with leader/;
        if (error instanceof GatewayError && early.test(error.message)) return undefined;
        throw error;
      }
    });
  }

  forget(member: EtcdMember): void {
    this.#gateways.get(member)?.close();
    this.#gateways.delete(member);
  }

  close(): void {
    for (const gateway of this.#gateways.values()) gateway.close();
    this.#gateways.clear();
  }
}
