// Who asks for most, and what of.
import { expect, test } from 'vitest';
import { recordOf } from './support/records.ts';
import { bring, frameOf, startMetrics as start } from './support/watches.ts';

test('who asks for most is shown by name, and never as a label', async () => {
  const { metrics, at, open, read } = start();
  for (let i = 0; i < 5000; i += 1) {
    const many = i % 3 === 0;
    const record = recordOf(many ? 'GET /api/v1/pods' : 'GET /api/v1/nodes', {
      user: many ? 'jane' : `system:node:${i}`,
      clientAddress: many ? '192.0.2.1' : `198.51.100.${i % 250}`,
      userAgent: many ? 'busy/1' : `agent-${i}/1`,
      responseBytes: 10,
    });
    metrics.entered(record);
    metrics.left(record, 1010);
  }
  open();
  at(11_000);
  const { clientsByRequests, resourcesByRequests, resourcesByWatches } = await metrics.top();
  expect(clientsByRequests[0]?.names).toEqual(['jane', 'busy/1', '192.0.2.1']);
  const { perSecond = 0, errorPerSecond = 0 } = clientsByRequests[0] ?? {};
  // A third of all: 1667 in 11 s.
  expect(perSecond).toBeGreaterThanOrEqual(1667 / 11);
  expect(perSecond - errorPerSecond).toBeLessThanOrEqual(1667 / 11);
  expect(clientsByRequests.length).toBeLessThanOrEqual(20);
  expect(resourcesByRequests.map(({ names }) => names[1])).toEqual(['nodes', 'pods']);
  expect(resourcesByWatches).toEqual([{ names: ['', 'pods'], open: 1 }]);
  expect(JSON.stringify((await read()).samples)).not.toMatch(/agent-|jane|system:node/);
});

test('a long name of a caller costs no more than its first part', async () => {
  const { metrics, open } = start();
  const long = { user: 'x'.repeat(60_000), userAgent: 'y'.repeat(60_000) };
  const record = recordOf('GET /api/v1/pods', long);
  metrics.entered(record);
  metrics.left(record, 1010);
  Object.assign(open(), long);
  const { clientsByRequests, clientsByWatches } = await metrics.top();
  const names = ['x'.repeat(256), 'y'.repeat(256), '192.0.2.7'];
  expect([clientsByRequests[0]?.names, clientsByWatches[0]?.names]).toEqual([names, names]);
});

test('bytes of a watch count while they flow, and not once more when it ends', async () => {
  const { metrics, at, open, read } = start();
  const record = open();
  bring(record, frameOf('MODIFIED', { length: 12_000 }), 2000);
  at(12_000);
  await read();
  bring(record, frameOf('MODIFIED', { length: 50_000 }), 13_000);
  const bytes = async (): Promise<number[]> => {
    const { clientsByBytes, resourcesByBytes } = await metrics.top();
    return [clientsByBytes, resourcesByBytes].map((list) => list[0]?.perSecond ?? 0);
  };
  expect(await bytes()).toEqual([1000, 1000]);
  at(31_000);
  await read();
  await read();
  expect(await bytes()).toEqual([2000, 2000]);
  metrics.left(record, 31_000);
  expect(await bytes()).toEqual([2000, 2000]);
  expect((await metrics.top()).resourcesByRequests).toMatchObject([{ names: ['', 'pods'] }]);
});

test('what was asked long ago is not now', async () => {
  const { metrics, at } = start();
  const record = recordOf('GET /api/v1/pods');
  metrics.entered(record);
  metrics.left(record, 1010);
  at(1010 + 90_000);
  expect((await metrics.top()).clientsByRequests.length).toBe(1);
  at(1010 + 400_000);
  const { clientsByRequests, resourcesByRequests } = await metrics.top();
  expect([clientsByRequests, resourcesByRequests]).toEqual([[], []]);
});
