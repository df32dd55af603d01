// What operators make beside their pods.
import { LOAD_LABELS, request } from './api.ts';
import { NAMESPACE } from './pods.ts';

type Text = Readonly<Record<string, string>>;

export function createConfigMap(name: string, data: Text, labels: Text = {}): void {
  request({ verb: 'POST', resource: 'configmaps', scope: 'resource' }, `${NAMESPACE}/configmaps`, {
    body: { metadata: { name, labels: { ...labels, ...LOAD_LABELS } }, data },
  });
}

/** Whatever revision it has: the whole object, as a controller writes the status that it computed. */
export function updateConfigMap(name: string, data: Text): void {
  const path = `${NAMESPACE}/configmaps/${name}`;
  request({ verb: 'PUT', resource: 'configmaps', scope: 'resource' }, path, {
    body: { metadata: { name, labels: LOAD_LABELS }, data },
  });
}

/** Headless: one with an address takes it from a range of the cluster, which is not ours to empty. */
export function createService(name: string, selector: Text): void {
  request({ verb: 'POST', resource: 'services', scope: 'resource' }, `${NAMESPACE}/services`, {
    body: {
      metadata: { name, labels: { ...selector, ...LOAD_LABELS } },
      spec: { clusterIP: 'None', selector, ports: [{ name: 'main', port: 2222 }] },
    },
  });
}

export function deleteObject(resource: 'services' | 'configmaps', name: string): void {
  request({ verb: 'DELETE', resource, scope: 'resource' }, `${NAMESPACE}/${resource}/${name}`);
}
