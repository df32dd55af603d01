// The simulated apiservers of an attacked door, in a thread of their own: what attacks cost them must
// not be taken for what honest clients wait for.
import { parentPort, workerData } from 'node:worker_threads';
import { startSimulator } from '../../simulator/cluster.ts';
import type { Pki } from '../../tools/pki.ts';

/** What the thread is started with. */
export interface ApiserversData {
  /** Without what makes more of it, which cannot go into a message. */
  readonly pki: Omit<Pki, 'issueClient'>;
  readonly replicas: number;
  /** By name: how long their text is. */
  readonly objects: Readonly<Record<string, number>>;
}

/** What it answers when they serve. */
export type ApiserverEndpoints = readonly { readonly name: string; readonly url: string }[];

const { pki, replicas, objects } = workerData as ApiserversData;
const issueClient = (): Promise<never> => Promise.reject(new Error('no client is issued here'));
const simulator = await startSimulator({ replicas, pki: { ...pki, issueClient } });
for (const [name, chars] of Object.entries(objects)) {
  const metadata = { name, namespace: 'default' };
  simulator.create('configmaps', { metadata, data: { text: 'x'.repeat(chars) } });
}
const endpoints: ApiserverEndpoints = simulator.replicas.map(({ name, url }) => ({ name, url }));
parentPort?.postMessage(endpoints);
