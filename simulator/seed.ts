// Objects that appear without a request: those that a new cluster starts with, and those that a
// test or the demo puts in directly.
import { randomUUID } from 'node:crypto';
import { withDefaults } from './defaults.ts';
import { isJsonObject, objectKey, type StoredObject } from './objects.ts';
import { RESOURCES, resourceKey } from './resources.ts';
import type { Store } from './store.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Creates what every cluster has. */
export function seed(store: Store): void {
  for (const name of NAMESPACES) createDirectly(store, 'namespaces', { metadata: { name } });
}

/** Creates an object past all checks but the one for its name. Throws when it exists. */
export function createDirectly(store: Store, plural: string, object: object): StoredObject {
  const resource = RESOURCES.find((candidate) => candidate.plural === plural);
  if (!resource) throw new Error(`the simulator serves no resource "${plural}"`);
  const value: unknown = object;
  if (!isJsonObject(value) || !isJsonObject(value.metadata)) {
    throw new Error(`an object of "${plural}" needs a metadata`);
  }
  const { name, namespace = 'default' } = value.metadata;
  if (typeof name !== 'string' || typeof namespace !== 'string') {
    throw new Error(`an object of "${plural}" needs a metadata.name`);
  }
  const scope = resource.namespaced ? namespace : undefined;
  const draft = withDefaults(
    resource,
    { ...value, metadata: value.metadata },
    {
      name,
      ...(scope === undefined ? {} : { namespace: scope }),
      uid: randomUUID(),
      creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  );
  // A direct write may set the status at once; a client would need a second request.
  const complete = isJsonObject(value.status) ? { ...draft, status: value.status } : draft;
  const result = store.create(resourceKey(resource), objectKey(scope, name), complete);
  if (typeof result === 'string') throw new Error(`${plural} "${name}": ${result}`);
  return result;
}
