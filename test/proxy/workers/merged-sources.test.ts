import { expect, test } from 'vitest';
import { MergedSources } from '../../../proxy/workers/merged-sources.ts';
import type { WorkerLoad } from '../../../proxy/workers/messages.ts';

function load(change: Partial<WorkerLoad['endpoints'][number]> = {}): WorkerLoad {
  return {
    http2Connections: 3,
    http1Connections: 2,
    openTunnels: 1,
    endpoints: [
      {
        name: 'one',
        url: 'https://one',
        ejected: false,
        requests: 5,
        longRunning: 7,
        pools: [{ identity: 'bearer', purpose: 'short', connections: 2 }],
        ...change,
      },
      {
        name: 'two',
        url: 'https://two',
        ejected: false,
        requests: 100,
        longRunning: 100,
        pools: [],
      },
    ],
  };
}

const one = { name: 'one', url: 'https://one', ready: true, available: true, availableForMs: 9 };

test('what the workers carry is added up, endpoint by endpoint', () => {
  const sources = new MergedSources(
    () => [one],
    () => [load(), load()],
  );
  expect(sources).toMatchObject({ http2Connections: 6, http1Connections: 4, openTunnels: 2 });
  expect(sources.endpoints[0]?.load).toEqual({ requests: 10, longRunning: 14 });
  expect(sources.endpoints[0]?.connectionCounts()).toEqual([['bearer short', 4]]);
});

test('an endpoint is ejected when every worker has ejected it, and then not available', () => {
  const some = new MergedSources(
    () => [one],
    () => [load({ ejected: true }), load()],
  );
  expect(some.endpoints[0]).toMatchObject({ ejected: false, available: true });
  const all = new MergedSources(
    () => [one],
    () => [load({ ejected: true }), load({ ejected: true })],
  );
  expect(all.endpoints[0]).toMatchObject({ ejected: true, available: false });
});

test('before a worker has reported nothing is available, and no endpoint counts as ejected', () => {
  // The door would say that it is ready while nobody listens on its port.
  const sources = new MergedSources(
    () => [one],
    () => [],
  );
  expect(sources.http2Connections).toBe(0);
  expect(sources.endpoints[0]).toMatchObject({ ejected: false, available: false });
});
