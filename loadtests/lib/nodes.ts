// What is written about a node.
import { request } from './api.ts';

const MERGE = 'application/strategic-merge-patch+json';

/** By its kubelet (pkg/kubelet/kubelet_node_status.go, tryUpdateNodeStatus), or on its behalf. */
export function reportNode(
  name: string,
  status: 'True' | 'Unknown' = 'True',
  reason = 'KubeletReady',
): void {
  const lastHeartbeatTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = { type: 'Ready', status, reason, lastHeartbeatTime };
  const patch = { verb: 'PATCH', resource: 'nodes/status', scope: 'resource' } as const;
  request(patch, `/api/v1/nodes/${name}/status`, {
    body: { status: { conditions: [ready] } },
    contentType: MERGE,
  });
}

/**
 * By the node lifecycle controller: a GET from the watch cache, then a PATCH of the whole list
 * (pkg/controller/controller_utils.go, AddOrUpdateTaintOnNode, PatchNodeTaints).
 */
export function taintNode(name: string, effects: readonly string[]): void {
  const path = `/api/v1/nodes/${name}`;
  const get = { verb: 'GET', resource: 'nodes', scope: 'resource' } as const;
  request(get, `${path}?resourceVersion=0`);
  const taints = effects.map((effect) => ({ key: 'node.kubernetes.io/unreachable', effect }));
  const patch = { verb: 'PATCH', resource: 'nodes', scope: 'resource' } as const;
  request(patch, path, { body: { spec: { taints } }, contentType: MERGE });
}
