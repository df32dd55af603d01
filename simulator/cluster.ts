// N replicas over one store: the control plane that demo and quick tests run against. It stands
// for the real one where the protocol matters; test/cluster/simulator-differential.test.ts holds
// the list of what differs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPki, type Pki } from '../tools/pki.ts';
import { Encoder } from './encoder.ts';
import type { Identity } from './identity.ts';
import type { StoredObject } from './objects.ts';
import { Replica } from './replica.ts';
import { createDirectly, seed } from './seed.ts';
import type { ServingConfig } from './serving.ts';
import { Store } from './store.ts';

/** Everything is optional: the defaults are three replicas on free ports with a PKI of their own. */
export interface SimulatorOptions {
  /** Number of replicas. Default 3. */
  readonly replicas?: number;
  /** Port of each replica; free ones by default. */
  readonly ports?: readonly number[];
  /** Certificates to use. By default new ones are made, in `directory` or a temporary folder. */
  readonly pki?: Pki;
  readonly directory?: string;
  /** Bearer tokens. Default: `DEFAULT_TOKENS`. */
  readonly tokens?: Readonly<Record<string, Identity>>;
  /** Default `['system:masters']`. */
  readonly allowedGroups?: readonly string[];
  /** Default 60,000. */
  readonly bookmarkIntervalMs?: number;
  /** Events that each replica keeps per resource. Default 1000. */
  readonly historySize?: number;
  /** Events that the store keeps for continue tokens. Default 50,000. */
  readonly storeHistorySize?: number;
  /** How long a read waits for a lagging replica before its 504. Default 3000. */
  readonly freshnessTimeoutMs?: number;
  /** Default 1000. */
  readonly logIntervalMs?: number;
  /** Default 4 MiB. */
  readonly watchBufferMaxBytes?: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. Default 100, as kube-apiserver's. */
  readonly maxConcurrentStreams?: number;
}

/** A running simulator. */
export interface Simulator {
  readonly replicas: readonly Replica[];
  readonly store: Store;
  readonly pki: Pki;
  /** Writes an object as if a client had: `create('pods', { metadata: { name, namespace } })`. */
  create(plural: string, object: object): StoredObject;
  /** Ends all replicas at once and removes what was made. */
  stop(): Promise<void>;
}

/** The same tokens that the real control plane of tools/control-plane.ts knows. */
export const DEFAULT_TOKENS: Readonly<Record<string, Identity>> = {
  'token-admin': { username: 'admin-token', uid: 'uid-admin', groups: ['system:masters'] },
  'token-alice': { username: 'alice', uid: 'uid-alice', groups: ['dev', 'ops'] },
};

const DEFAULT_REPLICAS = 3;

/** Starts a simulator; when it resolves, every replica answers. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { pki, remove } = await preparePki(options);
  const { storeHistorySize } = options;
  const store = new Store(storeHistorySize === undefined ? {} : { historySize: storeHistorySize });
  seed(store);
  const parts = { store, encoder: new Encoder(), pki, config: servingConfig(options) };
  const count = options.replicas ?? options.ports?.length ?? DEFAULT_REPLICAS;
  const replicas = Array.from(
    { length: count },
    (_, index) => new Replica(`apiserver-${index + 1}`, parts, options.ports?.[index]),
  );
  const stop = async () => {
    for (const replica of replicas) replica.kill();
    await remove();
  };
  try {
    await Promise.all(replicas.map((replica) => replica.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    replicas,
    store,
    pki,
    create: (plural, object) => createDirectly(store, plural, object),
    stop,
  };
}

function servingConfig(options: SimulatorOptions): ServingConfig {
  return {
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
    freshnessTimeoutMs: options.freshnessTimeoutMs ?? 3000,
    logIntervalMs: options.logIntervalMs ?? 1000,
    watchBufferMaxBytes: options.watchBufferMaxBytes ?? 4 * 1024 * 1024,
    maxConcurrentStreams: options.maxConcurrentStreams ?? 100,
    historySize: options.historySize ?? 1000,
    allowedGroups: options.allowedGroups ?? ['system:masters'],
    authentication: { tokens: options.tokens ?? DEFAULT_TOKENS },
  };
}

async function preparePki({ pki, directory }: SimulatorOptions) {
  if (pki) return { pki, remove: async () => {} };
  if (directory !== undefined) return { pki: await createPki(directory), remove: async () => {} };
  const temporary = await mkdtemp(join(tmpdir(), 'evenkeel-simulator-'));
  return {
    pki: await createPki(temporary),
    remove: () => rm(temporary, { recursive: true, force: true }),
  };
}
