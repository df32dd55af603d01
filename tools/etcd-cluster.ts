// A real etcd cluster on loopback, of any version in .tools/bin, whose members can be killed,
// frozen, upgraded, added and removed: for tests and proofs. About 30 MB for each member; three
// are ready after about two seconds.
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ChildGroup } from './child.ts';
import { EtcdAccess } from './etcd-access.ts';
import { type EtcdGateway, type GatewayStatus, integer, listOf } from './etcd-gateway.ts';
import { EtcdMember, findMemberPorts } from './etcd-member.ts';
import { PeerRelay } from './peer-relay.ts';
import { createPki, type Pki } from './pki.ts';
import { poll } from './poll.ts';

export interface EtcdClusterOptions {
  /** Everything is made in here; it is created when it does not exist. */
  readonly directory: string;
  /** How many members; 3 by default. */
  readonly size?: number;
  /** Of the binary, such as `3.5.33`; 3.6.14 by default. */
  readonly version?: string;
  /** Client connections over TLS, with client certificates; peers stay plain. */
  readonly tls?: boolean;
  /** Peers reach each other through relays that `cut` can close, at some cost in latency. */
  readonly relayPeers?: boolean;
  /** By `--snapshot-count`: entries between two raft snapshots. */
  readonly snapshotCount?: number;
  /** By `--quota-backend-bytes`. */
  readonly quotaBytes?: number;
  /** Added to the flags of every member. */
  readonly flags?: readonly string[];
}

/** What `restart` and `addLearner` can change. */
export interface LaunchOptions {
  /**
   * Another binary than before: an upgrade, or a downgrade. Etcd leaves two traps to who is quick:
   * 3.6 panics on a log that still holds entries of the v2 API, which 3.5 writes at each start and
   * a raft snapshot takes away (`snapshotCount` 100 and as many puts); and a member that leaves 3.4
   * before the cluster's version is decided (/version) may later be taken for a removed one.
   */
  readonly version?: string;
  /** False: resolves when the process runs, such as where there is no quorum to be ready with. */
  readonly untilHealthy?: boolean;
}

const DEFAULT_VERSION = '3.6.14';
const STATUS_LIMIT_MS = 1000;
const FOLDERS = ['data', 'log', 'pki'] as const;

/** Starts all members and resolves when each serves a linearizable read. */
export async function startEtcdCluster(options: EtcdClusterOptions): Promise<EtcdCluster> {
  const created = await mkdir(options.directory, { recursive: true });
  for (const folder of FOLDERS) await mkdir(join(options.directory, folder), { recursive: true });
  const pki = options.tls ? await createPki(join(options.directory, 'pki')) : undefined;
  const cluster = new EtcdCluster(options, pki, created !== undefined);
  try {
    await cluster.startFirst(options.size ?? 3);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** A running cluster. Whoever started it must stop it. */
export class EtcdCluster {
  readonly directory: string;
  /** Undefined without TLS. */
  readonly pki: Pki | undefined;
  /** For further processes that are to end with the cluster. */
  readonly children = new ChildGroup();
  readonly #options: EtcdClusterOptions;
  readonly #ownsDirectory: boolean;
  readonly #members: EtcdMember[] = [];
  readonly #access: EtcdAccess;
  /** Undefined without `relayPeers`. */
  readonly relay: PeerRelay | undefined;
  #named = 0;

  constructor(options: EtcdClusterOptions, pki: Pki | undefined, ownsDirectory: boolean) {
    this.directory = options.directory;
    this.pki = pki;
    this.#access = new EtcdAccess(pki);
    this.#options = options;
    this.#ownsDirectory = ownsDirectory;
    this.relay = options.relayPeers ? new PeerRelay() : undefined;
  }

  /** In the order of their starting; removed ones are not among them. */
  get members(): readonly EtcdMember[] {
    return this.#members;
  }

  /** The client URLs of all members. */
  get endpoints(): readonly string[] {
    return this.#members.map(({ clientUrl }) => clientUrl);
  }

  /** Throws when there is no such member. */
  member(index: number): EtcdMember {
    const found = this.#members[index];
    if (found === undefined) throw new Error(`no member ${index} of ${this.#members.length}`);
    return found;
  }

  /** Only for `startEtcdCluster`. */
  async startFirst(size: number): Promise<void> {
    for (let made = 0; made < size; made += 1) this.#members.push(await this.#makeMember());
    const initialCluster = [...this.#members];
    await Promise.all(
      initialCluster.map((member) => member.start({ initialCluster, joins: false })),
    );
  }

  /** The member's JSON gateway, signed in as root when auth is on. Closed with the cluster. */
  gateway(member: EtcdMember): EtcdGateway {
    return this.#access.gateway(member);
  }

  /** A gateway of the caller's own, which it must close, such as one with more connections. */
  openGateway(member: EtcdMember, options: { connections?: number } = {}): EtcdGateway {
    return this.#access.openGateway(member, options);
  }

  /** Runs etcdctl 3.6 against `members`, all by default, as root; standard output is returned. */
  etcdctl(args: readonly string[], members: readonly EtcdMember[] = this.#members) {
    return this.#access.etcdctl(args, members);
  }

  /** Status of every member that runs, all asked at once. */
  async statuses(): Promise<Map<EtcdMember, GatewayStatus>> {
    const running = this.#members.filter((member) => member.running);
    return new Map(
      await Promise.all(
        running.map(async (member) => [member, await this.gateway(member).status()] as const),
      ),
    );
  }

  /** The leader of the highest term; waits for one for up to 30 s. */
  leader(): Promise<EtcdMember> {
    return poll('a leader', async () => {
      const answers = await Promise.all(
        this.#members
          .filter((member) => member.running)
          .map(async (member) => ({ member, status: await this.#tryStatus(member) })),
      );
      return answers
        .filter(({ status }) => status !== undefined && status.leaderId === status.memberId)
        .sort((a, b) => Number((b.status?.raftTerm ?? 0n) - (a.status?.raftTerm ?? 0n)))
        .at(0)?.member;
    });
  }

  /** A voter that is not the leader. */
  async follower(): Promise<EtcdMember> {
    const leader = await this.leader();
    const follower = this.#members.find((member) => member !== leader && member.running);
    if (follower === undefined) throw new Error('no follower runs');
    return follower;
  }

  /** Waits until all members that run have applied equally much. Only without load. */
  async settle(): Promise<void> {
    await poll('equal applied indexes', async () => {
      const statuses = [...(await this.statuses()).values()];
      const applied = statuses.map(({ raftAppliedIndex }) => raftAppliedIndex);
      return new Set(applied).size === 1 ? true : undefined;
    });
  }

  /** Moves leadership to `target`, and waits until `target` knows. */
  async moveLeader(target: EtcdMember): Promise<void> {
    const leader = await this.leader();
    if (leader === target) return;
    const { memberId } = await this.gateway(target).status();
    await this.etcdctl(['move-leader', memberId.toString(16)], [leader]);
    await poll(`${target.name} to lead`, async () => {
      const status = await this.#tryStatus(target);
      return status?.leaderId === memberId ? true : undefined;
    });
  }

  /** Ends the process where one runs, by SIGTERM, and starts one on the same data. */
  async restart(member: EtcdMember, options: LaunchOptions = {}): Promise<void> {
    await member.terminate();
    await this.start(member, options);
  }

  /** Starts a member that does not run, on the data that it has. */
  async start(member: EtcdMember, options: LaunchOptions = {}): Promise<void> {
    // Of a member with data the flags about the cluster are ignored.
    await member.start({ ...options, initialCluster: this.#members, joins: true });
  }

  /** Adds and starts a learner; resolves when its process serves. */
  async addLearner(options: LaunchOptions = {}): Promise<EtcdMember> {
    const member = await this.#makeMember();
    await this.#access.changeMembers(await this.leader(), 'add', {
      peerURLs: [member.peerUrl],
      isLearner: true,
    });
    this.#members.push(member);
    await poll(`${member.name} to serve`, async () => {
      // It ends when it asks one that has not heard of it yet (GetClusterFromRemotePeers).
      if (!member.running) await this.start(member, { untilHealthy: false, ...options });
      return await this.#tryStatus(member);
    });
    return member;
  }

  /** Makes a learner a voter, as soon as the leader finds it in step. */
  async promote(learner: EtcdMember): Promise<void> {
    const { memberId } = await this.gateway(learner).status();
    const leader = await this.leader();
    await this.#access.changeMembers(leader, 'promote', { ID: String(memberId) });
  }

  /** Takes a member out of the cluster, ends its process and removes its data. */
  async remove(member: EtcdMember): Promise<void> {
    const other = this.#members.find((one) => one !== member && one.running);
    if (other === undefined) throw new Error('no other member runs that could remove it');
    const answer = await this.gateway(other).call('cluster/member/list', {});
    const entry = listOf(answer, 'members').find(({ peerURLs }) =>
      Array.isArray(peerURLs) ? peerURLs.includes(member.peerUrl) : false,
    );
    const id = String(integer(entry?.ID));
    await this.#access.changeMembers(other, 'remove', { ID: id });
    await member.kill();
    await member.wipe();
    this.#access.forget(member);
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** Makes user and role root, and turns auth on. Gateways and etcdctl are root from then on. */
  async enableAuth(rootPassword: string): Promise<void> {
    await this.#access.enableAuth(await this.leader(), rootPassword);
  }

  /** Turns auth off; users stay. */
  async disableAuth(): Promise<void> {
    await this.#access.disableAuth(await this.leader());
  }

  /** Nothing passes between `one` and the `others`, all by default. Needs `relayPeers`. */
  cut(one: EtcdMember, others: readonly EtcdMember[] = this.#members): void {
    if (this.relay === undefined) throw new Error('cut: the cluster has no relayPeers');
    for (const other of others) if (other !== one) this.relay.cut(one, other);
  }

  /** Undoes every cut and limit. */
  mend(): void {
    this.relay?.mend();
  }

  /** Kills every process, and removes what was made in `directory`. May be called twice. */
  async stop(): Promise<void> {
    this.#access.close();
    await this.children.stop();
    await this.relay?.close();
    for (const folder of FOLDERS) {
      await rm(join(this.directory, folder), { recursive: true, force: true });
    }
    // Only a folder of our own, and only when nobody has put anything else there.
    if (this.#ownsDirectory) await rmdir(this.directory).catch(() => undefined);
  }

  async #makeMember(): Promise<EtcdMember> {
    const { directory, snapshotCount, quotaBytes, flags = [] } = this.#options;
    const [client = 0, peer = 0, metrics = 0, relay = 0] = await findMemberPorts(4);
    // A name is not used twice: the log of a removed member stays readable.
    this.#named += 1;
    const member = new EtcdMember(
      {
        name: `m${this.#named}`,
        directory,
        ports: { client, peer, metrics },
        advertisedPeerUrl: `http://127.0.0.1:${this.relay === undefined ? peer : relay}`,
        ...(this.pki === undefined ? {} : { pki: this.pki }),
        flags: [
          ...(snapshotCount === undefined ? [] : [`--snapshot-count=${snapshotCount}`]),
          ...(quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`]),
          ...flags,
        ],
      },
      this.children,
      this.#options.version ?? DEFAULT_VERSION,
    );
    await this.relay?.open(member, relay);
    return member;
  }

  /** A frozen member gives no answer, and must not hold up the question who leads. */
  #tryStatus(member: EtcdMember): Promise<GatewayStatus | undefined> {
    const status = this.gateway(member).status();
    return Promise.race([status, delay(STATUS_LIMIT_MS, undefined)]).catch(() => undefined);
  }
}
