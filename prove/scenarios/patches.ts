import { measureLoadAware } from '../patches/load-aware.ts';
import { measureLoadBalancing } from '../patches/load-balancing.ts';
import { measureMetrics } from '../patches/metrics-verbs.ts';
import { measureNodeLifecycle } from '../patches/node-lifecycle.ts';
import { measureUnderlay } from '../patches/underlay.ts';
import type { Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

/** One after the other: each starts a control plane of its own. */
async function measurePatches(context: ScenarioContext): Promise<Row[]> {
  return [
    ...(await measureLoadAware(context)),
    ...(await measureLoadBalancing(context)),
    ...(await measureNodeLifecycle(context)),
    ...(await measureUnderlay(context)),
    ...(await measureMetrics(context)),
  ];
}

/** Kubernetes with the patches beside Kubernetes as it is published, as programs. */
export const patches: Scenario = {
  name: 'patches',
  title: 'patched kube-apiservers and kube-controller-managers beside the published ones',
  run: measurePatches,
};
