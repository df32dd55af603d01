// Carried watches between a client and endpoints that are both played by the test. Time is
// vitest's: nothing happens until the test lets it pass.
import { vi } from 'vitest';
import type { Connection } from '../../../../proxy/http2/connection.ts';
import type { Client } from '../../../../proxy/identity/client.ts';
import { createWatchFramer } from '../../../../proxy/kube/watch-framer.ts';
import { enterRecord, type RequestRecord } from '../../../../proxy/observe/request-record.ts';
import { Endpoint } from '../../../../proxy/upstream/endpoint.ts';
import { CarriedWatch } from '../../../../proxy/watch/carried-watch.ts';
import { type WatchPolicy, WatchRegistry } from '../../../../proxy/watch/watch-registry.ts';
import { TestStream } from './test-stream.ts';

const POLICY: WatchPolicy = {
  continuationsPerSecond: 1000,
  maxWaitMs: 10_000,
  maxOverMean: 1.1,
  minDifference: 10,
  movesPerSecond: 50,
  settleMs: 5000,
};
const CLIENT = { protocol: 'h2', address: '127.0.0.1' } as Client;
const PATH = '/api/v1/configmaps';

/** A request for a watch that the door has sent to an endpoint. */
export interface Opened {
  readonly endpoint: Endpoint;
  readonly query: URLSearchParams;
  readonly stream: TestStream;
}

export interface TestWatch {
  readonly watch: CarriedWatch;
  /** The client's side. */
  readonly front: TestStream;
  /** The answer to the client's own request. */
  readonly first: TestStream;
  readonly opened: readonly Opened[];
  readonly record: RequestRecord;
  /** How the door saw it end. */
  ended: { readonly code: string | undefined } | undefined;
}

export class WatchBench {
  readonly endpoints: readonly Endpoint[];
  /** Those that are on the list. */
  readonly balancer: { endpoints: readonly Endpoint[] };
  readonly registry: WatchRegistry;
  /** `reason result` of each outcome. */
  readonly outcomes: string[] = [];
  readonly gapsMs: number[] = [];
  readonly bugs: unknown[] = [];
  /** Endpoints that have no connection to give. */
  readonly full = new Set<Endpoint>();
  /** Endpoints of which a connection is silent. */
  readonly suspected = new Set<Endpoint>();
  /** The connection that each endpoint's watches are on. */
  readonly connections = new Map<Endpoint, { lastReadAtMs: number }>();
  readonly nowMs = (): number => performance.now();

  constructor(endpointCount = 3, policy: Partial<WatchPolicy> = {}) {
    vi.useFakeTimers();
    this.endpoints = Array.from({ length: endpointCount }, (_, i) => this.endpoint(`e${i + 1}`));
    this.balancer = { endpoints: this.endpoints };
    this.registry = new WatchRegistry(
      this.balancer,
      { ...POLICY, ...policy },
      {
        moved: (reason, result) => this.outcomes.push(`${reason} ${result}`),
        gap: (gapMs) => this.gapsMs.push(gapMs),
      },
      this.nowMs,
      (error) => this.bugs.push(error),
    );
    // Old enough for every event to be newer.
    this.pass(60_000);
  }

  at(index: number): Endpoint {
    const endpoint = this.endpoints[index];
    if (endpoint === undefined) throw new Error(`no endpoint ${index}`);
    return endpoint;
  }

  pass(durationMs: number): void {
    vi.advanceTimersByTime(durationMs);
  }

  /** Not available for the next watch, as after a refused connection. */
  setReady(index: number, ready: boolean): void {
    this.at(index).checked(ready, 'test');
  }

  /** It is not in the configuration any more. */
  remove(index: number): void {
    const endpoint = this.at(index);
    this.balancer.endpoints = this.balancer.endpoints.filter((one) => one !== endpoint);
    endpoint.leave();
    this.registry.empty(endpoint);
  }

  /** Nothing has been read from the connection to an endpoint for two seconds. */
  suspect(index: number): void {
    this.suspected.add(this.at(index));
    this.registry.suspect(this.at(index), this.connectionOf(this.at(index)));
  }

  /** A watch that the endpoint at `index` has just answered with 200. */
  carry(index: number, query = 'resourceVersion=5'): TestWatch {
    const endpoint = this.at(index);
    const target = `${PATH}?watch=true&${query}`;
    const [front, first] = [new TestStream(), new TestStream()];
    const record = enterRecord(CLIENT, [':method', 'GET', ':path', target], this.nowMs());
    record.answeredAtMs = this.nowMs();
    const opened: Opened[] = [];
    const framer = createWatchFramer('application/json');
    if (framer === undefined) throw new Error('JSON is framed');
    const test: { ended: TestWatch['ended'] } = { ended: undefined };
    const watch = new CarriedWatch(
      {
        front,
        record,
        target,
        open: (where, newTarget, listener) => {
          if (this.full.has(where)) return undefined;
          const stream = new TestStream();
          stream.listener = listener;
          const query = new URLSearchParams(newTarget.split('?')[1]);
          opened.push({ endpoint: where, query, stream });
          return { stream, connection: this.connectionOf(where) };
        },
        ended: (code) => {
          test.ended = { code };
        },
      },
      'application/json',
      this.registry,
      this.nowMs,
    );
    watch.begin(endpoint, { stream: first, connection: this.connectionOf(endpoint), framer });
    return Object.assign(test, { watch, front, first, opened, record });
  }

  connectionOf(endpoint: Endpoint): Connection {
    const connection = this.connections.get(endpoint) ?? { lastReadAtMs: 0 };
    this.connections.set(endpoint, connection);
    return connection as Connection;
  }

  /** Watches that each endpoint counts: what is left of them at the end is a leak. */
  get loads(): number[] {
    return this.endpoints.map(({ load }) => load.longRunning);
  }

  private endpoint(name: string): Endpoint {
    const { suspected } = this;
    class TestEndpoint extends Endpoint {
      override get suspected(): boolean {
        return suspected.has(this);
      }
    }
    const endpoint = new TestEndpoint({
      name,
      host: '127.0.0.1',
      port: 1,
      health: { healthyAfter: 1, unhealthyAfter: 1 },
      nowMs: this.nowMs,
      onChange() {},
    } as unknown as ConstructorParameters<typeof Endpoint>[0]);
    endpoint.checked(true, '');
    return endpoint;
  }
}

/** One event as an apiserver writes it. */
export function event(version: number, type = 'MODIFIED'): string {
  const metadata = { name: 'x', resourceVersion: `${version}` };
  return `${JSON.stringify({ type, object: { kind: 'ConfigMap', apiVersion: 'v1', metadata } })}\n`;
}

export function initialEnd(version: number): string {
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const metadata = { resourceVersion: `${version}`, annotations };
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata };
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}

export function failure(code: number): string {
  const object = { kind: 'Status', apiVersion: 'v1', metadata: {}, code };
  return `${JSON.stringify({ type: 'ERROR', object })}\n`;
}

/** The versions that the client has seen, in order. */
export function versions({ text }: TestStream): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(JSON.parse(line).object.metadata.resourceVersion ?? -1));
}

/** The n-th request that the door has sent for a watch. */
export function nth({ opened }: TestWatch, index = opened.length - 1): Opened {
  const request = opened[index];
  if (request === undefined) throw new Error(`the watch was opened ${opened.length} times`);
  return request;
}
