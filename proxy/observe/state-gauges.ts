// The gauges that show the state of the running parts, as plain data: what is called how, and where
// its values come from at a scrape.
import { SCRAPE_RESULTS } from './replica-metrics.ts';
import { ENDPOINT_STATES, poolCounts, type Sources, stateOf } from './sources.ts';

export type GaugeValue = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface StateGauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** How the values of several workers become one; without it they are added up. */
  readonly merge?: 'max';
  values(sources: Sources): Iterable<GaugeValue>;
}

export const STATE_GAUGES: readonly StateGauge[] = [
  {
    name: 'evenkeel_endpoint_state',
    help: '1 for the state that the endpoint is in.',
    labelNames: ['endpoint', 'state'],
    merge: 'max',
    *values({ endpoints }) {
      for (const endpoint of endpoints) {
        const now = stateOf(endpoint);
        for (const state of ENDPOINT_STATES) {
          yield [{ endpoint: endpoint.name, state }, state === now ? 1 : 0];
        }
      }
    },
  },
  {
    name: 'evenkeel_endpoint_requests_in_flight',
    help: 'Requests at the endpoint that are not long-running.',
    labelNames: ['endpoint'],
    values: ({ endpoints }) =>
      endpoints.map(({ name, load }) => [{ endpoint: name }, load.requests]),
  },
  {
    name: 'evenkeel_endpoint_watches',
    help: 'Watches, logs and tunnels that are open at the endpoint.',
    labelNames: ['endpoint'],
    values: ({ endpoints }) =>
      endpoints.map(({ name, load }) => [{ endpoint: name }, load.longRunning]),
  },
  {
    name: 'evenkeel_endpoint_connections',
    help: 'HTTP/2 connections to the endpoint, by whose identity they carry and for what.',
    labelNames: ['endpoint', 'identity', 'purpose'],
    *values({ endpoints }) {
      for (const endpoint of endpoints) {
        for (const { identity, purpose, connections } of poolCounts(endpoint)) {
          yield [{ endpoint: endpoint.name, identity, purpose }, connections];
        }
      }
    },
  },
  {
    name: 'evenkeel_client_connections',
    help: 'Client connections that are open.',
    labelNames: ['protocol'],
    values: ({ http2Connections, http1Connections }) => [
      [{ protocol: 'h2' }, http2Connections],
      [{ protocol: 'http/1.1' }, http1Connections],
    ],
  },
  {
    name: 'evenkeel_tunnels_open',
    help: 'Upgraded connections (exec, attach, port-forward) that are open.',
    labelNames: [],
    values: ({ openTunnels }) => [[{}, openTunnels]],
  },
  {
    name: 'evenkeel_replica_scrape',
    help: "1 for how the last reading of the endpoint's own metrics has ended.",
    labelNames: ['endpoint', 'result'],
    merge: 'max',
    *values({ replicas = [] }) {
      for (const { endpoint, result: last } of replicas) {
        if (last === undefined) continue;
        for (const result of SCRAPE_RESULTS) yield [{ endpoint, result }, result === last ? 1 : 0];
      }
    },
  },
  {
    name: 'evenkeel_replica_misfiled_watches',
    help:
      "Watches that the endpoint's own metric has under a verb that is not theirs: of the gauge " +
      'those open now, of the others those that the door has carried there.',
    labelNames: ['endpoint', 'verb', 'metric'],
    merge: 'max',
    *values({ replicas = [] }) {
      for (const { endpoint, misfiled } of replicas) {
        for (const { verb, metric, watches } of misfiled) {
          yield [{ endpoint, verb, metric }, watches];
        }
      }
    },
  },
];
