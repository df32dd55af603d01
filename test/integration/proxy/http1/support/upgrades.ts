// Upgrade requests through the front and a carrier to a backend, for both carriers.
import { afterEach, beforeEach, expect } from 'vitest';
import { carrySpdy } from '../../../../../proxy/http1/spdy.ts';
import { createTunnels, type Tunnels } from '../../../../../proxy/http1/tunnels.ts';
import type {
  TunnelEnd,
  UpgradeOutcome,
  UpgradeRequest,
} from '../../../../../proxy/http1/upgrade.ts';
import { type UpgradeLimits, upgradeDefaults } from '../../../../../proxy/http1/upgrade-attempt.ts';
import { carryWebSocket } from '../../../../../proxy/http1/websocket.ts';
import { until } from './arrivals.ts';
import { type Fixture, useFrontDoor } from './fixture.ts';
import type { FrontDoor } from './front-door.ts';
import type { RawClient } from './raw-client.ts';
import { type BackendConnection, openBackend, type UpgradeBackend } from './upgrade-backend.ts';

export interface Carrier {
  readonly carry: typeof carrySpdy;
  readonly request: string;
  readonly protocol: UpgradeRequest['protocol'];
  readonly upgrade: string;
}

export const PATH = '/api/v1/namespaces/a/pods/b/exec?command=sh&command=//x';
const websocket: Carrier = {
  carry: carryWebSocket,
  request:
    `GET ${PATH} HTTP/1.1\r\nHost: door:6443\r\nConnection: keep-alive, Upgrade\r\n` +
    'Upgrade: websocket\r\nSec-WebSocket-Key: a==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n' +
    'X-Twice: 1\r\nX-Twice: 2\r\n\r\n',
  protocol: 'websocket',
  upgrade: 'websocket',
};
const spdy: Carrier = {
  carry: carrySpdy,
  request:
    `POST ${PATH} HTTP/1.1\r\nHost: door:6443\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n` +
    'Content-Length: 0\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n' +
    'X-Twice: 1\r\nX-Twice: 2\r\n\r\n',
  protocol: 'spdy',
  upgrade: 'SPDY/3.1',
};
const other: Carrier = {
  carry: carrySpdy,
  request:
    `GET ${PATH} HTTP/1.1\r\nHost: door:6443\r\nConnection: upgrade\r\nUpgrade: tcp\r\n` +
    'X-Twice: 1\r\nX-Twice: 2\r\n\r\n',
  protocol: 'other',
  upgrade: 'tcp',
};

export const carriers: [string, Carrier][] = [
  ['WebSocket', websocket],
  ['SPDY', spdy],
  ['another protocol', other],
];

/** Every row for every carrier; the name of the row comes second, as in the titles of tests. */
export function withCarriers<T extends unknown[]>(
  rows: readonly [string, ...T][],
): [string, string, Carrier, ...T][] {
  return carriers.flatMap(([name, carrier]) =>
    rows.map(([row, ...rest]): [string, string, Carrier, ...T] => [name, row, carrier, ...rest]),
  );
}

/** The 101 of a backend. */
export function switching(carrier: Carrier): string {
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${carrier.upgrade}\r\n\r\n`;
}

export interface StartedUpgrade {
  readonly to: FrontDoor;
  readonly client: RawClient;
  readonly request: UpgradeRequest;
  readonly outcome: Promise<UpgradeOutcome>;
  readonly upstream: BackendConnection;
  /** What the backend received. */
  readonly head: string;
}

export interface Upgrades {
  readonly front: Fixture;
  readonly backend: UpgradeBackend;
  readonly tunnels: Tunnels;
  /** A client's request that has arrived at the backend. */
  start(carrier: Carrier, early?: string): Promise<StartedUpgrade>;
  /** A tunnel. */
  open(carrier: Carrier): Promise<StartedUpgrade & { ended: Promise<TunnelEnd> }>;
  /** Waits until both sides are closed and nothing is counted. */
  expectNothingLeft(to: FrontDoor, client: RawClient): Promise<void>;
  /** Checks the status that the client got, and that it is the end; returns the body. */
  expectAnswer(
    outcome: Promise<UpgradeOutcome>,
    client: RawClient,
    status: number,
  ): Promise<string>;
}

// Raw clients do not close when the door does; so that the tests need not wait for them.
const linger = { flushMs: 1000, lingerMs: 100, maxBytes: 1024 * 1024 };

export const limits: UpgradeLimits = { ...upgradeDefaults, linger };

/** Registers the front, and a backend and tunnels for each test. */
export function useUpgrades(): Upgrades {
  const front = useFrontDoor();
  let parts: { backend: UpgradeBackend; tunnels: Tunnels } | undefined;
  beforeEach(async () => {
    const tunnels = createTunnels(linger);
    parts = { backend: await openBackend(front.pki), tunnels };
  });
  afterEach(async () => {
    parts?.tunnels.closeAll();
    await parts?.backend.close();
  });
  const made = () => {
    if (parts === undefined) throw new Error('the backend is made in beforeEach');
    return parts;
  };
  const upgrades: Upgrades = {
    front,
    get backend() {
      return made().backend;
    },
    get tunnels() {
      return made().tunnels;
    },
    start: async (carrier, early = '') => {
      const { backend, tunnels } = made();
      const { to, client } = await front.open();
      client.write(carrier.request + early);
      const request = await to.upgrades.next();
      const outcome = carrier.carry(request, backend.target(request.headers), tunnels, limits);
      const upstream = await backend.connections.next();
      const head = await upstream.expectText(/\r\n\r\n/);
      return { to, client, request, outcome, upstream, head };
    },
    open: async (carrier) => {
      const started = await upgrades.start(carrier);
      started.upstream.socket.write(switching(carrier));
      await started.client.expectText(/\r\n\r\n/);
      const outcome = await started.outcome;
      if (outcome.kind !== 'switched') throw new Error(`not switched: ${JSON.stringify(outcome)}`);
      expect(made().tunnels.open).toBe(1);
      return { ...started, ended: outcome.ended };
    },
    expectNothingLeft: async (to, client) => {
      const { backend, tunnels } = made();
      await client.closed();
      await until('the upstream side is closed', () => backend.open === 0);
      await until('nothing is counted', () => tunnels.open + tunnels.pending === 0);
      await until('the client side is closed', () => to.open === 0);
      expect(to.front.connections).toBe(0);
    },
    expectAnswer,
  };
  return upgrades;
}

async function expectAnswer(
  outcome: Promise<UpgradeOutcome>,
  client: RawClient,
  status: number,
): Promise<string> {
  expect(await outcome).toMatchObject({ kind: 'answered', status });
  await client.closed();
  expect(client.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(client.received).toMatch(/\r\nconnection: close\r\n/i);
  return client.received.slice(client.received.indexOf('\r\n\r\n') + 4);
}
