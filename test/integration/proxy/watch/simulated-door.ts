// The door in the test's own process, before simulated apiservers, and what the store did meanwhile.
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createLog } from '../../../../common/log.ts';
import { type Config, parseConfig } from '../../../../proxy/config.ts';
import { type Door, openDoor } from '../../../../proxy/server.ts';
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../../simulator/cluster.ts';
import type { Replica } from '../../../../simulator/replica.ts';
import type { Pki } from '../../../../tools/pki.ts';
import { openWatch, type Seen, type WatchClient, type WatchOptions } from './watch-client.ts';

export const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

export interface SimulatedDoor {
  readonly door: Door;
  readonly simulator: Simulator;
  /** Every change of a configmap so far, in order. */
  readonly history: readonly Seen[];
  replica(index: number): Replica;
  /** The door is given another list of endpoints, as by an edit of its file. */
  list(endpoints: readonly Listed[]): void;
  /** Creates or updates a configmap of about so many bytes. */
  write(name: string, bytes?: number): void;
  remove(name: string): void;
  /** Opens a watch through the door; it ends with the fixture. */
  watch(query: string, options?: Partial<WatchOptions>): Promise<WatchClient>;
  /** A connection of its own, for the sharing of which a test decides. */
  session(): ClientHttp2Session;
  /** The revision that a LIST would return now. */
  readonly revision: number;
  /** Samples of /metrics that begin with `prefix`, summed. */
  metric(prefix: string): Promise<number>;
  close(): Promise<void>;
}

/** An endpoint as the configuration names it. */
export type Listed = string | { readonly name: string; readonly url: string };

export interface SimulatedDoorOptions {
  /** Which replicas the door knows at first; all by default. */
  readonly listed?: (replicas: readonly Replica[]) => readonly Listed[];
  readonly simulator?: SimulatorOptions;
  readonly config?: Readonly<Record<string, object>>;
}

/** Resolves when all replicas are ready. */
export async function openSimulatedDoor(
  options: SimulatedDoorOptions = {},
): Promise<SimulatedDoor> {
  const simulator = await startSimulator(options.simulator);
  const { pki, store, replicas } = simulator;
  const { listed = (all) => all.map(({ url }) => url) } = options;
  const configOf = (endpoints: readonly Listed[]): Config =>
    parseConfig(configText(pki, endpoints, options.config), (path) => readFileSync(path, 'utf8'));
  const door = await openDoor(
    configOf(listed(replicas)),
    createLog({ level: 'silent' }),
    '0.0.0-test',
  );
  while (door.readyEndpoints() < door.endpointCount) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const history: Seen[] = [];
  store.subscribe(({ resource, type, object }) => {
    if (resource !== 'configmaps') return;
    history.push({ type, version: object.metadata.resourceVersion });
  });
  const clients: WatchClient[] = [];
  const sessions: ClientHttp2Session[] = [];
  const session = (): ClientHttp2Session => {
    const made = connect(`https://127.0.0.1:${door.port}`, {
      ca: pki.clusterCa.cert,
      cert: pki.admin.cert,
      key: pki.admin.key,
    });
    made.on('error', () => {});
    sessions.push(made);
    return made;
  };
  const keyOf = (name: string): string => `default/${name}`;
  let turn = 0;
  return {
    door,
    simulator,
    history,
    replica(index) {
      const replica = replicas[index];
      if (replica === undefined) throw new Error(`no replica ${index}`);
      return replica;
    },
    list: (endpoints) => door.reload(configOf(endpoints)),
    write(name, bytes = 100) {
      turn += 1;
      const data = { turn: `${turn}`, text: 'x{"\\'.repeat(bytes / 4) };
      const before = store.get('configmaps', keyOf(name));
      if (before === undefined) simulator.create('configmaps', { metadata: { name }, data });
      else store.update('configmaps', keyOf(name), { ...before, data });
    },
    remove(name) {
      store.delete('configmaps', keyOf(name));
    },
    async watch(query, watchOptions = {}) {
      const client = await openWatch(`${CONFIGMAPS}?watch=true&${query}`, {
        port: door.port,
        pki,
        ...watchOptions,
      });
      clients.push(client);
      return client;
    },
    session,
    get revision() {
      return store.revision;
    },
    async metric(prefix) {
      const answer = await fetch(`http://127.0.0.1:${door.adminPort}/metrics`);
      const lines = (await answer.text()).split('\n').filter((line) => line.startsWith(prefix));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    async close() {
      for (const client of clients) client.cancel();
      for (const open of sessions) open.destroy();
      await door.drain();
      await simulator.stop();
    },
  };
}

function configText(pki: Pki, endpoints: readonly Listed[], config: object = {}): string {
  return JSON.stringify({
    listen: {
      address: '127.0.0.1',
      port: 0,
      certificate: pki.door.certPath,
      key: pki.door.keyPath,
    },
    identity: { clientCA: pki.clusterCa.certPath },
    frontProxy: { certificate: pki.frontProxy.certPath, key: pki.frontProxy.keyPath },
    upstream: { ca: pki.clusterCa.certPath, endpoints },
    health: { interval: '200ms', timeout: '1s' },
    admin: { port: 0 },
    drain: { timeout: '5s', watchSpread: '50ms' },
    ...config,
  });
}
