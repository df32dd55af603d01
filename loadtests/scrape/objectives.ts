// SIG-Scalability's objectives (community sig-scalability/slos/api_call_latency.md), as perf-tests
// judges short runs: one 99th percentile over all of the run, for each verb, resource and scope
// (clusterloader2 slos/api_responsiveness_prometheus.go, the "simple" query).
import type { LatencyHistogram } from '../histogram.ts';
import type { ObjectiveLine } from '../result.ts';
import { SLI } from './families.ts';
import type { Increases } from './increases.ts';
import { isOfSeries, parseSeries, type RequestSeries } from './series.ts';

const ONE_OBJECT_LIMIT_S = 1;
const MANY_OBJECTS_LIMIT_S = 30;
// Their answers last as long as somebody wants to read.
const STREAMING = new Set(['log', 'exec', 'portforward', 'attach', 'proxy']);

/**
 * Of each series twice where the servers were asked: as the client saw it, with the network, the
 * door and the wait of flow control, and as the servers count it by definition.
 */
export function judgeObjectives(
  measured: ReadonlyMap<string, LatencyHistogram>,
  apiserver: Increases | undefined,
): ObjectiveLine[] {
  return [...measured].flatMap(([name, latency]) => {
    const series = parseSeries(name);
    if (series === undefined || STREAMING.has(series.subresource)) return [];
    const own = objective(name, series, latency.percentileUs(99) / 1e6);
    const inside = apiserver?.histogram(SLI, (labels) => isOfSeries(series, labels));
    if (inside === undefined || inside.count === 0) return [own];
    return [own, objective(`${name} in the servers`, series, inside.quantile(0.99))];
  });
}

function objective(name: string, { scope }: RequestSeries, value: number): ObjectiveLine {
  const limit = scope === 'resource' ? ONE_OBJECT_LIMIT_S : MANY_OBJECTS_LIMIT_S;
  return {
    type: 'objective',
    name: `${name}: p99 at most ${limit} s`,
    limit,
    value,
    unit: 's',
    met: value <= limit,
  };
}
