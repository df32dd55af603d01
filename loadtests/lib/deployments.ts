// Deployments that are paused: a deployment controller that runs makes no ReplicaSets for them
// (pkg/controller/deployment/sync.go, sync), so that what a rollout sends is sent here alone. Their
// ReplicaSets are ConfigMaps, since a ReplicaSet's own controller would make the pods a second time.
import { LOAD_LABELS, must, request } from './api.ts';

const PATH = '/apis/apps/v1/namespaces/default/deployments';
const resource = 'deployments';

function deploymentBody(name: string, replicas: number, version: number): object {
  const labels = { app: name };
  return {
    metadata: { name, labels: { ...labels, ...LOAD_LABELS } },
    spec: {
      paused: true,
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: `registry.invalid/load:${version}` }] },
      },
    },
  };
}

/** Of set-up: throws. */
export function mustCreateDeployment(name: string, replicas: number): void {
  const body = deploymentBody(name, replicas, 1);
  must({ verb: 'POST', resource, scope: 'resource' }, PATH, { body });
}

export function createDeployment(name: string, replicas: number): void {
  const body = deploymentBody(name, replicas, 1);
  request({ verb: 'POST', resource, scope: 'resource' }, PATH, { body });
}

/** By its user: a new template, or another number of replicas. */
export function updateDeployment(name: string, replicas: number, version: number): void {
  const body = deploymentBody(name, replicas, version);
  request({ verb: 'PUT', resource, scope: 'resource' }, `${PATH}/${name}`, { body });
}

/** By the deployment controller (pkg/controller/deployment/progress.go, syncRolloutStatus). */
export function reportDeployment(name: string, replicas: number, ready: number): void {
  const path = `${PATH}/${name}/status`;
  request({ verb: 'PUT', resource: 'deployments/status', scope: 'resource' }, path, {
    body: {
      ...deploymentBody(name, replicas, 1),
      status: { replicas: ready, readyReplicas: ready, availableReplicas: ready },
    },
  });
}

export function deleteDeployment(name: string): void {
  request({ verb: 'DELETE', resource, scope: 'resource' }, `${PATH}/${name}`);
}

/** By an autoscaler (pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler). */
export function readScale(name: string): void {
  const path = `${PATH}/${name}/scale`;
  request({ verb: 'GET', resource: 'deployments/scale', scope: 'resource' }, path);
}

export function writeScale(name: string, replicas: number): void {
  const path = `${PATH}/${name}/scale`;
  request({ verb: 'PUT', resource: 'deployments/scale', scope: 'resource' }, path, {
    body: { metadata: { name, namespace: 'default' }, spec: { replicas } },
  });
}
