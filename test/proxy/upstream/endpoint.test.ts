import { expect, test } from 'vitest';
import { Endpoint } from '../../../proxy/upstream/endpoint.ts';

function readyEndpoint(): Endpoint {
  const endpoint = new Endpoint({
    name: 'e1',
    host: '127.0.0.1',
    port: 1,
    health: { healthyAfter: 1, unhealthyAfter: 1 },
    outlier: {
      consecutiveFailures: 5,
      baseEjectionMs: 10_000,
      maxEjectionMs: 300_000,
      maxEjectedPercent: 50,
    },
    nowMs: () => 1000,
    mayEject: () => true,
    onChange() {},
  } as unknown as ConstructorParameters<typeof Endpoint>[0]);
  endpoint.checked(true, '');
  return endpoint;
}

test('many requests that one GOAWAY left unprocessed do not eject an endpoint', () => {
  const endpoint = readyEndpoint();
  for (let i = 0; i < 50; i++) endpoint.lost('GOAWAY NO_ERROR', true);
  expect(endpoint.available).toBe(true);
  // Others are preferred for a moment.
  expect(endpoint.load.penaltyAt(1000)).toBeGreaterThan(0);
});

test('requests that were lost after they may have been processed do', () => {
  const endpoint = readyEndpoint();
  for (let i = 0; i < 5; i++) endpoint.lost('connection reset', false);
  expect(endpoint.ejected).toBe(true);
});
