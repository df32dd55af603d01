import type { ReplicaReport } from './replica-metrics.ts';
import type { Sources } from './sources.ts';
import { STATE_GAUGES } from './state-gauges.ts';

const NOTHING: Omit<Sources, 'replicas'> = {
  endpoints: [],
  draining: false,
  http2Connections: 0,
  http1Connections: 0,
  openTunnels: 0,
};
const REPLICA_GAUGE = /^evenkeel_replica_/;

/**
 * What the process that reads the replicas has to add to the metrics of those that serve clients;
 * for `mergeMetrics`, in the shape of `Metrics.json`.
 */
export function replicaSnapshot(replicas: readonly ReplicaReport[]): unknown {
  const gauges = STATE_GAUGES.filter(({ name }) => REPLICA_GAUGE.test(name));
  const others = gauges.map(({ name, help, values, merge = 'sum' }) => ({
    name,
    help,
    type: 'gauge',
    aggregator: merge,
    values: [...values({ ...NOTHING, replicas })].map(([labels, value]) => ({ labels, value })),
  }));
  return { series: [], others };
}
