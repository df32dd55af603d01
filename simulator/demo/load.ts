// Who asks for how much. Real clients are not alike: a few of them ask for most.
import { setTimeout as delay } from 'node:timers/promises';
import { RequestError, type RestClient } from './rest-client.ts';

/** Requests each second of each of `count` clients, `mean` on average: the k-th asks 1/k as much. */
export function requestRates(count: number, mean: number): number[] {
  const shares = Array.from({ length: count }, (_, index) => 1 / (index + 1));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => (mean * count * share) / sum);
}

export interface Work {
  /** The collection. */
  readonly path: string;
  /** The object of this client in it. */
  readonly name: string;
  readonly requestsPerSecond: number;
}

/** Of ten requests one is an update, one a list, and the others are gets. */
const CYCLE = 10;
const LIST_LIMIT = 10;

/** Sends one request after the other until `signal` is aborted; returns what failed for good. */
export async function work(
  rest: RestClient,
  { path, name, requestsPerSecond }: Work,
  signal: AbortSignal,
  errors: string[],
): Promise<void> {
  const meanPauseMs = 1000 / requestsPerSecond;
  // Not all clients begin their cycle with the same request.
  let turn = Math.floor(Math.random() * CYCLE);
  while (!signal.aborted) {
    await delay(meanPauseMs * (0.5 + Math.random()), undefined, { signal });
    try {
      await rest.call(requestOf(turn++ % CYCLE, path, name));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RequestError)) throw error;
      errors.push(error.message);
    }
  }
}

function requestOf(turn: number, path: string, name: string): Parameters<RestClient['call']>[0] {
  if (turn === 0) return updateOf(path, name);
  if (turn === 1) return { method: 'GET', path: `${path}?limit=${LIST_LIMIT}` };
  return { method: 'GET', path: `${path}/${name}` };
}

/** An update without a resourceVersion, which never conflicts. */
export function updateOf(path: string, name: string): Parameters<RestClient['call']>[0] {
  return { method: 'PUT', path: `${path}/${name}`, body: configMap(name) };
}

export function configMap(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { writtenAt: new Date().toISOString() },
  };
}
